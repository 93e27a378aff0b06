// Findings as JSON, and back. A finding file may come from anyone (an issue's attachment, a CI
// artifact), so reading it has limits: size, nesting, and the exact type of every member. Members
// that this version does not know are ignored, so that newer files can be read.
#include <nlohmann/json.hpp>

#include "report/finding.h"
#include "report/format.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using nlohmann::json;

// A finding with a long history is some hundred kilobytes; 16 MiB is far above any that a person
// can use, and far below what would hurt to parse.
constexpr size_t kMaxBytes = size_t{16} << 20;
constexpr size_t kMaxDetailLines = 200000;
constexpr size_t kMaxLanes = 1024;
// Object, array of lines, and room for members of newer versions.
constexpr int kMaxDepth = 16;

bool fail(std::string* error, const std::string& reason) {
  *error = reason;
  return false;
}

bool read_string(const json& object, const char* name, bool required, std::string* value,
                 std::string* error) {
  const auto member = object.find(name);
  if (member == object.end()) {
    return !required || fail(error, std::string("finding has no \"") + name + "\"");
  }
  if (!member->is_string()) {
    return fail(error, std::string("finding's \"") + name + "\" is not a string");
  }
  *value = member->get<std::string>();
  return true;
}

bool read_call(const json& object, size_t lanes, Lanes::Call* call, std::string* error) {
  const auto wrong = [&] { return fail(error, "a call of the finding's \"lanes\" is malformed"); };
  if (!object.is_object()) return wrong();
  const auto lane = object.find("lane"), begin = object.find("begin_us");
  const auto text = object.find("call"), end = object.find("end_us");
  if (lane == object.end() || begin == object.end() || text == object.end()) return wrong();
  if (!lane->is_number_unsigned() || lane->get<uint64_t>() >= lanes) return wrong();
  if (!begin->is_number() || !text->is_string()) return wrong();
  call->lane = static_cast<uint32_t>(lane->get<uint64_t>());
  call->begin = begin->get<double>();
  call->text = text->get<std::string>();
  if (end != object.end() && !end->is_null()) {
    if (!end->is_number()) return wrong();
    call->end = end->get<double>();
  }
  const auto guilty = object.find("guilty");
  if (guilty != object.end() && !guilty->is_boolean()) return wrong();
  call->guilty = guilty != object.end() && guilty->get<bool>();
  return true;
}

bool read_unsigned(const json& object, const char* name, uint64_t* value) {
  const auto member = object.find(name);
  if (member == object.end() || !member->is_number_unsigned()) return false;
  *value = member->get<uint64_t>();
  return true;
}

bool read_switch(const json& object, size_t lanes, Lanes::Switch* one, std::string* error) {
  uint64_t from = 0, to = 0;
  const auto time = object.is_object() ? object.find("time_us") : object.end();
  if (time == object.end() || !time->is_number() || !read_unsigned(object, "from", &from) ||
      !read_unsigned(object, "to", &to) || from >= lanes || to >= lanes) {
    return fail(error, "a switch of the finding's \"lanes\" is malformed");
  }
  *one = {time->get<double>(), static_cast<uint32_t>(from), static_cast<uint32_t>(to), ""};
  return read_string(object, "at", false, &one->text, error);
}

