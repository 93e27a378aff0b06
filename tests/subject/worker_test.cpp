// However a worker ends, the supervisor says so: its announced code, or a finding; never silence,
// and never anything left running.
#include "subject/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <thread>
#include <tuple>

#include "report/finding.h"
#include "run.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

using ::testing::AllOf;
using ::testing::Ge;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Le;
using testing::Ran;
using ::testing::SizeIs;
using testing::TemporaryDirectory;

class Worker : public ::testing::Test {
 protected:
  Ran work(std::vector<std::string> arguments, testing::Variables variables = {}) {
    variables["KQ_OUT"] = out();
    arguments.insert(arguments.begin(), KQT_WORKER_PROGRAM);
    return testing::run(arguments, variables);
  }
  std::string out() const { return directory_.path() + "/out"; }
  std::vector<std::string> findings() const { return testing::files_in(out() + "/findings"); }
  Finding only_finding() const {
    const auto names = findings();
    EXPECT_THAT(names, SizeIs(1));
    Finding finding;
    std::string error;
    if (!names.empty()) {
      EXPECT_TRUE(from_json(testing::read_text(out() + "/findings/" + names[0]), &finding, &error))
          << error;
    }
    return finding;
  }
  // The two numbers that "leave-child" writes; waits for them.
  std::pair<pid_t, pid_t> family(const std::string& file) {
    for (;;) {
      int worker = 0, child = 0;
      const std::string text = testing::read_text(file);
      if (std::sscanf(text.c_str(), "%d %d\n", &worker, &child) == 2) return {worker, child};
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
  }

  TemporaryDirectory directory_;
};

// Gone, or a zombie that somebody else has yet to reap.
bool is_running(pid_t pid) {
  const std::string status = testing::read_text("/proc/" + std::to_string(pid) + "/stat");
  const size_t close = status.rfind(')');
  return close != std::string::npos && status[close + 2] != 'Z' && status[close + 2] != 'X';
}

// Returns when it has ended; the test's own time limit ends what never does.
void wait_until_gone(pid_t pid) {
  while (is_running(pid)) std::this_thread::sleep_for(std::chrono::milliseconds(10));
}

TEST_F(Worker, AnnouncedCodesPassThrough) {
  for (const int code : {kExitClean, kExitFinding, kExitUsage, kExitSkipped}) {
    EXPECT_EQ(work({"announce", std::to_string(code)}).code, code);
  }
  EXPECT_THAT(findings(), IsEmpty());
}

TEST_F(Worker, RunsInAProcessOfItsOwnUnlessKqWorkerIsZero) {
  const std::string self = "parent " + std::to_string(getpid()) + "\n";
  EXPECT_NE(work({"parent"}).output, self);
  EXPECT_EQ(work({"parent"}, {{"KQ_WORKER", "0"}}).output, self);
}

#if defined(__linux__)
TEST_F(Worker, IsStartedWithTheEmulatorAndKeepsThatToItself) {
  const std::string emulator = Subject::preload_for("emulator");
  ASSERT_FALSE(emulator.empty());
  EXPECT_EQ(work({"preloaded"}).output, "no, for others nothing\n");
  EXPECT_EQ(work({"--preload", emulator, "preloaded"}).output, "yes, for others nothing\n");
  const std::string users = "libm.so.6";
  EXPECT_EQ(work({"--preload", emulator, "preloaded"}, {{"LD_PRELOAD", users}}).output,
            "yes, for others " + users + "\n");
  EXPECT_EQ(work({"preloaded"}, {{"LD_PRELOAD", users}}).output, "no, for others libm.so.6\n");
}

TEST(Preload, IsForTheEmulatorAlone) {
  EXPECT_EQ(Subject::preload_for("native"), "");
  EXPECT_EQ(Subject::preload_for("/a/path.so"), "");
}
#endif

TEST_F(Worker, WhatItStartsIsNotAWorker) { EXPECT_EQ(work({"is-worker-marked"}).code, kExitClean); }

TEST_F(Worker, InventedKqWorkerIsRefused) {
  for (const char* value : {"1", "7", "-3", "x", "7x", "99999999999"}) {
    const Ran ran = work({"announce", "0"}, {{"KQ_WORKER", value}});
    EXPECT_EQ(ran.code, kExitUsage) << value;
    EXPECT_EQ(ran.output,
              "worker_program: KQ_WORKER is set by the supervisor; by hand only to 0\n");
  }
}

TEST_F(Worker, CrashIsAFindingWithSignalSeedAndScenario) {
  EXPECT_EQ(work({"crash", std::to_string(SIGSEGV)}, {{"KQ_SUBJECT", "/some/path.so"}}).code,
            kExitFinding);
  const Finding finding = only_finding();
  EXPECT_EQ(finding.verdict, "crash");
  EXPECT_EQ(finding.engine, "worker_program");
  EXPECT_EQ(finding.scenario, "a_race");
  EXPECT_EQ(finding.seed, 17u);
  EXPECT_EQ(finding.subject, "/some/path.so");
  EXPECT_THAT(finding.detail, ::testing::Contains("activity: a_race seed 17"));
}

TEST_F(Worker, DeathByAnySignalIsAFinding) {
  for (const int number : {SIGKILL, SIGTERM, SIGPIPE, SIGALRM}) {
    EXPECT_EQ(work({"crash", std::to_string(number)}).code, kExitFinding) << number;
  }
}

TEST_F(Worker, ExitThatWasNotAnnouncedIsAFindingWhateverItsCode) {
  for (const char* code : {"0", "1", "2", "77"}) {
    EXPECT_EQ(work({"exit", code}).code, kExitFinding) << code;
  }
  EXPECT_THAT(findings(), SizeIs(4));
}

TEST_F(Worker, EndingWithAnotherCodeThanAnnouncedIsAFinding) {
  EXPECT_EQ(work({"announce-and-differ", "5"}).code, kExitFinding);
  EXPECT_THAT(only_finding().message, HasSubstr("announced exit status 0 and ended with 5"));
}

TEST_F(Worker, StatusOfThreadSanitizerIsARace) {
  EXPECT_EQ(work({"announce-and-differ", "66"}).code, kExitFinding);
  EXPECT_EQ(only_finding().verdict, "race");
}

TEST_F(Worker, MappedExitCodesMeanWhatTheProgramSays) {
  EXPECT_EQ(work({"--map", "exit", "77"}).code, kExitFinding);
  EXPECT_EQ(only_finding().verdict, "crash");
  EXPECT_THAT(only_finding().message, HasSubstr("a deadly signal"));
  EXPECT_EQ(work({"--map", "exit", "72"}).code, kExitUsage);
  EXPECT_THAT(findings(), SizeIs(1));
}

TEST_F(Worker, UnmappedExitCodeIsAFindingAlsoWithAMap) {
  EXPECT_EQ(work({"--map", "exit", "0"}).code, kExitFinding);
  EXPECT_EQ(only_finding().verdict, "exit");
}

TEST_F(Worker, AbortAfterASavedFindingIsNotASecondOne) {
  EXPECT_EQ(work({"save-and-abort"}).code, kExitFinding);
  EXPECT_EQ(only_finding().verdict, "duplicate");
}

TEST_F(Worker, HangIsAFindingThatSaysWhereTheThreadsAre) {
  EXPECT_EQ(work({"--look", "1", "hang"}).code, kExitFinding);
  const Finding finding = only_finding();
  EXPECT_EQ(finding.verdict, "hang");
  EXPECT_EQ(finding.scenario, "stuck");
  EXPECT_THAT(finding.detail, ::testing::Contains(HasSubstr("thread ")));
}

TEST_F(Worker, SleepingIsNoHangWhileProgressIsMade) {
  EXPECT_EQ(work({"--look", "1", "sleep-with-progress"}).code, kExitClean);
}

TEST_F(Worker, ComputingIsNoHangWithoutProgress) {
  EXPECT_EQ(work({"--look", "1", "spin"}).code, kExitClean);
}

TEST_F(Worker, ComputingWithoutProgressIsAHangWhereItIsLimited) {
  EXPECT_EQ(work({"--look", "1", "--most-cpu", "1", "spin-for-ever"}).code, kExitFinding);
  const Finding finding = only_finding();
  EXPECT_EQ(finding.verdict, "hang");
  EXPECT_EQ(finding.scenario, "endless");
  EXPECT_THAT(finding.message, HasSubstr("no progress in 1 s of CPU time"));
}

TEST_F(Worker, ComputingIsNoHangWhileProgressIsMade) {
  EXPECT_EQ(work({"--look", "1", "--most-cpu", "2", "spin-with-progress"}).code, kExitClean);
}

TEST_F(Worker, WaitingForAComputingChildIsNoHang) {
  EXPECT_EQ(work({"--look", "1", "wait-for-spinning-child"}).code, kExitClean);
}

TEST_F(Worker, WhatItLeavesBehindIsEnded) {
  const std::string file = directory_.path() + "/family";
  EXPECT_EQ(work({"leave-child", file}).code, kExitClean);
  wait_until_gone(family(file).second);
}

// Starts the supervisor, waits for its worker, sends it the signal; returns its status.
int status_after(pid_t* worker, pid_t* child, int number, const std::string& file,
                 const std::function<std::pair<pid_t, pid_t>(const std::string&)>& family) {
  const pid_t supervisor = fork();
  if (supervisor == 0) {
    execl(KQT_WORKER_PROGRAM, KQT_WORKER_PROGRAM, "leave-child-and-hang", file.c_str(), nullptr);
    _exit(126);
  }
  std::tie(*worker, *child) = family(file);
  kill(supervisor, number);
  int status = 0;
  waitpid(supervisor, &status, 0);
  return status;
}

TEST_F(Worker, SignalsEndTheWorkerWithItsChildrenAndThenTheSupervisor) {
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    const std::string file = directory_.path() + "/family" + std::to_string(number);
    pid_t worker = 0, child = 0;
    const int status =
        status_after(&worker, &child, number, file, [this](const auto& f) { return family(f); });
    EXPECT_TRUE(WIFSIGNALED(status));
    EXPECT_EQ(WTERMSIG(status), number);
    wait_until_gone(worker);
    wait_until_gone(child);
  }
}

