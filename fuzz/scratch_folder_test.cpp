// What a process leaves behind is removed by the next one, and what another still uses is not.
#include "scratch_folder.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

namespace kqtorture {
namespace {

class ScratchFolderTest : public ::testing::Test {
 protected:
  ScratchFolderTest() {
    std::string name = ::testing::TempDir() + "scratch_folder_test.XXXXXX";
    EXPECT_NE(mkdtemp(name.data()), nullptr);
    root_ = name;
    parent_ = root_ + "/scratch";
  }
  ~ScratchFolderTest() override { std::filesystem::remove_all(root_); }

  // A process with a folder and a file in it, until it is killed.
  pid_t other_process() {
    int ready[2];
    EXPECT_EQ(pipe(ready), 0);
    const pid_t pid = fork();
    if (pid == 0) {
      const ScratchFolder folder(parent_);
      std::filesystem::create_directories(folder.path() + "/directory/below");
      const char done = folder.path().empty() ? 'n' : 'y';
      if (write(ready[1], &done, 1) == 1) pause();
      _exit(1);
    }
    char done = 0;
    EXPECT_EQ(read(ready[0], &done, 1), 1);
    EXPECT_EQ(done, 'y');
    close(ready[0]);
    close(ready[1]);
    return pid;
  }
  static void kill_it(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }
  long folders() const {
    return std::distance(std::filesystem::directory_iterator(parent_),
                         std::filesystem::directory_iterator());
  }

  std::string root_, parent_;
};

TEST_F(ScratchFolderTest, NothingIsLeft) {
  {
    const ScratchFolder folder(parent_);
    ASSERT_NE(folder.path(), "");
    std::filesystem::create_directories(folder.path() + "/directory");
    EXPECT_EQ(folders(), 1);
  }
  EXPECT_FALSE(std::filesystem::exists(parent_));
}

TEST_F(ScratchFolderTest, WhatAKilledProcessLeftTheNextOneRemoves) {
  kill_it(other_process());
  EXPECT_EQ(folders(), 1);
  const ScratchFolder folder(parent_);
  EXPECT_EQ(folders(), 1);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST_F(ScratchFolderTest, WhatAnotherProcessUsesStays) {
  const pid_t other = other_process();
  {
    const ScratchFolder folder(parent_);
    EXPECT_EQ(folders(), 2);
  }
  EXPECT_EQ(folders(), 1);
  kill_it(other);
}

TEST_F(ScratchFolderTest, WhereThereCanBeNoneItSaysWhy) {
  const ScratchFolder folder("/dev/null/scratch");
  EXPECT_EQ(folder.path(), "");
}

}  // namespace
}  // namespace kqtorture
