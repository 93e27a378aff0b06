// What happens when descriptors run out, and when the program closes what it does not own?
// Exhaustion is reported and loses no registered knote; libkq's own descriptors are out of the
// program's reach.
#include <dirent.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <string>
#include <thread>

#include "faults.h"
#include "objects.h"
#include "processes.h"

namespace kqtorture {
namespace {

std::vector<int> open_numbers() {
  std::vector<int> numbers;
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return numbers;
  while (const dirent* entry = readdir(directory)) {
    const int number = std::atoi(entry->d_name);
    if (entry->d_name[0] != '.' && number != dirfd(directory)) numbers.push_back(number);
  }
  closedir(directory);
  std::sort(numbers.begin(), numbers.end());
  return numbers;
}

class Limits : public PipeTest {
 protected:
  void SetUp() override {
    PipeTest::SetUp();
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &before_), 0);
  }
  void TearDown() override { setrlimit(RLIMIT_NOFILE, &before_); }
  // Takes every free number below the limit but `spare`.
  void leave(int spare) {
    rlimit low = before_;
    low.rlim_cur = 128;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &low), 0);
    for (;;) {
      Fd copy(dup(pipe_.near));
      if (copy < 0) break;
      taken_.push_back(std::move(copy));
    }
    for (int i = 0; i < spare && !taken_.empty(); ++i) taken_.pop_back();
  }
  void restore() {
    taken_.clear();
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &before_), 0);
  }
  rlimit before_{};
  std::vector<Fd> taken_;
};

TEST_F(Limits, NoDescriptorLeftIsReportedByKqueue) {
  leave(0);
  EXPECT_EQ(subject().kqueue(), -1);
  EXPECT_EQ(errno, EMFILE);
  restore();
  const Fd kq(subject().kqueue());
  EXPECT_GE(kq, 0);
}

TEST_F(Limits, AFailedCreationLeavesNothingBehind) {
  for (int spare = 0; spare < 6; ++spare) {
    leave(spare);
    const size_t before = open_numbers().size();
    const int kq = subject().kqueue();
    if (kq < 0) {
      EXPECT_EQ(errno, EMFILE);
      EXPECT_EQ(open_numbers().size(), before) << "with " << spare << " left";
    } else {
      subject().close(kq);
    }
    restore();
  }
}

// With each number of descriptors left: every change that was reported done is done, every other
// one is reported, and those from before are undisturbed.
class Exhausted : public Limits, public ::testing::WithParamInterface<int> {};

