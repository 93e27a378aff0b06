// Who else has the kqueue's descriptor? The same process, which got it back by a message, has the
// same kqueue. Another process has none, however it came by the descriptor: a fork, a clone that
// shares the table of descriptors, a message, an exec; whatever it does leaves the kqueue alone.
#include <dlfcn.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "objects.h"
#include "processes.h"
#include "subject/sanitizers.h"

extern "C" int kqueuex(unsigned flags);

namespace kqtorture {
namespace {

bool send_descriptor(int socket, int fd) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof fd)] = {};
  char byte = 0;
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  cmsghdr* header = CMSG_FIRSTHDR(&message);
  header->cmsg_level = SOL_SOCKET;
  header->cmsg_type = SCM_RIGHTS;
  header->cmsg_len = CMSG_LEN(sizeof fd);
  __builtin_memcpy(CMSG_DATA(header), &fd, sizeof fd);
  return sendmsg(socket, &message, 0) == 1;
}

int receive_descriptor(int socket) {
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
  char byte;
  iovec data{&byte, 1};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t size;
  while ((size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR) {
  }
  int fd = -1;
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (size == 1 && header != nullptr) __builtin_memcpy(&fd, CMSG_DATA(header), sizeof fd);
  return fd;
}

class Sharing : public PipeTest {
 protected:
  void SetUp() override {
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    PipeTest::SetUp();
    int ends[2];
    ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    sender_ = Fd(ends[0]);
    receiver_ = Fd(ends[1]);
    ASSERT_EQ(submit(kq_, {ev(1, filter::kUser, flag::kAdd | flag::kClear),
                           ev(near(), filter::kRead, flag::kAdd | flag::kClear, 0, 0, tag(1))}),
              0);
  }
  uintptr_t near() const { return static_cast<uintptr_t>(int{pipe_.near}); }
  // Exactly what is in it comes, and nothing was lost or added by others.
  void expect_intact() {
    put(pipe_.far, 1);
    ASSERT_EQ(submit(kq_, trigger(1)), 0);
    EXPECT_EQ(poll_events(kq_).size(), 2u);
    EXPECT_TRUE(silent(kq_));
  }
  static int status_of(pid_t child) {
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 100;
  }
  Fd sender_, receiver_;
};

TEST_F(Sharing, ADescriptorThatCameBackByAMessageIsTheSameKqueue) {
  const Fd other(subject().kqueue());  // not the newest, either
  ASSERT_TRUE(send_descriptor(sender_, kq_));
  Fd received(receive_descriptor(receiver_));
  ASSERT_GE(received, 0);
  ASSERT_EQ(submit(received, ev(2, filter::kUser, flag::kAdd)), 0);
  ASSERT_EQ(submit(kq_, trigger(2)), 0);
  EXPECT_EQ(only_event(received).ident, 2u);
  EXPECT_TRUE(silent(other));
  ASSERT_EQ(submit(received, ev(2, filter::kUser, flag::kDelete)), 0);
  kq_ = std::move(received);  // which closes the first
  expect_intact();
}

TEST_F(Sharing, OneThatIsOnItsWayIsNoDescriptorYetAndTheLastCloseEndsIt) {
  ASSERT_TRUE(send_descriptor(sender_, kq_));
  kq_.reset();
  const Fd received(receive_descriptor(receiver_));
  ASSERT_GE(received, 0);
  EXPECT_EQ(submit(received, ev(2, filter::kUser, flag::kAdd)), EINVAL);
}

TEST_F(Sharing, AnotherProcessThatIsSentOneHasNoKqueue) {
  const pid_t child = fork();
  if (child == 0) {
    const Fd own(subject().kqueue());
    const int received = receive_descriptor(receiver_);
    if (received < 0) end_child(1);
    if (submit(received, ev(1, filter::kUser, flag::kDelete)) != EINVAL) end_child(2);
    if (call(received, {}, 4).error != EINVAL) end_child(3);
    if (subject().close(received) != 0) end_child(4);
    if (submit(own, {ev(1, filter::kUser, flag::kAdd), trigger(1)}) != 0) end_child(5);
    end_child(call(own, {}, 4).count == 1 ? 0 : 6);
  }
  ASSERT_TRUE(send_descriptor(sender_, kq_));
  EXPECT_EQ(status_of(child), 0);
  expect_intact();
}

// Not by fork(), so that no handler of libkq's runs in the child before it is called.
pid_t bare_clone(unsigned long flags) {
  return static_cast<pid_t>(syscall(SYS_clone, flags | SIGCHLD, 0L, 0L, 0L, 0L));
}

int look_and_make_its_own(int kq) {
  const int error = call(kq, {}, 1).error;
  if (error != EBADF && error != EINVAL) return 1;
  const int own = subject().kqueue();
  if (submit(own, {ev(1, filter::kUser, flag::kAdd), trigger(1)}) != 0) return 2;
  if (call(own, {}, 4).count != 1) return 3;
  return subject().close(own) == 0 ? 0 : 4;
}

TEST_F(Sharing, AChildOfABareCloneHasDescriptorsOfItsOwnToClose) {
  const pid_t child = bare_clone(0);
  if (child == 0) _exit(look_and_make_its_own(kq_));
  EXPECT_EQ(status_of(child), 0);
  expect_intact();
}

TEST_F(Sharing, AChildThatSharesTheTableOfDescriptorsClosesNoneOfItsParents) {
  constexpr int kFiles = 2;
  if (syscall(SYS_kcmp, getpid(), getpid(), kFiles, 0L, 0L) != 0) {
    GTEST_SKIP() << "the kernel does not tell who shares a table: " << errno;
  }
  const pid_t child = bare_clone(CLONE_FILES);
  if (child == 0) _exit(look_and_make_its_own(kq_));
  EXPECT_EQ(status_of(child), 0);
  expect_intact();
}

// The program that is executed has libkq, too, but nothing of what this process knows.
TEST_F(Sharing, AProgramThatIsExecutedHasNoKqueueOfTheOneBefore) {
  const std::string number = std::to_string(kq_);
  const pid_t child = bare_clone(0);
  if (child == 0) {
    execl(KQ_LATE_LOADER, "late_loader", KQ_LIBRARY, number.c_str(), nullptr);
    _exit(99);
  }
  EXPECT_EQ(status_of(child), 0) << "the step of late_loader.cpp that failed";
  expect_intact();
}

TEST_F(Sharing, CloseOnExecCanBeAskedForByFlagsOfEitherSystem) {
  for (const unsigned flags : {1u, static_cast<unsigned>(O_CLOEXEC), 0u}) {  // 1: KQUEUE_CLOEXEC
    const Fd kq(kqueuex(flags));
    ASSERT_GE(kq, 0);
    EXPECT_EQ(fcntl(kq, F_GETFD), flags != 0 ? FD_CLOEXEC : 0);
    EXPECT_EQ(submit(kq, ev(1, filter::kUser, flag::kAdd)), 0);
  }
  EXPECT_EQ(kqueuex(2), -1);
  EXPECT_EQ(errno, EINVAL);
}

TEST_F(Sharing, AVforkedChildMakesNoKqueueInItsParentsMemory) {
  if (kThreadSanitizer) GTEST_SKIP() << "ThreadSanitizer makes a fork of it";
  const pid_t child = vfork();
  if (child == 0) _exit(subject().kqueue() == -1 && errno == ENOTSUP ? 0 : 1);
  EXPECT_EQ(status_of(child), 0);
  expect_intact();
}

}  // namespace
}  // namespace kqtorture
