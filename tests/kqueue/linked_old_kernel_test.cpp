// What if the kernel is an older one, which knows fewer calls? libkq does with others, and its
// answers are the same. The calls fail for libkq alone (imports.h), as they would there.
#include <errno.h>
#include <sys/epoll.h>
#include <sys/mman.h>

#include <atomic>

#include "guarded.h"
#include "imports.h"
#include "objects.h"

namespace kqtorture {
namespace {

std::atomic<int> refusals{0};

// Linux before 5.14: MADV_POPULATE_READ and _WRITE are unknown.
int old_madvise(void* memory, size_t size, int advice) {
  if (advice != 22 && advice != 23) return madvise(memory, size, advice);
  ++refusals;
  errno = EINVAL;
  return -1;
}

// Linux before 5.11.
int no_epoll_pwait2(int, epoll_event*, int, const timespec*, const sigset_t*) {
  ++refusals;
  errno = ENOSYS;
  return -1;
}

class OldKernel : public PipeTest {
 protected:
  void SetUp() override {
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    replace(old_madvise, no_epoll_pwait2);
    PipeTest::SetUp();
    // Whether the kernel populates is asked once in a process, by the first call with a list; and
    // lists that were good are remembered.
    GuardedList fresh(1);
    fresh[0] = ev(0, filter::kUser, flag::kAdd);
    if (subject().kevent(kq_, fresh.data(), 1, nullptr, 0, nullptr) != 0) {
      GTEST_SKIP() << "libkq knows already what the kernel can do";
    }
    refusals = 0;
  }
  void TearDown() override { replace(madvise, epoll_pwait2); }
  static void replace(int (*advise)(void*, size_t, int), decltype(&epoll_pwait2) wait) {
    replace_imports("libkq.so", {{"madvise", reinterpret_cast<void*>(advise)},
                                 {"epoll_pwait2", reinterpret_cast<void*>(wait)}});
  }
};

TEST_F(OldKernel, ABadPointerIsEfaultAndWhatWasReadBeforeItIsApplied) {
  GuardedList list(12);
  for (uintptr_t i = 0; i < 12; ++i) list[i] = ev(i, filter::kUser, flag::kAdd);
  EXPECT_EQ(subject().kevent(kq_, list.data(), 16, nullptr, 0, nullptr), -1);
  EXPECT_EQ(errno, EFAULT);
  for (uintptr_t i = 0; i < 12; ++i) {
    EXPECT_EQ(submit(kq_, ev(i, filter::kUser, flag::kDelete)), i < 8 ? 0 : ENOENT) << i;
  }
  EXPECT_EQ(subject().kevent(kq_, nullptr, 0, list.data(), 4, list.forbidden<timespec>()), -1);
  EXPECT_EQ(errno, EFAULT);
  ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd), trigger(1)}), 0);
  EXPECT_EQ(subject().kevent(kq_, nullptr, 0, list.forbidden<Kevent>(), 4, &kNoWait), -1);
  EXPECT_EQ(errno, EFAULT);
  EXPECT_EQ(only_event(kq_).ident, 1u) << "a level event is not lost with the list";
}

// The second thread that waits is the one that needs the call.
TEST_F(OldKernel, OfTwoWaitersEachLeavesAtItsTimeAndNoEarlier) {
  Waiter first(kq_, 1);
  first.wait_until_parked();
  for (const long span : {0L, 1L, 1500000L, 20000000L}) {
    const timespec limit{0, span};
    const int64_t begin = now_ns();
    EXPECT_EQ(call(kq_, {}, 1, &limit).count, 0);
    EXPECT_GE(now_ns() - begin, span);
  }
  Waiter second(kq_, 1);
  second.wait_until_parked();
  if (refusals == 0) GTEST_SKIP() << "this libkq does not know the call";
  ASSERT_EQ(
      submit(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kOneshot),
                   ev(2, filter::kUser, flag::kAdd | flag::kOneshot), trigger(1), trigger(2)}),
      0);
  EXPECT_EQ(first.join().count + second.join().count, 2);
}

}  // namespace
}  // namespace kqtorture
