#include "files.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>

#include "objects.h"

namespace kqtorture {

void VnodeTest::SetUp() {
  KqueueTest::SetUp();
  if (!host_descriptors()) GTEST_SKIP() << "the subject has no file system of the host";
  GATE(knob().freebsd_objects, "the contract tells FreeBSD's answers only");
  std::string name = "/tmp/kq-vnode-XXXXXX";
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  directory_ = name;
}

void VnodeTest::TearDown() {
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

std::string VnodeTest::path(const std::string& name) const {
  return name.empty() ? directory_ : directory_ + "/" + name;
}

Fd VnodeTest::create(const std::string& name, size_t size) {
  Fd fd(subject().calls().open(path(name).c_str(), O_RDWR | O_CREAT | O_EXCL, 0600));
  EXPECT_GE(fd, 0);
  if (size > 0) put(fd, size);
  EXPECT_EQ(lseek(fd, 0, SEEK_SET), 0);
  return fd;
}

Fd VnodeTest::make_directory(const std::string& name) {
  EXPECT_EQ(mkdir(path(name).c_str(), 0700), 0);
  return open_again(name, O_RDONLY);
}

Fd VnodeTest::open_again(const std::string& name, int flags) {
  Fd fd(subject().calls().open(path(name).c_str(), flags));
  EXPECT_GE(fd, 0);
  return fd;
}

void VnodeTest::unlink_name(const std::string& name) { EXPECT_EQ(::unlink(path(name).c_str()), 0); }

void VnodeTest::remove_directory(const std::string& name) {
  EXPECT_EQ(::rmdir(path(name).c_str()), 0);
}

void VnodeTest::rename_name(const std::string& from, const std::string& to) {
  EXPECT_EQ(std::rename(path(from).c_str(), path(to).c_str()), 0);
}

void VnodeTest::link_name(const std::string& from, const std::string& to) {
  EXPECT_EQ(::link(path(from).c_str(), path(to).c_str()), 0);
}

void VnodeTest::watch(int fd, uint32_t notes, int flags) {
  ASSERT_EQ(submit(kq_, vnode(fd, flag::kAdd | flags, notes)), 0);
}

uint32_t VnodeTest::only_notes() {
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.filter, filter::kVnode);
  EXPECT_EQ(event.data, 0);
  return event.fflags;
}

Kevent vnode(int fd, int flags, uint32_t notes) {
  return ev(static_cast<uintptr_t>(fd), filter::kVnode, static_cast<uint16_t>(flags), notes);
}

}  // namespace kqtorture
