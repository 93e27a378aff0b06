// What if there is no memory, no descriptor, no room for one more watch? Counted through: in the
// first run the first allocation of libkq's fails, in the next the second, until a run needs no
// more than it gets. Each run does everything that libkq may need memory or descriptors for, in a
// process in which libkq has never been used. Whatever fails says so and has changed nothing: the
// same call made again succeeds, each event comes exactly once, and in the end nothing is held.
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <map>
#include <utility>

#include "faults.h"
#include "objects.h"
#include "processes.h"
#include "subject/sanitizers.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

long open_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  long count = 0;
  while (directory != nullptr && readdir(directory) != nullptr) ++count;
  if (directory != nullptr) closedir(directory);
  return count;
}

#if defined(__SANITIZE_ADDRESS__)
constexpr bool kSlow = true;
#elif defined(__has_feature)
constexpr bool kSlow = kThreadSanitizer || __has_feature(address_sanitizer);
#else
constexpr bool kSlow = kThreadSanitizer;
#endif

uintptr_t number(int fd) { return static_cast<uintptr_t>(fd); }

// What fails while the scenario runs, and what its user does about it.
struct Shortage {
  Scarce what = Scarce::kNothing;
  bool onwards = false;  // from then on, until a call has told; and what failed is not tried again
  int error = 0;         // as libkq gets it
  int told = 0;          // as its user does
};

// A whole life: kqueues are made, everything is registered, happens, is delivered; descriptors of
// kqueues are duplicated and closed, a child is forked, two threads wait.
class Scenario {
 public:
  explicit Scenario(const Shortage& shortage) : shortage_(shortage) {}

  void run() {
    make_objects();
    kq_ = needed("kqueue()", [] { return subject().kqueue(); });
    inner_ = needed("kqueue()", [] { return subject().kqueue(); });
    fork_child();
    add(inner_, ev(1, filter::kUser, flag::kAdd));
    register_objects();
    register_others();
    let_everything_happen();
    collect();
    duplicate();
    wait_in_two_threads();
    for (const int fd : {kq_, inner_}) EXPECT_EQ(subject().close(fd), 0);
    remove_objects();
  }

 private:
  using Key = std::pair<int16_t, uintptr_t>;

  // Nothing else may fail, and not otherwise than this.
  void expect_shortage(const char* step, int error, long faults_before) {
    EXPECT_GT(faults(), faults_before) << step << " failed with everything there";
    EXPECT_EQ(error, shortage_.told) << step;
    disarm_faults();
  }

  // What the scenario cannot go on without.
  template <typename Call>
  int needed(const char* step, Call call) {
    const long before = faults(), descriptors = open_descriptors();
    int result = call();
    if (result >= 0) return result;
    expect_shortage(step, errno, before);
    EXPECT_EQ(open_descriptors(), descriptors) << step << " failed and left a descriptor";
    result = call();
    EXPECT_GE(result, 0) << step << ": errno " << errno;
    return result;
  }

  // Registers it. True if it was, at the latest when it was tried again.
  bool add(int kq, const Kevent& change) {
    const long before = faults();
    const int error = submit(kq, change);
    if (error == 0) return true;
    SCOPED_TRACE("filter " + std::to_string(change.filter));
    expect_shortage("EV_ADD", error, before);
    Kevent removal = change;
    removal.flags = flag::kDelete;
    EXPECT_EQ(submit(kq, removal), ENOENT) << "half registered";
    if (shortage_.onwards) return false;
    EXPECT_EQ(submit(kq, change), 0);
    return true;
  }

  void watch(uintptr_t ident, int16_t filter, uint32_t fflags = 0, intptr_t data = 0,
             int flags = flag::kClear) {
    const auto all = static_cast<uint16_t>(flag::kAdd | flags);
    if (add(kq_, ev(ident, filter, all, fflags, data))) expected_.insert({{filter, ident}, 1});
  }