bool read_lanes(const json& object, Lanes* lanes, std::string* error) {
  if (!object.is_object()) return fail(error, "finding's \"lanes\" is not an object");
  if (!read_string(object, "caption", false, &lanes->caption, error)) return false;
  const auto names = object.find("names"), calls = object.find("calls");
  if (names == object.end() || !names->is_array() || names->size() > kMaxLanes) {
    return fail(error, "finding's \"lanes\" have no list of names");
  }
  for (const json& name : *names) {
    if (!name.is_string()) return fail(error, "a name of the finding's \"lanes\" is no string");
    lanes->names.push_back(name.get<std::string>());
  }
  if (calls == object.end() || !calls->is_array() || calls->size() > kMaxDetailLines) {
    return fail(error, "finding's \"lanes\" have no list of calls");
  }
  for (const json& entry : *calls) {
    Lanes::Call call;
    if (!read_call(entry, lanes->names.size(), &call, error)) return false;
    lanes->calls.push_back(std::move(call));
  }
  const auto switches = object.find("switches");
  if (switches == object.end()) return true;
  if (!switches->is_array() || switches->size() > kMaxDetailLines) {
    return fail(error, "finding's \"lanes\" have no list of switches");
  }
  for (const json& entry : *switches) {
    Lanes::Switch one;
    if (!read_switch(entry, lanes->names.size(), &one, error)) return false;
    lanes->switches.push_back(std::move(one));
  }
  return true;
}

// A schedule that is not understood in full would be another schedule: nothing is ignored here.
bool read_schedule(const json& object, ScheduleRecord* schedule, std::string* error) {
  uint64_t version = 0;
  if (!object.is_object() || !read_unsigned(object, "version", &version)) {
    return fail(error, "finding's \"schedule\" is malformed");
  }
  if (version != ScheduleRecord::kVersion) {
    return fail(error, "finding's \"schedule\" is of version " + std::to_string(version) +
                           ", which this program does not know");
  }
  std::string decisions, steps;
  if (!read_string(object, "strategy", true, &schedule->strategy, error) ||
      !read_string(object, "carrier", true, &schedule->carrier, error) ||
      !read_string(object, "decisions", true, &decisions, error) ||
      !read_string(object, "steps", false, &steps, error)) {
    return false;
  }
  const auto races = object.find("races");
  const bool known = schedule->carrier == "fibers" || schedule->carrier == "threads";
  if (schedule->strategy.empty() || !known || !read_unsigned(object, "trace", &schedule->trace) ||
      !read_unsigned(object, "most_steps", &schedule->most_steps) || races == object.end() ||
      !races->is_boolean() || !decisions_from_text(decisions, &schedule->decisions) ||
      !steps_from_text(steps, &schedule->steps)) {
    return fail(error, "finding's \"schedule\" is malformed");
  }
  schedule->races = races->get<bool>();
  return true;
}

// A file that does not say what it is is taken for what it looks like.
bool read_format(const json& object, std::string* error) {
  std::string format = kFindingFormat.name;
  uint64_t version = 0;
  if (!read_string(object, "format", false, &format, error)) return false;
  if (format != kFindingFormat.name) return fail(error, "not a finding: " + to_printable(format));
  if (object.find("format_version") == object.end()) return true;
  if (read_unsigned(object, "format_version", &version) && version == kFindingFormat.version) {
    return true;
  }
  return fail(error, "finding is of another format_version than " +
                         std::to_string(kFindingFormat.version) + ", which this program reads");
}

bool read_members(const json& object, Finding* finding, std::string* error) {
  if (!read_string(object, "verdict", true, &finding->verdict, error) ||
      !read_string(object, "engine", true, &finding->engine, error) ||
      !read_string(object, "message", true, &finding->message, error) ||
      !read_string(object, "rule", false, &finding->rule, error) ||
      !read_string(object, "scenario", false, &finding->scenario, error) ||
      !read_string(object, "subject", false, &finding->subject, error) ||
      !read_string(object, "profile", false, &finding->profile, error) ||
      !read_string(object, "reproducer", false, &finding->reproducer, error)) {
    return false;
  }
  if (finding->verdict.empty()) return fail(error, "finding's \"verdict\" is empty");
  if (const auto seed = object.find("seed"); seed != object.end()) {
    if (!seed->is_number_unsigned()) {
      return fail(error, "finding's \"seed\" is not an unsigned 64-bit number");
    }
    finding->seed = seed->get<uint64_t>();
  }
  if (const auto detail = object.find("detail"); detail != object.end()) {
    if (!detail->is_array() || detail->size() > kMaxDetailLines) {
      return fail(error, "finding's \"detail\" is not a list of lines");
    }
    for (const json& line : *detail) {
      if (!line.is_string()) return fail(error, "finding's \"detail\" is not a list of lines");
      finding->detail.push_back(line.get<std::string>());
    }
  }
  const auto lanes = object.find("lanes");
  if (lanes != object.end() && !read_lanes(*lanes, &finding->lanes, error)) return false;
  const auto schedule = object.find("schedule");
  return schedule == object.end() || read_schedule(*schedule, &finding->schedule, error);
}

