// `kqtorture survey`: which kqueue is this, and where does it part from the platform that it is
// nearest to?
//
// The worker asks. A probe that takes the worker down is a finding, and the next worker leaves it
// out: a survey is short enough to begin again.
#include "engine/survey.h"

#include <cstdio>
#include <cstdlib>

#include "cli/command_line.h"
#include "cli/run.h"
#include "cli/version.h"
#include "contract/knobs.h"
#include "engine/sequential.h"
#include "report/files.h"
#include "report/finding.h"
#include "report/survey.h"
#include "report/text.h"
#include "scenario/parse.h"
#include "subject/layout.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

// Probes that took a worker down, each followed by ';', for the workers after it.
constexpr char kLeftOut[] = "KQ_SURVEY_LEFT_OUT";
// A subject that ends so many workers is not surveyed to the end.
constexpr int kMostWorkers = 6;
constexpr std::chrono::seconds kProbeLookInterval{3};
constexpr size_t kMostSurveyBytes = 4 << 20;

struct SurveyArguments {
  std::string json;   // "-": standard output
  std::string atlas;  // of the saved surveys, instead of a survey
  std::vector<std::string> saved;
  bool dangerous = false;
};

std::string left_out_reason(const SurveyProbe& probe, const Subject& subject, bool dangerous) {
  const char* left_out = std::getenv(kLeftOut);
  const std::string name = to_file_name(probe.knob);
  if (left_out != nullptr && std::string(left_out).find(name + ';') != std::string::npos) {
    return "it took the process down that asked, see the finding";
  }
  if (dangerous) return "";
  for (const char* text : probe.programs) {
    Program program;
    if (text == nullptr || parse(text, &program)) continue;
    const std::string danger = danger_here(subject, program);
    if (!danger.empty()) return danger;
  }
  return "";
}

const SurveyProbe* probe_of(const std::string& file_name) {
  for (const SurveyProbe& probe : survey_probes()) {
    if (to_file_name(probe.knob) == file_name) return &probe;
  }
  return nullptr;
}

constexpr char kSecondProgram[] = " second";

// The finding is one of the program that ran, so that it can be replayed and shrunk.
void make_finding_of(const SurveyProbe& probe, Finding* finding) {
  bool second = false;
  for (const std::string& line : finding->detail) {
    second = second || line.find(finding->scenario + kSecondProgram) != std::string::npos;
  }
  const char* program = probe.programs[second ? 1 : 0];
  finding->engine = program != nullptr ? "sequential" : "survey";
  if (program != nullptr) finding->reproducer = program;
}

SurveyRow survey_row(const SurveyAnswer& answer, const contract::Profile& profile) {
  using Told = SurveyAnswer::Status;
  const contract::Knob& knob = *contract::find_knob(answer.knob);
  SurveyRow row;
  row.knob = answer.knob;
  row.status = answer.status == Told::kAnswered    ? "answered"
               : answer.status == Told::kUnknown   ? "unknown"
               : answer.status == Told::kUndecided ? "undecided"
                                                   : "not probed";
  for (const int value : answer.fits) row.seen.push_back(knob.word(value));
  row.expected = knob.word_of(profile);
  row.deviates = answer.status == Told::kUnknown || answer.contradicts(knob.get(profile));
  const SurveyProbe* probe = find_probe(answer.knob);
  bool can = probe != nullptr && !row.seen.empty() && lists(probe->cannot, row.expected);
  for (const std::string& word : row.seen) can = can && !lists(probe->cannot, word);
  row.unexpectedly_can = can;
  row.note = answer.note;
  row.trace = answer.trace;
  return row;
}

SurveyReport survey_report(const Subject& subject, const SurveyResult& result,
                           const std::string& compared_with) {
  SurveyReport report;
  report.version = version();
  report.subject = subject.spec();
  report.layout = layout_name(subject.layout());
  report.host = host_of(subject).name;
  report.nearest = result.nearest().name;
  report.profile = compared_with.empty() ? report.nearest : compared_with;
  report.calls = result.calls;
  for (const contract::Profile& profile : contract::profiles()) {
    report.deviations[profile.name] = result.deviations_from(profile);
  }
  const contract::Profile& profile = *contract::find_profile(report.profile);
  for (const SurveyAnswer& answer : result.answers) {
    report.rows.push_back(survey_row(answer, profile));
  }
  return report;
}

