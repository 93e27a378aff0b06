// Programs on real threads: what the checker of histories is given, who wakes whom, and that wrong
// kqueues are accused.
#include "engine/free_running.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cerrno>
#include <mutex>
#include <string>
#include <vector>

#include "scenario/parse.h"
#include "subjects.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

std::unique_ptr<FreeRunningEngine> free_engine_for(const Subject& subject) {
  std::string error;
  auto engine = FreeRunningEngine::create(subject, &error);
  EXPECT_TRUE(engine) << error;
  return engine;
}

const char kTwoWaiters[] =
    "user u 1\nkqueue k\nsetup\nkevent k (u USER ADD|ONESHOT)\n"
    "thread A\nkevent k room=1 timeout=forever\nthread B\nkevent k room=1 timeout=forever\n"
    "thread C\ntrigger k u\n";

TEST(FreeRunning, AWaiterWithoutAnEventIsInterruptedAndNotAccused) {
  const FreeRunningResult result =
      free_engine_for(emulator())->run(program_of(kTwoWaiters), {.iterations = 5, .seed = 1});
  EXPECT_EQ(result.status, Status::kClean) << result.verdict << " " << result.message;
  EXPECT_EQ(result.iterations, 5);
  EXPECT_EQ(result.interrupted, 5u) << "one of the two waits for nothing, in every run";
  EXPECT_GE(result.operations, 5u * 5u);
}

TEST(FreeRunning, AWaiterIsWokenByAnotherThreadAndNotByTheSignal) {
  const FreeRunningResult result =
      free_engine_for(emulator())
          ->run(program_of("user u 1\nkqueue k\nsetup\nkevent k (u USER ADD|CLEAR)\n"
                           "thread A\nkevent k room=1 timeout=forever\nthread B\nsleep "
                           "200us\ntrigger k u\n"),
                {.iterations = 50, .seed = 1});
  EXPECT_EQ(result.status, Status::kClean) << result.verdict << " " << result.message;
  EXPECT_EQ(result.interrupted, 0u);
}

TEST(FreeRunning, AOneshotEventThatTwoWaitersGetIsADuplicate) {
  std::mutex mutex;
  std::vector<Kevent> again;
  const Altered subject([&](const Altered::Call& call) {
    if (call.nevents > 0) {
      const std::lock_guard lock(mutex);
      if (!again.empty()) {
        call.events[0] = again.back();
        again.pop_back();
        return 1;
      }
    }
    const int count = Altered::real(call);
    const std::lock_guard lock(mutex);
    if (count == 1 && (call.events[0].flags & flag::kOneshot)) again.push_back(call.events[0]);
    return count;
  });
  Program small;
  const Finding finding = free_engine_for(subject)->investigate(
      program_of(kTwoWaiters), {.iterations = 100, .seed = 1}, {.programs = 40});
  EXPECT_THAT(finding.verdict, testing::AnyOf("duplicate", "phantom", "lost", "after-delete"));
  EXPECT_EQ(finding.engine, "free-running");
  EXPECT_THAT(to_lines(finding.lanes), testing::Contains(testing::StartsWith(">>")));
  ASSERT_FALSE(parse(finding.reproducer, &small)) << finding.reproducer;
}

TEST(FreeRunning, AWaiterThatSleepsOverAnEventIsStuck) {
  const Altered subject([](const Altered::Call& call) {
    if (call.timeout != nullptr || call.nevents == 0) return Altered::real(call);
    pause();
    errno = EINTR;
    return -1;
  });
  const FreeRunningResult result = free_engine_for(subject)->run(
      program_of("user u 1\nkqueue k\nsetup\nkevent k (u USER ADD)\n"
                 "thread A\nkevent k room=1 timeout=forever\nthread B\ntrigger k u\n"),
      {.iterations = 20, .seed = 1});
  EXPECT_EQ(result.status, Status::kFinding);
  EXPECT_EQ(result.verdict, "stuck-waiter") << result.message;
}

TEST(FreeRunning, DispatchHoldsOnTheEmulatorWhateverTheDelays) {
  const auto engine = free_engine_for(emulator());
  for (const uint64_t seed : {1, 2, 3}) {
    const FreeRunningResult result = engine->run(
        program_of("pipe p\nkqueue k\nsetup\nwrite p.w 1\nkevent k (p.r READ ADD|DISPATCH)\n"
                   "thread A\nkevent k room=1\nkevent k (p.r READ ENABLE) room=1\n"
                   "thread B\nkevent k room=1\nkevent k (p.r READ ENABLE) room=1\n"),
        {.iterations = 100, .seed = seed});
    EXPECT_EQ(result.status, Status::kClean) << result.verdict << " " << result.message;
    EXPECT_EQ(result.iterations, 100);
    EXPECT_EQ(result.undecided, 0u);
  }
}

TEST(FreeRunning, WaiterThatSleptOverAnEventIsShownBesideTheProbeThatSawIt) {
  const Altered subject([](const Altered::Call& call) {
    if (call.timeout != nullptr || call.nevents == 0) return Altered::real(call);
    pause();
    errno = EINTR;
    return -1;
  });
  const Finding finding = free_engine_for(subject)->investigate(
      program_of("user u 1\nkqueue k\nsetup\nkevent k (u USER ADD)\n"
                 "thread A\nkevent k room=1 timeout=forever\nthread B\ntrigger k u\n"),
      {.iterations = 20, .seed = 1}, {.programs = 0});
  ASSERT_EQ(finding.verdict, "stuck-waiter");
  const std::vector<std::string> lines = to_lines(finding.lanes);
  EXPECT_THAT(lines, testing::Contains(testing::HasSubstr("main A B")));
  EXPECT_THAT(lines, testing::Contains(
                         testing::AllOf(testing::HasSubstr("* . .  kevent k room=64 => (u USER"))));
}

TEST(FreeRunning, DeadlineEndsTheRunsAndTheFirstIsDoneInAnyCase) {
  const auto engine = free_engine_for(emulator());
  const Program program = program_of("pipe p\nthread A\nwrite p.w 1\nthread B\nread p.r 1\n");
  const auto now = std::chrono::steady_clock::now();
  EXPECT_EQ(engine->run(program, {.iterations = 1000, .seed = 1, .deadline = now}).iterations, 1);
  const FreeRunningResult result = engine->run(
      program,
      {.iterations = 100000000, .seed = 1, .deadline = now + std::chrono::milliseconds(200)});
  EXPECT_GT(result.iterations, 1);
  EXPECT_LT(result.iterations, 100000000);
}

TEST(FreeRunning, ProgramsForAnotherProfileAreSkipped) {
  const FreeRunningResult result =
      free_engine_for(emulator())
          ->run(program_of("profile netbsd\npipe p\nthread A\nclose p.r\n"),
                {.iterations = 1, .seed = 1});
  EXPECT_EQ(result.status, Status::kSkipped);
  EXPECT_EQ(result.message, "it is about profile netbsd");
}

}  // namespace
}  // namespace kqtorture