  void make_objects() {
    char name[] = "/tmp/kq-exhaustion-XXXXXX";
    directory_ = mkdtemp(name);
    folder_ = Fd(open(directory_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    mkdir((directory_ + "/doomed").c_str(), 0700);
    doomed_ = Fd(open((directory_ + "/doomed").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    file_ = Fd(open((directory_ + "/file").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
    pipe_ = open_pipe();
    writable_ = open_pipe();
    local_ = connect_pair(Transport::kUnix);
    tcp_ = connect_pair(Transport::kTcp);
    // In a page of the tables that nothing else is in.
    high_ = Fd(static_cast<int>(syscall(SYS_fcntl, int{pipe_.near}, F_DUPFD_CLOEXEC, 2100)));
    for (const Fd* fd :
         {&folder_, &doomed_, &file_, &pipe_.far, &writable_.far, &local_.far, &tcp_.far}) {
      ASSERT_GE(*fd, 0);
    }
    ASSERT_GE(high_, 0);
    for (uintptr_t i = 0; i < kMany; ++i) {
      const std::string path = directory_ + "/" + std::to_string(i);
      files_.emplace_back(open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
      ASSERT_GE(files_.back(), 0);
      unlink(path.c_str());
    }
    put(pipe_.far, 1);
    put(local_.far, 1);
    put(tcp_.near, 1);
    put(file_, 5);
    ASSERT_EQ(lseek(file_, 0, SEEK_SET), 0);
  }

  void remove_objects() const {
    for (const char* name : {"/file", "/entry"}) unlink((directory_ + name).c_str());
    rmdir(directory_.c_str());
  }

  // It inherits no kqueue, makes its own, and ends when it is told to.
  void fork_child() {
    int orders[2], done[2];
    ASSERT_EQ(pipe2(orders, O_CLOEXEC), 0);
    ASSERT_EQ(pipe2(done, O_CLOEXEC), 0);
    const Fd heard(orders[0]), ready(done[0]);
    Fd told(done[1]);
    orders_ = Fd(orders[1]);
    const bool failed_before = ::testing::Test::HasFailure();
    child_ = fork();
    if (child_ == 0) {
      EXPECT_EQ(call(kq_, {}, 1).error, EBADF);
      const int own = needed("kqueue() in a child", [] { return subject().kqueue(); });
      if (add(own, ev(1, filter::kUser, flag::kAdd | flag::kClear))) {
        EXPECT_EQ(submit(own, trigger(1)), 0);
        EXPECT_EQ(call(own, {}, 4).count, 1);
      }
      EXPECT_EQ(subject().close(own), 0);
      orders_.reset();
      told.reset();
      char order;
      while (read(heard, &order, 1) < 0 && errno == EINTR) {
      }
      spare_this_process();
      end_child(::testing::Test::HasFailure() && !failed_before ? 1 : 0);
    }
    ASSERT_GT(child_, 0);
    told.reset();
    char nothing;  // one counts after the other
    EXPECT_EQ(read(ready, &nothing, 1), 0);
    pidfd_ = Fd(static_cast<int>(syscall(SYS_pidfd_open, child_, 0)));
    ASSERT_GE(pidfd_, 0);
  }

  void register_objects() {
    watch(number(pipe_.near), filter::kRead);
    watch(number(high_), filter::kRead);
    watch(number(writable_.far), filter::kWrite);
    watch(number(local_.near), filter::kWrite);
    watch(number(local_.near), filter::kRead);  // needs the second instance
    watch(number(local_.near), filter::kEmpty);
    watch(number(tcp_.near), filter::kEmpty);
    watch(number(file_), filter::kRead);
    watch(number(file_), filter::kVnode, note::kRename);
    watch(number(folder_), filter::kVnode, note::kWrite);
    watch(number(doomed_), filter::kVnode, note::kDelete);  // which its parent tells
    change_notes();
    watch(number(inner_), filter::kRead);
    watch(number(pidfd_), filter::kProcdesc, note::kExit);
    // Nothing happens to these: but there are many.
    for (const Fd& file : files_) {
      add(kq_, ev(number(file), filter::kVnode, flag::kAdd | flag::kClear, note::kRename));
    }
  }

  // A change of what exists is not refused; that its notes cannot be had is an event.
  void change_notes() {
    const auto file = number(files_.front());
    if (!add(inner_, ev(file, filter::kVnode, flag::kAdd | flag::kClear, note::kRename))) return;
    const long before = faults();
    const Kevent change = ev(file, filter::kVnode, 0, note::kRename | note::kWrite);
    EXPECT_EQ(submit(inner_, change), 0);
    if (faults() != before) {
      const Kevent event = only_event(inner_);
      EXPECT_TRUE(event.flags & flag::kError);
      EXPECT_EQ(event.data, shortage_.told);
      disarm_faults();
      EXPECT_EQ(submit(inner_, change), 0);
    }
    EXPECT_TRUE(silent(inner_));
    put(files_.front(), 1);
    EXPECT_EQ(only_event(inner_).fflags, note::kWrite | note::kExtend);
  }

  void register_others() {
    for (uintptr_t i = 0; i < kMany; ++i) {
      watch(i, filter::kUser);
      watch(i, filter::kTimer, note::kNseconds, 1, flag::kOneshot);
    }
    // The first of the other clock is one that was of this one.
    if (add(kq_, ev(101, filter::kTimer, flag::kAdd | flag::kOneshot, note::kSeconds, 3600))) {
      move_timer(101);
    }
    watch(100, filter::kTimer, note::kAbstime | note::kNseconds, 1, flag::kOneshot);
    watch(SIGUSR1, filter::kSignal);
    watch(SIGURG, filter::kSignal);
    watch(static_cast<uintptr_t>(child_), filter::kProc, note::kExit);
  }

  void move_timer(uintptr_t ident) {
    const long before = faults();
    const Kevent change =
        ev(ident, filter::kTimer, flag::kAdd | flag::kOneshot, note::kAbstime | note::kSeconds, 1);
    const int error = submit(kq_, change);
    if (error != 0) {
      expect_shortage("EV_ADD of a timer that exists", error, before);
      if (shortage_.onwards) return;  // it is the one it was, and an hour away
      EXPECT_EQ(submit(kq_, change), 0);
    }
    expected_.insert({{filter::kTimer, ident}, 1});
  }

  void let_everything_happen() {
    std::vector<Kevent> triggers;
    for (uintptr_t i = 0; i < kMany; ++i) {
      if (expected_.count({filter::kUser, i}) != 0) triggers.push_back(trigger(i));
    }
    EXPECT_EQ(submit(kq_, triggers), 0);
    if (submit(inner_, trigger(1)) == ENOENT) expected_.erase({filter::kRead, number(inner_)});
    EXPECT_EQ(rmdir((directory_ + "/doomed").c_str()), 0);
    EXPECT_EQ(rename((directory_ + "/file").c_str(), (directory_ + "/entry").c_str()), 0);
    raise(SIGUSR1);
    raise(SIGURG);
    EXPECT_EQ(write(orders_, "", 1), 1);
    siginfo_t info{};
    while (waitid(P_PID, static_cast<id_t>(child_), &info, WEXITED | WNOWAIT) < 0) {
    }
    EXPECT_EQ(info.si_status, 0) << "the child found something wrong";
  }

  // Every event that is due, once. An acknowledgement takes its own time; patience decides only
  // how long to look for what is missing.
  void collect() {
    constexpr int kPatience = 300;
    const timespec tick{0, 10000000};
    std::map<Key, int> seen;
    for (int look = 0; look < kPatience && seen.size() < expected_.size(); ++look) {
      for (const Kevent& event : call(kq_, {}, 64, &tick).entries) {
        ++seen[{event.filter, event.ident}];
        EXPECT_FALSE(event.flags & flag::kError) << event.data;
      }
    }
    for (const Kevent& event : poll_events(kq_)) ++seen[{event.filter, event.ident}];
    EXPECT_EQ(seen, expected_) << "by filter and ident";
    int status = -1;
    while (waitpid(child_, &status, 0) < 0 && errno == EINTR) {
    }
    EXPECT_EQ(status, 0);
    // What kind of thing it is was found out all the same: a pipe without a reader loses its knote.
    if (expected_.count({filter::kWrite, number(writable_.far)}) == 0) return;
    writable_.near.reset();
    EXPECT_EQ(poll_events(kq_).size(), 1u);
    EXPECT_EQ(submit(kq_, ev(number(writable_.far), filter::kWrite, flag::kDelete)), ENOENT);
  }

  // The kqueue lives on in its last descriptor, whatever of all this ran short.
  void duplicate() {
    const int copy = needed("dup()", [&] { return dup(kq_); });
    const int high = needed("F_DUPFD", [&] { return fcntl(kq_, F_DUPFD, 3200); });
    const int onto = needed("dup2()", [&] { return dup2(kq_, 4300); });
    // What libkq has not seen it finds out, or says that it cannot.
    const Fd unseen(static_cast<int>(syscall(SYS_fcntl, kq_, F_DUPFD_CLOEXEC, 5400)));
    EXPECT_EQ(needed("kevent()",
                     [&] { return subject().kevent(unseen, nullptr, 0, nullptr, 0, nullptr); }),
              0);
    for (const int fd : {kq_, copy, high}) EXPECT_EQ(subject().close(fd), 0);
    EXPECT_EQ(onto, 4300);
    kq_ = onto;
    EXPECT_EQ(call(high, {}, 1).error, EBADF);
    if (expected_.count({filter::kUser, 0}) == 0) return;
    EXPECT_EQ(submit(kq_, trigger(0)), 0) << "the kqueue went with its other descriptors";
    EXPECT_EQ(poll_events(kq_).size(), 1u);
  }

  void wait_in_two_threads() {
    const bool first = add(kq_, ev(200, filter::kUser, flag::kAdd | flag::kOneshot));
    const bool second = add(kq_, ev(201, filter::kUser, flag::kAdd | flag::kOneshot));
    if (!first || !second) return;
    Waiter one(kq_, 1), other(kq_, 1);
    one.wait_until_parked();
    other.wait_until_parked();
    EXPECT_EQ(submit(kq_, {trigger(200), trigger(201)}), 0);
    EXPECT_EQ(one.join().count + other.join().count, 2);
  }

  static constexpr uintptr_t kMany = 9;  // more than the tables have room for at first

  const Shortage shortage_;
  std::map<Key, int> expected_;
  int kq_ = -1, inner_ = -1;
  std::string directory_;
  Fd folder_, doomed_, file_, high_, pidfd_, orders_;
  Pair pipe_, writable_, local_, tcp_;
  std::vector<Fd> files_;
  pid_t child_ = -1;
};

void run_scenario(const Shortage& shortage) {
  const long descriptors = open_descriptors();
  Scenario(shortage).run();
  disarm_faults();
  EXPECT_EQ(open_descriptors(), descriptors) << "descriptors left behind";
}

// GoogleTest runs suites of such a name before all others: libkq has not been used then.
class ExhaustionDeathTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if (limit.rlim_cur <= 5400) GTEST_SKIP() << "a limit of " << limit.rlim_cur << " descriptors";
    if (!prepare_faults()) GTEST_SKIP() << "libkq's imports cannot be replaced here";
    signal(SIGUSR1, SIG_IGN);
  }

  // In a child, where libkq has not been used.
  static bool passes(const Shortage& shortage, long successes, long held_afterwards) {
    std::fflush(stdout);  // whose buffer the child would write out, too
    const pid_t child = fork();
    if (child == 0) {
      SCOPED_TRACE(std::to_string(successes) + " succeed");
      arm_faults(shortage.what, successes, shortage.onwards, shortage.error);
      run_scenario(shortage);
      if (shortage.onwards) run_scenario({});  // what the tables have room for is made now
      EXPECT_EQ(blocks_held(), held_afterwards) << "memory left behind";
      end_child(::testing::Test::HasFailure() ? 1 : 0);
    }
    note_progress();
    int status = -1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    EXPECT_EQ(status, 0) << "with " << successes << " that succeed";
    return status == 0;
  }

  // What libkq holds after a life with everything there: the tables that last as long as the
  // process. By way of a pipe, from a child in which that life was the first.
  static long held_after_plenty() {
    int ends[2];
    EXPECT_EQ(pipe2(ends, O_CLOEXEC), 0);
    const Fd in(ends[0]), out(ends[1]);
    std::fflush(stdout);
    const pid_t child = fork();
    long held = 0;
    if (child == 0) {
      run_scenario({});
      held = blocks_held();
      _exit(write(out, &held, sizeof held) == sizeof held ? 0 : 1);
    }
    EXPECT_EQ(waitpid(child, nullptr, 0), child);
    EXPECT_EQ(read(in, &held, sizeof held), static_cast<ssize_t>(sizeof held));
    return held;
  }

  // In each run one more call succeeds than in the one before: with KQ_EFFORT=100 in the
  // environment. Else every second run is made; where what fails goes on failing, every sixth,
  // those between them first; and with a sanitizer, which makes them slow, every fifth.
  static void count_up(const Shortage& shortage) {
    const char* effort = std::getenv("KQ_EFFORT");
    const bool all = effort != nullptr && std::atoi(effort) >= 100;
    const long step = all ? 1 : kSlow ? 5 : shortage.onwards ? 6 : 2;
    const long held = held_after_plenty();
    EXPECT_GT(held, 0);
    long successes = shortage.onwards && !all ? 1 : 0;
    for (long before = -1; before != faults(); successes += step) {
      before = faults();
      if (!passes(shortage, successes, held)) return;
    }
    EXPECT_GT(successes, 20) << "the scenario needs hardly anything";
    std::printf("%ld runs, with up to %ld that succeed\n", successes / step, successes - step);
    std::fflush(stdout);
  }
};

TEST_F(ExhaustionDeathTest, OfMemoryOnce) { count_up({Scarce::kMemory, false, ENOMEM, ENOMEM}); }
TEST_F(ExhaustionDeathTest, OfMemoryForGood) { count_up({Scarce::kMemory, true, ENOMEM, ENOMEM}); }
TEST_F(ExhaustionDeathTest, OfDescriptorsOnce) {
  count_up({Scarce::kDescriptors, false, EMFILE, EMFILE});
}
TEST_F(ExhaustionDeathTest, OfDescriptorsForGood) {
  count_up({Scarce::kDescriptors, true, ENFILE, ENFILE});
}
TEST_F(ExhaustionDeathTest, OfWatchesOnce) {
  count_up({Scarce::kKernelMemory, false, ENOSPC, ENOMEM});
}
TEST_F(ExhaustionDeathTest, OfWatchesForGood) {
  count_up({Scarce::kKernelMemory, true, ENOMEM, ENOMEM});
}

}  // namespace
}  // namespace kqtorture