TEST_P(Exhausted, KnotesAreKeptOrReported) {
  const Pair sockets = connect_pair(Transport::kUnix);
  std::string path = "/tmp/kq-limit-XXXXXX";
  const Fd file(mkstemp(path.data()));
  unlink(path.c_str());
  put(pipe_.far, 1);
  put(sockets.far, 1);
  Fd fresh(subject().kqueue());
  ASSERT_EQ(submit(fresh, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
  const Fd inner(subject().kqueue());
  ASSERT_EQ(submit(inner, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
  leave(GetParam());

  const auto fd = [](const Fd& owner) { return static_cast<uintptr_t>(int{owner}); };
  const Kevent changes[] = {
      ev(fd(pipe_.near), filter::kRead, flag::kAdd, 0, 0, tag(1)),
      ev(fd(pipe_.far), filter::kWrite, flag::kAdd, 0, 0, tag(2)),
      ev(fd(sockets.near), filter::kRead, flag::kAdd, 0, 0, tag(3)),
      ev(fd(sockets.near), filter::kWrite, flag::kAdd, 0, 0, tag(4)),
      ev(fd(file), filter::kWrite, flag::kAdd, 0, 0, tag(5)),
      ev(fd(inner), filter::kRead, flag::kAdd, 0, 0, tag(6)),
      ev(7, filter::kTimer, flag::kAdd | flag::kOneshot, note::kMseconds, 1, tag(7)),
  };
  std::vector<uintptr_t> expected = {0};  // the USER knote from before
  for (const Kevent& change : changes) {
    const int error = submit(fresh, change);
    if (error == 0) {
      expected.push_back(reinterpret_cast<uintptr_t>(change.udata));
    } else {
      EXPECT_TRUE(error == EMFILE || error == ENFILE || error == ENOMEM) << error;
      Kevent again = change;
      again.flags = flag::kDelete;
      EXPECT_EQ(submit(fresh, again), ENOENT) << "a change that failed left a knote behind";
    }
  }
  const auto seen = [&fresh] {
    std::vector<uintptr_t> tags;
    for (const Kevent& event : poll_events(fresh)) {
      tags.push_back(reinterpret_cast<uintptr_t>(event.udata));
    }
    return tags;
  };
  sleep_ms(5);
  const std::vector<uintptr_t> last = seen();
  restore();  // before anything is compared: UBSan needs a descriptor to look at an object's type
  EXPECT_THAT(last, ::testing::UnorderedElementsAreArray(expected));
  // What was refused can be added now.
  for (const Kevent& change : changes) EXPECT_EQ(submit(fresh, change), 0);
  sleep_ms(5);
  EXPECT_THAT(seen(), ::testing::UnorderedElementsAre(0, 1, 2, 3, 4, 5, 6, 7));
}

INSTANTIATE_TEST_SUITE_P(Spare, Exhausted, ::testing::Range(0, 6),
                         ::testing::PrintToStringParamName());

class Private : public Limits {
 protected:
  // A kqueue that uses everything libkq may need a descriptor for.
  void use_everything(int kq, const Fd& file) {
    ASSERT_EQ(submit(kq, {ev(1, filter::kTimer, flag::kAdd, 0, 2),
                          ev(2, filter::kTimer, flag::kAdd, note::kAbstime | note::kMseconds, 1),
                          ev(1, filter::kUser, flag::kAdd | flag::kClear)}),
              0);
    ASSERT_EQ(submit(kq, ev(static_cast<uintptr_t>(int{file}), filter::kRead, flag::kAdd)), 0);
  }
};

TEST_F(Private, DescriptorsCannotBeClosedOneByOne) {
  const Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const std::vector<int> before = open_numbers();
  Fd kq(subject().kqueue());
  use_everything(kq, file);
  int internal = 0;
  for (const int number : open_numbers()) {
    if (number == kq || std::find(before.begin(), before.end(), number) != before.end()) continue;
    ++internal;
    EXPECT_EQ(::close(number), -1);
    EXPECT_EQ(errno, EBADF);
    EXPECT_EQ(dup2(pipe_.near, number), -1);
  }
  ASSERT_EQ(submit(kq, trigger(1)), 0);
  sleep_ms(5);
  // Both timers, the trigger, and the file that is not at its end.
  EXPECT_EQ(poll_events(kq).size(), 4u) << internal << " descriptors of libkq's own";
}

// libkq opens a descriptor under the lowest free number before it moves it away. A thread that
// calls on that number, which the program has closed, must never get hold of it.
TEST_F(Private, DescriptorsAreNotCaughtUnderANumberThatTheProgramClosed) {
  const Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  const Pair sockets = connect_pair(Transport::kUnix);
  std::atomic<bool> stop{false};
  std::mutex phase;  // held by the caller while it counts on the number being closed
  int closed = -1;
  std::atomic<long> calls{0};
  std::vector<std::string> wrong;
  std::thread caller([&] {
    for (; !stop; std::this_thread::yield()) {
      const std::lock_guard guard(phase);
      if (closed < 0) continue;
      const int number = closed;
      const auto ident = static_cast<uintptr_t>(number);
      const auto expect_closed = [&wrong](const char* what, int error) {
        if (error != EBADF) wrong.push_back(what + (": " + std::to_string(error)));
      };
      expect_closed("ADD READ", submit(kq_, ev(ident, filter::kRead, flag::kAdd)));
      expect_closed("ADD WRITE", submit(kq_, ev(ident, filter::kWrite, flag::kAdd)));
      expect_closed("DELETE", submit(kq_, ev(ident, filter::kRead, flag::kDelete)));
      const Outcome polled = call(number, {}, 1);
      expect_closed("poll", polled.count < 0 ? polled.error : 0);
      ++calls;
    }
  });
  for (int round = 0; round < 8; ++round) {
    std::vector<Fd> kqueues;
    for (int i = 0; i < 16; ++i) kqueues.emplace_back(subject().kqueue());
    Fd lowest(dup(pipe_.near));
    const int number = lowest;
    lowest.reset();
    const auto set = [&](int value) {
      const std::lock_guard guard(phase);
      closed = value;
    };
    set(number);
    for (const long before = calls; calls == before;) std::this_thread::yield();
    for (const Fd& kq : kqueues) {
      use_everything(kq, file);
      const auto socket = static_cast<uintptr_t>(int{sockets.near});
      EXPECT_EQ(submit(kq, {ev(socket, filter::kRead, flag::kAdd),
                            ev(socket, filter::kWrite, flag::kAdd)}),
                0);
    }
    set(-1);
  }
  stop = true;
  caller.join();
  EXPECT_THAT(wrong, ::testing::IsEmpty());
  EXPECT_TRUE(silent(kq_)) << "something of libkq's own was registered";
}

// In a child of its own, whose other descriptors are not missed: closes all numbers but the
// standard ones and the kqueue's, and the kqueue works on.
template <typename CloseAll>
int survives(CloseAll close_all) {
  const pid_t child = fork();
  if (child == 0) {
    const int kq = subject().kqueue();
    if (submit(kq, {ev(1, filter::kTimer, flag::kAdd, 0, 2), ev(1, filter::kUser, flag::kAdd)}) !=
        0) {
      _exit(1);
    }
    const Pair watched = open_pipe();
    put(watched.far, 1);
    if (submit(kq, ev(static_cast<uintptr_t>(int{watched.near}), filter::kRead, flag::kAdd)) != 0) {
      _exit(2);
    }
    close_all(kq);
    // The pipe is gone, the kqueue, its timer and its trigger are not.
    if (submit(kq, trigger(1)) != 0) _exit(3);
    sleep_ms(5);
    const Outcome outcome = call(kq, {}, 8);
    if (outcome.count != 2) _exit(4);
    const Pair fresh = open_pipe();
    put(fresh.far, 1);
    if (submit(kq, ev(static_cast<uintptr_t>(int{fresh.near}), filter::kRead, flag::kAdd)) != 0) {
      _exit(5);
    }
    bool seen = false;
    for (const Kevent& event : call(kq, {}, 8).entries) seen |= event.filter == filter::kRead;
    end_child(seen ? 0 : 6);
  }
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
}

TEST_F(Private, DescriptorsSurviveALoopThatClosesAllNumbers) {
  EXPECT_EQ(survives([](int kq) {
              for (int number = 3; number < 1024; ++number) {
                if (number != kq) ::close(number);
              }
            }),
            0);
}

TEST_F(Private, DescriptorsSurviveCloseRange) {
  EXPECT_EQ(survives([](int kq) {
              const auto number = static_cast<unsigned>(kq);
              if (kq > 3) close_range(3, number - 1, 0);
              close_range(number + 1, ~0U, 0);
            }),
            0);
}

TEST_F(Private, DescriptorsSurviveClosefrom) {
  EXPECT_EQ(survives([](int kq) {
              for (int number = 3; number < kq; ++number) ::close(number);
              closefrom(kq + 1);
            }),
            0);
}

TEST_F(Private, DescriptorsGoWithTheLastKqueue) {
  const Fd file(open("/proc/self/exe", O_RDONLY | O_CLOEXEC));
  {
    Fd first(subject().kqueue());  // what is made once per process is made now
    use_everything(first, file);
  }
  const size_t before = open_numbers().size();
  for (int i = 0; i < 10; ++i) {
    Fd kq(subject().kqueue());
    use_everything(kq, file);
    poll_events(kq);
  }
  EXPECT_EQ(open_numbers().size(), before);
}

TEST_F(Private, DescriptorsOfAKqueueClosedUnderItsWaitersGoWhenTheyReturn) {
  put(pipe_.far, 1);
  const size_t before = open_numbers().size();
  for (int i = 0; i < 5; ++i) {
    Fd kq(subject().kqueue());
    ASSERT_EQ(submit(kq, ev(1, filter::kTimer, flag::kAdd | flag::kOneshot, 0, 15)), 0);
    std::vector<Waiter> waiters;
    const timespec limit{0, 40000000};
    for (int j = 0; j < 16; ++j) waiters.emplace_back(kq, 8, &limit);
    for (const Waiter& waiter : waiters) waiter.wait_until_parked();
    kq.reset();
    int served = 0;
    for (Waiter& waiter : waiters) {
      const Outcome outcome = waiter.join();
      EXPECT_GE(outcome.count, 0);
      served += outcome.count;
    }
    EXPECT_LE(served, 1);
  }
  EXPECT_EQ(open_numbers().size(), before);
}

// poll(2) of the kqueue tells of nothing that it does not watch.
TEST(WatchLimit, InTheMiddleOfAnAddLeavesNoWatchBehind) {
  if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
  if (!prepare_faults()) GTEST_SKIP() << "libkq's imports cannot be replaced here";
  const Fd kq(subject().kqueue()), other(subject().kqueue());
  const Kevent add_signal = ev(SIGURG, filter::kSignal, flag::kAdd);
  ASSERT_EQ(submit(other, add_signal), 0);
  arm_faults(Scarce::kKernelMemory, 1, false, ENOSPC);
  EXPECT_EQ(submit(kq, add_signal), ENOMEM);
  disarm_faults();
  sigset_t urgent{}, before{};
  sigaddset(&urgent, SIGURG);
  ASSERT_EQ(pthread_sigmask(SIG_BLOCK, &urgent, &before), 0);
  raise(SIGURG);
  pollfd item{kq, POLLIN, 0};
  EXPECT_EQ(poll(&item, 1, 0), 0);
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

}  // namespace
}  // namespace kqtorture
