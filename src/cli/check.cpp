// `kqtorture check`: can this subject be opened, and as what is it understood?
//
// It runs in a worker, so that an object whose constructor crashes, hangs or leaves is reported as
// the finding it is. A campaign asks this first, before it spends its budget.
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "report/finding.h"
#include "report/format.h"
#include "report/text.h"
#include "subject/layout.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

// Loading takes milliseconds; a person waits for the answer.
constexpr std::chrono::seconds kLookInterval{3};

// The least a kqueue can do: one is made and closed.
bool is_alive(const Subject& subject) {
  note_activity("kqueue");
  const int kq = subject.kqueue();
  const int error = errno;
  note_progress();
  if (kq >= 0 && subject.close(kq) == 0) return true;
  Finding finding;
  finding.verdict = "wrong-answer";
  finding.engine = "check";
  finding.scenario = "kqueue";
  finding.subject = subject.spec();
  finding.profile = subject.profile();
  finding.message = kq < 0 ? std::string("the first kqueue() fails: ") + std::strerror(error)
                           : "the descriptor that kqueue() returned cannot be closed";
  save_finding(finding);
  return false;
}

int open_and_describe(const CommonOptions& common) {
  note_activity("open");
  std::string error;
  const auto subject = Subject::open(Subject::default_spec(), &error);
  if (subject == nullptr) return usage_error(error);
  if (!is_alive(*subject)) return kExitFinding;
  if (common.json) {
    const nlohmann::ordered_json answer = {{"format", kCheckFormat.name},
                                           {"format_version", kCheckFormat.version},
                                           {"subject", to_utf8(subject->spec())},
                                           {"layout", layout_name(subject->layout())},
                                           {"profile", subject->profile()}};
    std::printf("%s\n", answer.dump().c_str());
  } else {
    std::printf("subject %s, layout %s, judged by profile %s\n",
                to_printable(subject->spec()).c_str(), layout_name(subject->layout()),
                subject->profile().c_str());
  }
  return kExitClean;
}

}  // namespace

void register_check(CommandLine* line) {
  CLI::App* subcommand = line->add("check", "Open a subject, and say what it is", [line] {
    export_subject(line->common());
    SupervisorOptions options;
    options.program = "check";
    options.look_interval = kLookInterval;
    if (const auto code = supervise(line->argc(), line->argv(), options)) return *code;
    const int code = open_and_describe(line->common());
    std::fflush(nullptr);
    announce_exit(code);
    return code;
  });
  line->take_subject(subcommand);
  line->take_json(subcommand);
}

}  // namespace kqtorture
