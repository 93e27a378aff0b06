// What do knotes about files leave behind in the kernel? Nothing: a watch ends with the last who
// needs it, the one on a directory's parent too. The kernel lists them with the descriptor.
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "files.h"
#include "imports.h"

namespace kqtorture {
namespace {

// Of inotify, of this process.
int watches_in_kernel() {
  int count = 0;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fdinfo", ignored)) {
    std::ifstream info(entry.path());
    for (std::string line; std::getline(info, line);) count += line.rfind("inotify wd:", 0) == 0;
  }
  return count;
}

class Watches : public VnodeTest {
 protected:
  void SetUp() override {
    if (!subject().is_emulator()) GTEST_SKIP() << "linked with libkq, but another kqueue is tested";
    VnodeTest::SetUp();
    before_ = watches_in_kernel();
  }
  int watches() const { return watches_in_kernel() - before_; }
  int before_ = 0;
};

TEST_F(Watches, EndWithTheDescriptor) {
  for (int i = 0; i < 3; ++i) {
    Fd file = create("f" + std::to_string(i));
    watch(file, note::kWrite);
    EXPECT_EQ(watches(), 1);
  }
  EXPECT_EQ(watches(), 0);
}

TEST_F(Watches, OfAParentEndWithTheLastDescriptorOfItsDirectory) {
  Fd directory = make_directory("d"), again = open_again("d", O_RDONLY);
  ASSERT_EQ(mkdir(path("e").c_str(), 0700), 0);
  watch(directory, note::kDelete);
  watch(again, note::kDelete);
  EXPECT_EQ(watches(), 2);
  rename_name("d", "e/d");
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(watches(), 2) << "of the other parent";
  directory.reset();
  EXPECT_EQ(watches(), 2);
  again.reset();
  EXPECT_EQ(watches(), 0);
}

TEST_F(Watches, OfAFileThatIsGoneWithAnUnseenCloseEnd) {
  Fd file = create("f");
  watch(file, note::kDelete | note::kWrite);
  unlink_name("f");
  const int number = file.release();
  ASSERT_EQ(syscall(SYS_close, number), 0);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(watches(), 0);
  EXPECT_TRUE(silent(kq_));
}

// A file system that does not count subdirectories, as btrfs: a directory has one link, or none.
bool answered = false;
long uncounting_syscall(long number, long a, long b, long c, long d, long e, long f) {
  const long result = syscall(number, a, b, c, d, e, f);
#if defined(SYS_fstat)
  if (number == SYS_fstat && result == 0) {
    auto* const status = reinterpret_cast<struct stat*>(b);
    answered = true;
    if (S_ISDIR(status->st_mode) && status->st_nlink > 1) status->st_nlink = 1;
  }
#endif
  return result;
}

class UncountedSubdirectories : public Watches {
 protected:
  void SetUp() override {
    Watches::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    replace_imports("libkq.so", {{"syscall", reinterpret_cast<void*>(uncounting_syscall)}});
    answered = false;
    directory_ = make_directory("d");
    watch(directory_, note::kDelete | note::kAttrib | note::kWrite | note::kLink);
    if (!answered) GTEST_SKIP() << "libkq does not ask in a way that can be changed here";
  }
  void TearDown() override {
    replace_imports("libkq.so", {{"syscall", reinterpret_cast<void*>(syscall)}});
    Watches::TearDown();
  }
  Fd directory_;
};

TEST_F(UncountedSubdirectories, AreToldOfWhenTheyComeAndGo) {
  ASSERT_EQ(mkdir(path("d/s").c_str(), 0700), 0);
  EXPECT_EQ(only_notes(), note::kWrite | note::kLink);
  rename_name("d/s", "d/t");
  EXPECT_EQ(only_notes(), note::kWrite);
  remove_directory("d/t");
  EXPECT_EQ(only_notes(), note::kWrite | note::kLink);
}

TEST_F(UncountedSubdirectories, RemovalIsToldThoughAnAttributeChangedBefore) {
  ASSERT_EQ(chmod(path("d").c_str(), 0750), 0);
  remove_directory("d");
  EXPECT_EQ(only_notes() & note::kDelete, note::kDelete);
}

}  // namespace
}  // namespace kqtorture
