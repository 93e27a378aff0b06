// What is told of a file? Each operation on it, as the notes that FreeBSD posts: whoever does it,
// by whatever name or descriptor. An operation's notes come together, to all who asked for any.
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "files.h"
#include "objects.h"

namespace kqtorture {
namespace {

using Vnode = VnodeTest;

TEST_F(Vnode, NothingIsToldBeforeAnythingIsDone) {
  const Fd file = create("f", 10);
  watch(file, note::kAllVnode, 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Vnode, WriteInTheMiddleIsAWrite) {
  const Fd file = create("f", 10);
  watch(file, note::kWrite | note::kExtend | note::kAttrib);
  put(file, 4);
  EXPECT_EQ(only_notes(), note::kWrite);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Vnode, WriteBeyondTheEndExtends) {
  const Fd file = create("f", 10);
  watch(file, note::kWrite | note::kExtend | note::kAttrib);
  put(file, 11);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(Vnode, WriteUpToTheEndDoesNotExtend) {
  const Fd file = create("f", 10);
  watch(file, note::kWrite | note::kExtend);
  put(file, 10);
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(Vnode, NotesOfOneOperationComeTogether) {
  const Fd file = create("f");
  watch(file, note::kExtend);
  put(file, 1);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
  watch(file, note::kWrite);  // a change of interest
  put(file, 1);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(Vnode, ExtensionAfterATruncationIsFound) {
  const Fd file = create("f", 10);
  watch(file, note::kWrite | note::kExtend | note::kAttrib);
  ASSERT_EQ(ftruncate(file, 0), 0);
  EXPECT_EQ(only_notes(), note::kAttrib);
  put(file, 5);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(Vnode, ModeOwnerAndTimesAreAttributes) {
  const Fd file = create("f");
  watch(file, note::kAttrib | note::kWrite | note::kDelete | note::kLink);
  ASSERT_EQ(fchmod(file, 0640), 0);
  EXPECT_EQ(only_notes(), note::kAttrib);
  ASSERT_EQ(fchmod(file, 0640), 0);  // not even different
  EXPECT_EQ(only_notes(), note::kAttrib);
  ASSERT_EQ(fchown(file, getuid(), getgid()), 0);
  EXPECT_EQ(only_notes(), note::kAttrib);
  const timespec times[2] = {{1, 0}, {2, 0}};
  ASSERT_EQ(futimens(file, times), 0);
  EXPECT_EQ(only_notes(), note::kAttrib);
}

TEST_F(Vnode, UnlinkDeletesThoughTheFileIsOpen) {
  const Fd file = create("f");
  watch(file, note::kAllVnode);
  unlink_name("f");
  EXPECT_EQ(only_notes(), note::kDelete);
}

TEST_F(Vnode, UnlinkOfOneOfTwoNamesDeletes) {
  const Fd file = create("f");
  link_name("f", "g");
  watch(file, note::kDelete | note::kLink | note::kAttrib);
  unlink_name("g");
  EXPECT_EQ(only_notes(), note::kDelete);
  unlink_name("f");
  EXPECT_EQ(only_notes(), note::kDelete);
}

TEST_F(Vnode, FileWithoutANameIsStillWatched) {
  const Fd file = create("f");
  watch(file, note::kDelete | note::kWrite | note::kAttrib);
  unlink_name("f");
  EXPECT_EQ(only_notes(), note::kDelete);
  put(file, 1);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
  ASSERT_EQ(fchmod(file, 0640), 0);
  EXPECT_EQ(only_notes(), note::kAttrib);
}

// The name by which it was opened goes first: a watch that goes by names ends with the last one.
TEST_F(Vnode, FileIsWatchedAfterItsLastNameHasGone) {
  {
    const Fd first = create("f");
    link_name("f", "g");
  }
  const Fd file = open_again("f", O_RDWR);
  watch(file, note::kDelete | note::kWrite | note::kAttrib);
  unlink_name("f");
  EXPECT_EQ(only_notes(), note::kDelete);
  unlink_name("g");
  EXPECT_EQ(only_notes(), note::kDelete);
  EXPECT_TRUE(silent(kq_));
  put(file, 1);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
  ASSERT_EQ(fchmod(file, 0640), 0);
  EXPECT_EQ(only_notes(), note::kAttrib);
}

// The watch has ended with the last name, and nobody has looked since.
TEST_F(Vnode, AnotherNumberIsAddedAfterItsLastNameHasGone) {
  {
    const Fd first = create("f");
    link_name("f", "g");
  }
  const Fd file = open_again("f", O_RDWR);
  const Fd other = open_again("f", O_RDONLY);
  watch(file, note::kDelete | note::kWrite);
  unlink_name("f");
  unlink_name("g");
  const auto ident = static_cast<uintptr_t>(int{other});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  EXPECT_EQ(only_notes(), note::kDelete);
  put(file, 5);
  const std::vector<Kevent> events = poll_events(kq_);
  ASSERT_EQ(events.size(), 2u);
  for (const Kevent& event : events) {
    if (event.filter == filter::kRead) EXPECT_EQ(event.data, 5);
    if (event.filter == filter::kVnode) EXPECT_EQ(event.fflags, note::kWrite | note::kExtend);
  }
}

TEST_F(Vnode, FileWithoutANameCanBeAdded) {
  const Fd file = create("f");
  unlink_name("f");
  watch(file, note::kWrite);
  put(file, 1);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(Vnode, HardLinkIsALink) {
  const Fd file = create("f");
  watch(file, note::kAllVnode);
  link_name("f", "g");
  EXPECT_EQ(only_notes(), note::kLink);
}

TEST_F(Vnode, RenameIsARename) {
  const Fd file = create("f");
  watch(file, note::kAllVnode);
  rename_name("f", "g");
  EXPECT_EQ(only_notes(), note::kRename);
  rename_name("g", "f");
  EXPECT_EQ(only_notes(), note::kRename);
}

TEST_F(Vnode, RenameOverAFileDeletesIt) {
  const Fd over = create("over");
  const Fd file = create("f");
  watch(over, note::kAllVnode);
  rename_name("f", "over");
  EXPECT_EQ(only_notes(), note::kDelete);
}

TEST_F(Vnode, RenameOverAnotherTellsBoth) {
  const Fd over = create("over");
  const Fd file = create("f");
  watch(over, note::kDelete | note::kRename);
  watch(file, note::kDelete | note::kRename);
  rename_name("f", "over");
  uint32_t of_over = 0, of_file = 0;
  for (const Kevent& event : poll_events(kq_)) {
    (static_cast<int>(event.ident) == over ? of_over : of_file) |= event.fflags;
  }
  EXPECT_EQ(of_over, note::kDelete);
  EXPECT_EQ(of_file, note::kRename);
}

TEST_F(Vnode, OpenReadAndCloseAreTold) {
  const Fd file = create("f", 10);
  watch(file, note::kAllVnode);
  Fd reader = open_again("f", O_RDONLY);
  EXPECT_EQ(only_notes(), note::kOpen);
  take(reader, 3);
  EXPECT_EQ(only_notes(), note::kRead);
  reader.reset();
  EXPECT_EQ(only_notes(), note::kClose);
  Fd writer = open_again("f", O_WRONLY);
  EXPECT_EQ(only_notes(), note::kOpen);
  writer.reset();
  EXPECT_EQ(only_notes(), note::kCloseWrite);
}

TEST_F(Vnode, CloseOfOneOfTwoDuplicatesIsNoClose) {
  const Fd file = create("f");
  Fd other = open_again("f", O_RDONLY);
  Fd copy(subject().calls().dup(other));
  watch(file, note::kClose | note::kCloseWrite);
  copy.reset();
  EXPECT_TRUE(silent(kq_));
  other.reset();
  EXPECT_EQ(only_notes(), note::kClose);
}

TEST_F(Vnode, WhatAnotherProcessDoesIsTold) {
  const Fd file = create("f");
  watch(file, note::kWrite | note::kRename);
  const std::string name = path("f");
  const pid_t child = fork();
  if (child == 0) {
    const int fd = open(name.c_str(), O_WRONLY);
    _exit(fd >= 0 && write(fd, "x", 1) == 1 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_EQ(status, 0);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(Vnode, WhatIsDoneThroughAnotherNameIsTold) {
  const Fd file = create("f");
  link_name("f", "g");
  const Fd other = open_again("g", O_WRONLY);
  watch(file, note::kWrite);
  put(other, 1);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(Vnode, OperationWakesAWaiter) {
  const Fd file = create("f");
  watch(file, note::kRename);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  rename_name("f", "g");
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].fflags, note::kRename);
}

TEST_F(Vnode, FifoWithANameIsAVnode) {
  ASSERT_EQ(mkfifo(path("p").c_str(), 0600), 0);
  const Fd fifo = open_again("p", O_RDWR | O_NONBLOCK);
  watch(fifo, note::kAttrib | note::kRename | note::kDelete | note::kWrite);
  put(fifo, 1);  // goes through the FIFO, not into the file
  EXPECT_TRUE(silent(kq_));
  rename_name("p", "q");
  EXPECT_EQ(only_notes(), note::kRename);
  unlink_name("q");
  EXPECT_EQ(only_notes(), note::kDelete);
}

TEST_F(Vnode, FifoIsReadAndWatchedAtOnce) {
  ASSERT_EQ(mkfifo(path("p").c_str(), 0600), 0);
  const Fd fifo = open_again("p", O_RDWR | O_NONBLOCK);
  const auto ident = static_cast<uintptr_t>(int{fifo});
  watch(fifo, note::kRename);
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd | flag::kClear)), 0);
  put(fifo, 3);
  EXPECT_EQ(only_event(kq_).filter, filter::kRead);
  rename_name("p", "q");
  EXPECT_EQ(only_notes(), note::kRename);
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kDelete)), 0);
  rename_name("q", "p");
  EXPECT_EQ(only_notes(), note::kRename);
}

TEST_F(Vnode, WhatIsNoVnodeIsRefused) {
  const Pair pipe = open_pipe();
  EXPECT_EQ(submit(kq_, vnode(pipe.near, flag::kAdd, note::kWrite)), EINVAL);
  const Pair sockets = connect_pair(Transport::kUnix);
  EXPECT_EQ(submit(kq_, vnode(sockets.near, flag::kAdd, note::kWrite)), EINVAL);
  const Fd inner(subject().kqueue());
  EXPECT_EQ(submit(kq_, vnode(inner, flag::kAdd, note::kWrite)), EINVAL);
  const Fd null(subject().calls().open("/dev/null", O_RDONLY));
  EXPECT_EQ(submit(kq_, vnode(null, flag::kAdd, note::kWrite)), EINVAL);
  const int number = pipe.near;
  EXPECT_EQ(submit(kq_, vnode(number, flag::kDelete)), ENOENT);
}

TEST_F(Vnode, NothingChangedIsLeftBehindByARefusal) {
  const Pair pipe = open_pipe();
  ASSERT_EQ(submit(kq_, vnode(pipe.near, flag::kAdd, note::kWrite)), EINVAL);
  const auto ident = static_cast<uintptr_t>(int{pipe.near});
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  put(pipe.far, 1);
  EXPECT_EQ(only_event(kq_).filter, filter::kRead);
}

}  // namespace
}  // namespace kqtorture
