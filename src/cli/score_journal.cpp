#include "cli/score_journal.h"

#include <cerrno>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>

#include "report/files.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using Json = nlohmann::ordered_json;

constexpr size_t kLargestJournal = size_t{64} << 20;
constexpr const char* kResults[] = {"killed", "survived", "absent", "broken"};

Json json_of(const ScoreCell& cell) {
  Json json{{"mutant", cell.mutant},
            {"engine", cell.engine},
            {"result", kResults[static_cast<size_t>(cell.result)]},
            {"seconds", cell.seconds},
            {"executions", cell.executions}};
  if (!cell.verdict.empty()) json["verdict"] = to_utf8(cell.verdict);
  if (!cell.rule.empty()) json["rule"] = to_utf8(cell.rule);
  if (!cell.scenario.empty()) json["scenario"] = to_utf8(cell.scenario);
  if (!cell.note.empty()) json["note"] = to_utf8(cell.note);
  return json;
}

ScoreCell cell_of(const Json& json) {
  ScoreCell cell;
  cell.mutant = json.at("mutant");
  cell.engine = json.at("engine");
  const std::string result = json.at("result");
  for (size_t i = 0; i < std::size(kResults); i++) {
    if (result == kResults[i]) cell.result = static_cast<ScoreCell::Result>(i);
  }
  cell.seconds = json.at("seconds");
  cell.executions = json.at("executions");
  cell.verdict = json.value("verdict", "");
  cell.rule = json.value("rule", "");
  cell.scenario = json.value("scenario", "");
  cell.note = json.value("note", "");
  return cell;
}

}  // namespace

std::string to_json(const ScoreCell& cell) { return json_of(cell).dump(); }

bool ScoreJournal::open(const std::string& path, const std::string& what, bool resume,
                        std::string* error) {
  std::string text;
  if (resume && read_file(path, kLargestJournal, &text, error)) {
    const size_t first = text.find('\n');
    if (text.substr(0, first) == Json(what).dump()) {
      for (size_t begin = first + 1, end; (end = text.find('\n', begin)) != text.npos;
           begin = end + 1) {
        try {
          const Json json = Json::parse(text.substr(begin, end - begin));
          const ScoreCell cell = cell_of(json);
          known_[{json.at("hash"), json.at("question")}] = cell;
        } catch (const nlohmann::json::exception&) {
          continue;
        }
      }
    }
  }
  error->clear();
  file_.reset(std::fopen(path.c_str(), "we"));
  if (!file_) {
    *error = path + ": " + std::strerror(errno);
    return false;
  }
  std::fprintf(file_.get(), "%s\n", Json(what).dump().c_str());
  for (const auto& [key, cell] : known_) add(key.first, key.second, cell);
  return true;
}

bool ScoreJournal::find(const std::string& hash, const std::string& question,
                        ScoreCell* cell) const {
  const auto at = known_.find({hash, question});
  if (at != known_.end()) *cell = at->second;
  return at != known_.end();
}

void ScoreJournal::add(const std::string& hash, const std::string& question,
                       const ScoreCell& cell) {
  Json json = json_of(cell);
  json["hash"] = hash;
  json["question"] = question;
  std::fprintf(file_.get(), "%s\n", json.dump().c_str());
  std::fflush(file_.get());
}

}  // namespace kqtorture
