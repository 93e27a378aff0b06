// Signals and children in programs: they are made, kept and taken away without a trace, and what
// threads do with them at random is never held against a kqueue that does nothing wrong.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "engine/children.h"
#include "engine/free_running.h"
#include "scenario/generate.h"
#include "scenario/print.h"
#include "subjects.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

bool about_processes(const Program& program) {
  return std::any_of(program.objects.begin(), program.objects.end(), [](const Object& object) {
    return object.kind == ObjectKind::kSignal || object.kind == ObjectKind::kChild ||
           object.kind == ObjectKind::kProcdesc;
  });
}

TEST(Processes, AChildEndsAsItIsToldAndIsReapedOnce) {
  ScriptedChild child;
  ASSERT_TRUE(child.start());
  EXPECT_TRUE(child.fresh());
  EXPECT_EQ(child.reap(), -1);
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_EQ(child.exit_with(3), 0);
  EXPECT_FALSE(child.fresh());
  EXPECT_EQ(child.kill_by(SIGTERM), -1);
  EXPECT_EQ(errno, ESRCH);
  EXPECT_EQ(child.reap(), 3 << 8);
  EXPECT_EQ(child.reap(), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Processes, AnEngineLeavesNoChildAndNoDisposition) {
  struct sigaction before {};
  struct sigaction after {};
  sigaction(SIGUSR1, nullptr, &before);
  {
    std::string error;
    const auto engine = SequentialEngine::create(emulator(), &error);
    ASSERT_TRUE(engine) << error;
    for (uint64_t seed = 0; seed < 300; seed++) {
      const Program program = generate(seed);
      if (about_processes(program)) engine->run(program);
    }
  }
  EXPECT_EQ(waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  sigaction(SIGUSR1, nullptr, &after);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
}

TEST(Processes, GeneratedProgramsFindNothingOnTheEmulator) {
  std::string error;
  const auto engine = SequentialEngine::create(emulator(), &error);
  ASSERT_TRUE(engine) << error;
  int clean = 0;
  for (uint64_t seed = 0; seed < 20000; seed++) {
    const Program program = generate(seed);
    if (!about_processes(program)) continue;
    const SequentialResult result = engine->run(program);
    ASSERT_NE(result.status, Status::kFinding) << "seed " << seed << ": " << result.verdict << " "
                                               << result.rule << ": " << result.message << "\n"
                                               << print(program);
    clean += result.status == Status::kClean;
  }
  EXPECT_GT(clean, 1000);
}

TEST(Processes, ThreadsAreNotAccused) {
  std::string error;
  const auto engine = FreeRunningEngine::create(emulator(), &error);
  ASSERT_TRUE(engine) << error;
  int clean = 0;
  for (uint64_t seed = 0; clean < 60; seed++) {
    GenerateOptions options;
    options.threads = 3;
    options.max_ops = 8;
    options.inet = options.bad_calls = false;
    const Program program = generate(seed, options);
    if (!about_processes(program)) continue;
    const FreeRunningResult result = engine->run(program, {.iterations = 5, .seed = seed});
    ASSERT_NE(result.status, Status::kFinding) << "seed " << seed << ": " << result.verdict << " "
                                               << result.rule << ": " << result.message << "\n"
                                               << print(program);
    clean += result.status == Status::kClean;
  }
}

}  // namespace
}  // namespace kqtorture
