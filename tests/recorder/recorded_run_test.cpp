// A recorded run of a real kqueue is a history that the checker accepts.
//
// The default subject, raced by threads that add, delete, enable, force, trigger, write, read,
// close and reopen at random. A finding here is either the checker's mistake or the kqueue's.
#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>

#include "contract/checker/checker.h"
#include "contract/checker/history_file.h"
#include "random_race.h"
#include "recorded.h"

namespace kqtorture {
namespace {

double cpu_seconds() {
  timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

void run(const RaceOptions& base, uint64_t rounds) {
  std::string error;
  const std::unique_ptr<Subject> subject = Subject::open(Subject::default_spec(), &error);
  if (subject == nullptr) GTEST_SKIP() << error;
  const contract::Profile& profile = *contract::find_profile(subject->profile());
  const contract::Host& host = *contract::find_host(subject->is_emulator() ? "linux" : "bsd");
  const uint64_t seed = number_in("KQ_SEED", 1);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Recorder recorder(*subject, base.threads + 1, {base.steps * 2 + 64, base.steps * 12 + 256});
  contract::CheckReport sum;
  double checking = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    RaceOptions options = base;
    options.seed = seed + round;
    RandomRace race(options);
    RecordedThread& supervisor = recorder.thread(base.threads);
    ASSERT_TRUE(race.set_up(supervisor));
    std::vector<std::thread> threads;
    for (int i = 0; i < base.threads; ++i) {
      threads.emplace_back([&, i] { race.run(recorder.thread(i), i); });
    }
    for (std::thread& thread : threads) thread.join();
    Kevent events[64];
    supervisor.probe(race.kq(), events, 64);
    supervisor.probe(race.kq(), events, 64);
    race.tear_down(supervisor);

    const contract::HistoryView view = recorder.view();
    ASSERT_EQ(contract::malformed(view), "");
    ASSERT_FALSE(recorder.truncated());
    const double start = cpu_seconds();
    const contract::CheckReport report = judge(view, profile, host, &sum);
    checking += cpu_seconds() - start;
    ASSERT_FALSE(report.violation) << "seed " << options.seed << ": " << story(view, report);
    ASSERT_TRUE(report.decided()) << to_text(report);
    recorder.reset();
  }
  std::printf("%llu rounds, clock %s: %s; %.2f million operations checked a second\n",
              static_cast<unsigned long long>(rounds), recorder.clock().name(),
              to_text(sum).c_str(), static_cast<double>(sum.operations) / checking / 1e6);
  EXPECT_GT(sum.points, sum.operations / 4);
  EXPECT_EQ(sum.probes, 2 * rounds);
}

TEST(RecordedRun, OfUserKnotesAndPipesIsAccepted) {
  RaceOptions options;
  options.steps = number_in("KQ_STEPS", 2000);
  options.reopen = false;
  run(options, number_in("KQ_ROUNDS", 20));
}

TEST(RecordedRun, WithPipesClosedAndReopenedIsAccepted) {
  // To ThreadSanitizer a descriptor is memory, and here it is raced on purpose.
  if (kThreadSanitizer) GTEST_SKIP() << "descriptors are raced on purpose";
  RaceOptions options;
  options.steps = number_in("KQ_STEPS", 2000);
  run(options, number_in("KQ_ROUNDS", 20));
}

TEST(RecordedRun, OfManyThreadsOnOneKnoteIsAccepted) {
  RaceOptions options;
  options.threads = 6;
  options.users = 1;
  options.pipes = 1;
  options.reopen = false;
  options.steps = number_in("KQ_STEPS", 1000);
  run(options, number_in("KQ_ROUNDS", 20));
}

}  // namespace
}  // namespace kqtorture