nlohmann::ordered_json to_object(const Lanes& lanes) {
  nlohmann::ordered_json calls = nlohmann::ordered_json::array();
  for (const Lanes::Call& call : lanes.calls) {
    nlohmann::ordered_json entry;
    entry["lane"] = call.lane;
    entry["begin_us"] = call.begin;
    if (call.end) entry["end_us"] = *call.end;
    if (call.guilty) entry["guilty"] = true;
    entry["call"] = call.text;
    calls.push_back(std::move(entry));
  }
  nlohmann::ordered_json object = {
      {"caption", lanes.caption}, {"names", lanes.names}, {"calls", std::move(calls)}};
  if (lanes.switches.empty()) return object;
  nlohmann::ordered_json switches = nlohmann::ordered_json::array();
  for (const Lanes::Switch& one : lanes.switches) {
    switches.push_back(
        {{"time_us", one.time}, {"from", one.from}, {"to", one.to}, {"at", one.text}});
  }
  object["switches"] = std::move(switches);
  return object;
}

nlohmann::ordered_json to_object(const ScheduleRecord& schedule) {
  nlohmann::ordered_json object = {{"version", ScheduleRecord::kVersion},
                                   {"strategy", schedule.strategy},
                                   {"carrier", schedule.carrier},
                                   {"trace", schedule.trace},
                                   {"most_steps", schedule.most_steps},
                                   {"races", schedule.races},
                                   {"decisions", decisions_to_text(schedule.decisions)}};
  if (!schedule.steps.empty()) object["steps"] = steps_to_text(schedule.steps);
  return object;
}

}  // namespace

std::string to_json(const Finding& finding) {
  // ordered_json: the file reads in the order in which the struct explains itself.
  nlohmann::ordered_json object;
  object["format"] = kFindingFormat.name;
  object["format_version"] = kFindingFormat.version;
  object["verdict"] = finding.verdict;
  object["rule"] = finding.rule;
  object["engine"] = finding.engine;
  object["scenario"] = finding.scenario;
  object["subject"] = finding.subject;
  object["profile"] = finding.profile;
  object["seed"] = finding.seed;
  object["message"] = finding.message;
  object["reproducer"] = finding.reproducer;
  object["detail"] = finding.detail;
  if (!finding.lanes.empty()) object["lanes"] = to_object(finding.lanes);
  if (!finding.schedule.empty()) object["schedule"] = to_object(finding.schedule);
  return object.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

bool from_json(const std::string& text, Finding* finding, std::string* error) {
  if (text.size() > kMaxBytes) return fail(error, "finding is larger than 16 MiB");
  bool too_deep = false;
  const auto watch_depth = [&](int depth, json::parse_event_t, json&) {
    too_deep = too_deep || depth > kMaxDepth;
    return !too_deep;
  };
  json object;
  try {
    object = json::parse(text, watch_depth);
  } catch (const json::exception& problem) {
    return fail(error, "finding is not JSON: " + to_printable(problem.what()));
  }
  if (too_deep) return fail(error, "finding is nested too deeply");
  if (!object.is_object()) return fail(error, "finding is not a JSON object");
  Finding result;
  if (!read_format(object, error) || !read_members(object, &result, error)) return false;
  *finding = std::move(result);
  return true;
}

}  // namespace kqtorture
