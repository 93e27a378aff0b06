// The program around the cases: a supervisor that survives the subject, and a worker that opens it.
//
// A subject that crashes, hangs or exits in the middle of a case is a finding of the supervisor.
// The names of the cases can be listed without a subject, so that ctest can discover them.
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>

#include "fixture.h"
#include "gates.h"
#include "report/finding.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

// Tells the supervisor what runs, and keeps a failed case as a finding.
class Reporter : public ::testing::EmptyTestEventListener {
  void OnTestStart(const ::testing::TestInfo& test) override {
    note_activity((std::string(test.test_suite_name()) + "." + test.name()).c_str());
    note_progress();
  }

  void OnTestEnd(const ::testing::TestInfo& test) override {
    note_progress();
    close_gate(test);
    if (!test.result()->Failed()) return;
    Finding finding;
    finding.verdict = "wrong-answer";
    finding.engine = "conformance";
    finding.scenario = std::string(test.test_suite_name()) + "." + test.name();
    finding.subject = subject().spec();
    finding.profile = subject().profile();
    finding.message = "a rule of the contract does not hold";
    for (int i = 0; i < test.result()->total_part_count(); ++i) {
      const ::testing::TestPartResult& part = test.result()->GetTestPartResult(i);
      if (part.failed()) finding.detail.emplace_back(part.message());
    }
    save_finding(finding);
  }
};

bool only_lists(int argc, char** argv) {
  for (int i = 1; i < argc; ++i) {
    if (std::strncmp(argv[i], "--gtest_list_tests", 18) == 0) return true;
    if (std::strcmp(argv[i], "--help") == 0) return true;
  }
  return false;
}

int run(int argc, char** argv) {
  if (!only_lists(argc, argv)) {
    SupervisorOptions options;
    options.program = "kqueue_tests";
    options.most_cpu = std::chrono::seconds(30);  // of one case; none takes a tenth of a second
    if (const auto code = supervise(argc, argv, options)) return *code;
    std::string error;
    std::unique_ptr<Subject> opened = Subject::open(Subject::default_spec(), &error);
    if (opened == nullptr) {
      std::fprintf(stderr, "kqueue_tests: %s\n", error.c_str());
      announce_exit(kExitUsage);
      return kExitUsage;
    }
    if (find_traits(opened->profile()) == nullptr) {
      std::fprintf(stderr, "kqueue_tests: no profile is called \"%s\"\n",
                   opened->profile().c_str());
      announce_exit(kExitUsage);
      return kExitUsage;
    }
    set_subject(std::move(opened));
  }
  std::signal(SIGPIPE, SIG_IGN);
  ::testing::InitGoogleTest(&argc, argv);
  ::testing::UnitTest::GetInstance()->listeners().Append(new Reporter);
  const int code = RUN_ALL_TESTS() == 0 ? kExitClean : kExitFinding;
  report_gates();
  announce_exit(code);
  return code;
}

}  // namespace
}  // namespace kqtorture

int main(int argc, char** argv) { return kqtorture::run(argc, argv); }
