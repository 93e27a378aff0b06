// Files with names: are they where they are looked for, and is nothing left of them?
#include "engine/file_names.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace kqtorture {
namespace {

struct stat status_of(int fd) {
  struct stat status {};
  EXPECT_EQ(::fstat(fd, &status), 0);
  return status;
}

// How many directories of this process there are.
int directories_of(pid_t process) {
  const std::string prefix = "kqtorture-files-" + std::to_string(process) + "-";
  int count = 0;
  for (const char* place : {"/dev/shm", "/tmp"}) {
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(place, error)) {
      count += entry.path().filename().string().starts_with(prefix);
    }
  }
  return count;
}

TEST(FileNames, AFileBeginsWithOneNameAndItsSize) {
  FileNames names;
  const int fd = names.create(::open, 100);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(status_of(fd).st_nlink, 1u);
  EXPECT_EQ(status_of(fd).st_size, 100);
  ::close(fd);
}

TEST(FileNames, NamesComeAndGoNewestFirst) {
  FileNames names;
  const int fd = names.create(::open, 0);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(names.link(fd), 0);
  EXPECT_EQ(names.link(fd), 0);
  EXPECT_EQ(status_of(fd).st_nlink, 3u);
  EXPECT_EQ(names.rename(fd), 0);
  for (unsigned left = 3; left-- > 0;) {
    EXPECT_EQ(names.unlink(fd), 0);
    EXPECT_EQ(status_of(fd).st_nlink, left);
  }
  for (const int result : {names.unlink(fd), names.link(fd), names.rename(fd)}) {
    EXPECT_EQ(result, -1);
    EXPECT_EQ(errno, ENOENT);
  }
  ::close(fd);
}

TEST(FileNames, TheOneThatIsMovedKeepsItsNameAndTheOtherLosesIts) {
  FileNames names;
  const int fd = names.create(::open, 0);
  const int over = names.create(::open, 0);
  EXPECT_EQ(names.replace(fd, over), 0);
  EXPECT_EQ(status_of(fd).st_nlink, 1u);
  EXPECT_EQ(status_of(over).st_nlink, 0u);
  EXPECT_EQ(names.replace(fd, over), -1);
  EXPECT_EQ(names.rename(fd), 0);
  ::close(fd);
  ::close(over);
}

TEST(FileNames, NothingIsLeftOfThem) {
  {
    FileNames names;
    const int fd = names.create(::open, 0);
    names.link(fd);
    EXPECT_EQ(directories_of(getpid()), 1);
    names.clear();
    EXPECT_EQ(status_of(fd).st_nlink, 0u);
    ::close(fd);
  }
  EXPECT_EQ(directories_of(getpid()), 0);
}

TEST(FileNames, WhatAProcessLeftThatDiedIsRemovedByTheNext) {
  const pid_t child = fork();
  if (child == 0) {
    FileNames names;
    names.create(::open, 0);
    _exit(0);
  }
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_EQ(directories_of(child), 1);
  FileNames names;
  const int fd = names.create(::open, 0);
  EXPECT_EQ(directories_of(child), 0);
  ::close(fd);
}

}  // namespace
}  // namespace kqtorture