#if defined(__linux__)
TEST_F(Worker, DiesWithASupervisorThatIsKilled) {
  const std::string file = directory_.path() + "/family";
  pid_t worker = 0, child = 0;
  status_after(&worker, &child, SIGKILL, file, [this](const auto& f) { return family(f); });
  wait_until_gone(worker);
  kill(child, SIGKILL);
}
#endif

TEST_F(Worker, StandardInputIsInherited) {
  const std::string input = directory_.path() + "/input";
  testing::write_text(input, "hello");
  const Ran ran =
      testing::run({"/bin/sh", "-c", std::string(KQT_WORKER_PROGRAM) + " echo-stdin < " + input});
  EXPECT_EQ(ran.code, kExitClean);
  EXPECT_EQ(ran.output, "read: hello\n");
}

std::string object(const char* name) { return std::string(KQT_OBJECTS) + "/" + name + ".so"; }

TEST_F(Worker, SubjectThatEndsTheProcessWhileLoadingIsAFinding) {
  EXPECT_EQ(work({"open", object("crash_in_constructor")}).code, kExitFinding);
  EXPECT_EQ(work({"open", object("exit_in_constructor")}).code, kExitFinding);
  EXPECT_EQ(work({"--look", "1", "open", object("hang_in_constructor")}).code, kExitFinding);
  // ThreadSanitizer turns an exit while a library is being loaded into an abort, which is then the
  // same finding as the crash.
  EXPECT_THAT(findings(), SizeIs(AllOf(Ge(2u), Le(3u))));
}

TEST_F(Worker, SubjectThatEndsTheProcessInKeventIsAFinding) {
  EXPECT_EQ(work({"open", object("crash_in_kevent")}).code, kExitFinding);
  EXPECT_EQ(work({"open", object("exit_in_kevent")}).code, kExitFinding);
  EXPECT_EQ(work({"--look", "1", "open", object("hang_in_kevent")}).code, kExitFinding);
  EXPECT_THAT(findings(), SizeIs(3));
}

TEST_F(Worker, SubjectThatCannotBeOpenedIsAUsageErrorInOneLine) {
  const Ran ran = work({"open", object("no_kevent")});
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1);
  EXPECT_THAT(findings(), IsEmpty());
}

}  // namespace
}  // namespace kqtorture