int survey_here(const CommonOptions& common, const SurveyArguments& arguments) {
  note_activity("open");
  std::string error;
  const auto subject = Subject::open(Subject::default_spec(), &error);
  if (subject == nullptr) return usage_error(error);
  SurveyOptions options;
  const SurveyProbe* last = nullptr;
  options.begin = [&last](const SurveyProbe& probe) {
    note_progress();
    std::string name = to_file_name(probe.knob);
    if (last == &probe) name += kSecondProgram;
    last = &probe;
    note_activity(name.c_str());
  };
  options.leave_out = [&](const SurveyProbe& probe) {
    return left_out_reason(probe, *subject, arguments.dangerous);
  };
  const SurveyResult result = survey(*subject, host_of(*subject), options);
  const SurveyReport report = survey_report(*subject, result, common.profile);
  if (report.count("answered") == 0) {
    std::fprintf(stderr, "kqtorture: no probe could be run\n");
    return kExitSkipped;
  }
  const std::string json = arguments.json.empty() ? "" : to_json(report);
  if (arguments.json == "-") {
    std::fputs(json.c_str(), stdout);
  } else {
    std::fputs(to_text(report).c_str(), stdout);
    if (!json.empty() && !write_file(arguments.json, json, &error)) return usage_error(error);
  }
  // Who names a profile asks whether it is kept; who names none asks what this is.
  return !common.profile.empty() && report.deviating() > 0 ? kExitFinding : kExitClean;
}

int survey_apart(const CommandLine& line, const SurveyArguments& arguments) {
  export_subject(line.common());
  std::string left_out;
  if (const char* already = std::getenv(kLeftOut)) left_out = already;
  bool crashed = false;
  for (int worker = 0; worker < kMostWorkers; worker++) {
    bool again = false;
    SupervisorOptions options;
    options.program = "survey";
    options.look_interval = kProbeLookInterval;
    options.complete = [&](Finding* finding) {
      finding->engine = "survey";
      crashed = true;
      const SurveyProbe* probe = probe_of(finding->scenario);
      again = probe != nullptr;
      if (again) make_finding_of(*probe, finding);
      left_out += finding->scenario + ';';
    };
    const auto code = supervise(line.argc(), line.argv(), options);
    if (!code) {
      const int own = survey_here(line.common(), arguments);
      std::fflush(nullptr);
      announce_exit(own);
      return own;
    }
    if (!again) return crashed && *code == kExitClean ? kExitFinding : *code;
    setenv(kLeftOut, left_out.c_str(), 1);
  }
  std::fprintf(stderr,
               "kqtorture: %d probes ended the process that asked; the subject is not "
               "surveyed to the end\n",
               kMostWorkers);
  return kExitFinding;
}

int write_atlas(const SurveyArguments& arguments) {
  if (arguments.saved.empty()) return usage_error("--atlas: no saved survey is given");
  std::vector<SurveyReport> surveys;
  for (const std::string& path : arguments.saved) {
    std::string text, error;
    if (!read_file(path, kMostSurveyBytes, &text, &error)) return usage_error(error);
    if (!from_json(text, &surveys.emplace_back(), &error)) return usage_error(path + ": " + error);
  }
  std::string error;
  if (!write_file(arguments.atlas, to_atlas(surveys), &error)) return usage_error(error);
  return kExitClean;
}

int survey_or_atlas(const CommandLine& line, const SurveyArguments& arguments) {
  if (!arguments.atlas.empty()) return write_atlas(arguments);
  if (!arguments.saved.empty()) return usage_error("saved surveys are for --atlas");
  return survey_apart(line, arguments);
}

}  // namespace

void register_survey(CommandLine* line) {
  static SurveyArguments arguments;
  CLI::App* subcommand =
      line->add("survey", "Which kqueue is this? Ask it about every knob of the contract",
                [line] { return survey_or_atlas(*line, arguments); });
  line->take_subject(subcommand);
  subcommand
      ->add_option("--json", arguments.json,
                   "the result as JSON, into this file; without one, on standard output instead")
      ->expected(0, 1)
      ->default_str("-");
  subcommand->add_option("--atlas", arguments.atlas,
                         "write a page that lays saved surveys (JSON) side by side");
  subcommand->add_option("survey", arguments.saved, "saved surveys, for --atlas");
  subcommand->add_flag("--dangerous", arguments.dangerous,
                       "ask also what is known to hang or panic this kernel");
}

}  // namespace kqtorture
