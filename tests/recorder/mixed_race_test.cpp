// Does the checker decide what a stress run of everything leaves, not only triggers and pipes?
//
// Threads on two kqueues, one nested in the other: timers, duplicated descriptors, waits that
// signals end, ENABLE by whoever likes, FORCEONESHOT with the udata kept, lists of errors and
// receipts, polls that overlap, and no descriptors left: nothing may be accused, and nothing be
// left undecided. A kqueue that is closed under its callers may be too much to follow.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <thread>

#include "contract/checker/checker.h"
#include "contract/checker/history_file.h"
#include "random_race.h"
#include "recorded.h"

namespace kqtorture {
namespace {

constexpr int kThreads = 4;
constexpr int kSteps = 600;

Kevent make(int16_t number, uintptr_t ident, uint16_t flags, uint64_t udata) {
  Kevent change{};
  change.ident = ident;
  change.filter = number;
  change.flags = flags;
  change.udata = reinterpret_cast<void*>(udata);
  return change;
}

class MixedRace {
 public:
  MixedRace(uint64_t seed, bool replaces) : seed_(seed), replaces_(replaces) {}

  bool set_up(RecordedThread& self) {
    outer_ = self.kqueue();
    inner_.store(self.kqueue());
    if (outer_ < 0 || inner_.load() < 0 || self.pipe2(pipe_, O_NONBLOCK) != 0) return false;
    const Kevent watch = make(filter::kRead, static_cast<uintptr_t>(inner_.load()), flag::kAdd, 1);
    return self.kevent(outer_, &watch, 1, nullptr, 0, nullptr) == 0;
  }

  void run(RecordedThread& self, int index) {
    Random random(seed_ * 100 + static_cast<uint64_t>(index));
    uint64_t udata = static_cast<uint64_t>(index + 1) << 40;
    handles_[index].store(pthread_self());
    running_[index].store(true);
    for (int i = 0; i < kSteps; ++i) step(self, random, index, ++udata);
    running_[index].store(false);
  }

  void tear_down(RecordedThread& self) {
    for (const int fd : {pipe_[0], pipe_[1], inner_.load(), outer_}) self.close(fd);
  }
  int outer() const { return outer_; }

 private:
  int any(Random& random) { return random.chance(1, 2) ? outer_ : inner_.load(); }

  void step(RecordedThread& self, Random& random, int index, uint64_t udata) {
    Kevent changes[4], events[4];
    const timespec zero = {0, 0}, moment = {0, 100'000};
    char byte = 0;
    switch (random.below(16)) {
      case 0: {  // a timer of a millisecond, started again and again
        changes[0] = make(filter::kTimer, 7, flag::kAdd, udata);
        if (random.chance(1, 2)) changes[0].flags |= flag::kOneshot;
        if (random.chance(1, 4)) changes[0].flags = flag::kDelete;
        changes[0].data = 1;
        self.kevent(outer_, changes, 1, nullptr, 0, nullptr);
        break;
      }
      case 1:  // a duplicate, watched and closed by whoever made it
        watch_a_duplicate(self, udata);
        break;
      case 2:
      case 3:  // the handler's ENABLE, or anybody's
        changes[0] = make(filter::kUser, 1, flag::kEnable | flag::kKeepUdata, 0);
        self.kevent(any(random), changes, 1, nullptr, 0, nullptr);
        break;
      case 4:
        changes[0] = make(filter::kUser, 1, flag::kForceOneshot | flag::kKeepUdata, 0);
        if (random.chance(1, 2)) changes[0].flags |= flag::kEnable;
        self.kevent(any(random), changes, 1, nullptr, 0, nullptr);
        break;
      case 5:
      case 6:
        changes[0] = make(filter::kUser, 1, flag::kAdd | flag::kDispatch, udata);
        changes[1] = make(filter::kUser, 1, 0, udata);
        changes[1].fflags = note::kTrigger;
        self.kevent(any(random), changes, 2, nullptr, 0, nullptr);
        break;
      case 7:  // errors and receipts
        changes[0] = make(filter::kUser, 2, flag::kAdd | flag::kReceipt, udata);
        changes[1] = make(filter::kUser, 3, flag::kDelete, udata + (uint64_t{1} << 32));
        changes[2] = make(filter::kUser, 2, flag::kUnknown400, udata + (uint64_t{2} << 32));
        changes[3] = make(filter::kUser, 2, flag::kDelete, udata + (uint64_t{3} << 32));
        self.kevent(outer_, changes, 4, events, 4, &zero);
        break;
      case 8:
        self.write(pipe_[1], &byte, 1);
        break;
      case 9:
        self.read(pipe_[0], &byte, 1);
        break;
      case 10: {
        const size_t victim = random.below(kThreads);
        if (static_cast<int>(victim) != index && running_[victim].load()) {
          pthread_kill(handles_[victim].load(), SIGUSR2);
        }
        break;
      }
      case 11:
        self.kevent(any(random), nullptr, 0, events, 4, &moment);
        break;
      case 12:
        if (replaces_ && random.chance(1, 8)) replace_inner(self, udata);
        break;
      default:
        self.kevent(any(random), nullptr, 0, events, 4, &zero);
        break;
    }
  }

  void watch_a_duplicate(RecordedThread& self, uint64_t udata) {
    const int copy = self.dup(pipe_[0]);
    if (copy < 0) return;
    const Kevent add = make(filter::kRead, static_cast<uintptr_t>(copy), flag::kAdd, udata);
    Kevent events[4];
    const timespec zero = {0, 0};
    self.kevent(outer_, &add, 1, nullptr, 0, nullptr);
    self.kevent(outer_, nullptr, 0, events, 4, &zero);
    self.close(copy);
  }

  void replace_inner(RecordedThread& self, uint64_t udata) {
    const int old = inner_.exchange(outer_);
    if (old == outer_) return;
    self.close(old);
    const int made = self.kqueue();
    if (made < 0) return;
    const Kevent watch = make(filter::kRead, static_cast<uintptr_t>(made), flag::kAdd, udata);
    self.kevent(outer_, &watch, 1, nullptr, 0, nullptr);
    inner_.store(made);
  }

  const uint64_t seed_;
  const bool replaces_;
  int outer_ = -1;
  int pipe_[2] = {-1, -1};
  std::atomic<int> inner_{-1};
  std::atomic<pthread_t> handles_[kThreads] = {};
  std::atomic<bool> running_[kThreads] = {};
};

void ignore(int) {}

// While it lives there are only this many descriptors.
class FewDescriptors {
 public:
  explicit FewDescriptors(rlim_t count) {
    getrlimit(RLIMIT_NOFILE, &before_);
    rlimit few = before_;
    few.rlim_cur = count;
    setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

 private:
  rlimit before_;
};

struct Variant {
  bool few = false;       // descriptors
  bool replaces = false;  // the inner kqueue is closed under everybody, and another one opened
};

void run(const Variant& variant, std::set<int>* errors) {
  std::string error;
  const std::unique_ptr<Subject> subject = Subject::open(Subject::default_spec(), &error);
  if (subject == nullptr) GTEST_SKIP() << error;
  if (!subject->is_emulator()) GTEST_SKIP() << "signals and limits are the host's";
  struct sigaction action {};
  action.sa_handler = ignore;
  sigaction(SIGUSR2, &action, nullptr);
  const uint64_t seed = number_in("KQ_SEED", 1), rounds = number_in("KQ_ROUNDS", 20);
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  Recorder recorder(*subject, kThreads + 1, {6 * kSteps, 24 * kSteps});
  contract::CheckReport sum;
  uint64_t undecided = 0;
  for (uint64_t round = 0; round < rounds; ++round) {
    MixedRace race(seed + round, variant.replaces);
    RecordedThread& supervisor = recorder.thread(kThreads);
    ASSERT_TRUE(race.set_up(supervisor));
    std::vector<std::thread> threads;
    {
      const std::unique_ptr<FewDescriptors> limit(
          variant.few ? new FewDescriptors(static_cast<rlim_t>(race.outer()) + 6) : nullptr);
      for (int i = 0; i < kThreads; ++i) {
        threads.emplace_back([&, i] { race.run(recorder.thread(i), i); });
      }
      for (std::thread& thread : threads) thread.join();
    }
    Kevent events[64];
    supervisor.probe(race.outer(), events, 64);
    race.tear_down(supervisor);
    const contract::HistoryView view = recorder.view();
    ASSERT_EQ(contract::malformed(view), "");
    const contract::CheckReport report = judge(view, *contract::find_profile(subject->profile()),
                                               *contract::find_host("linux"), &sum);
    ASSERT_FALSE(report.violation) << "seed " << seed + round << ": " << story(view, report);
    // Each call under way when a kqueue is closed may or may not have reached it: more calls than
    // a few are more ways than anybody follows.
    ASSERT_TRUE(variant.replaces || report.decided()) << to_text(report);
    undecided += report.decided() ? 0 : 1;
    for (const contract::ThreadLog& log : view.threads) {
      for (const contract::HistoryOp& op : log.ops) {
        if (op.value < 0) errors->insert(op.error);
      }
    }
    recorder.reset();
  }
  std::printf("%llu rounds, %llu undecided: %s; errors", static_cast<unsigned long long>(rounds),
              static_cast<unsigned long long>(undecided), to_text(sum).c_str());
  for (const int number : *errors) std::printf(" %s", contract::errno_name(number).c_str());
  std::printf("\n");
  EXPECT_GT(sum.points, sum.operations / 4);
  EXPECT_LT(undecided, rounds / 2 + 1);
}

TEST(MixedRace, IsDecidedAndAccepted) {
  std::set<int> errors;
  run({}, &errors);
  if (testing::Test::HasFatalFailure() || testing::Test::IsSkipped()) return;
  EXPECT_EQ(errors.count(EINTR), 1u);
  EXPECT_EQ(errors.count(ENOENT), 1u);
}

TEST(MixedRace, WithAKqueueClosedUnderItsCallersAccusesNobody) {
  // To ThreadSanitizer a descriptor is memory, and here it is raced on purpose.
  if (kThreadSanitizer) GTEST_SKIP() << "descriptors are raced on purpose";
  std::set<int> errors;
  run({.replaces = true}, &errors);
}

TEST(MixedRace, WithoutDescriptorsIsDecidedAndAccepted) {
  std::set<int> errors;
  run({.few = true}, &errors);
  if (testing::Test::HasFatalFailure() || testing::Test::IsSkipped()) return;
  EXPECT_EQ(errors.count(EMFILE), 1u);
}

}  // namespace
}  // namespace kqtorture
