// What is told of a directory? That its entries were written, that one was moved in or out
// (EXTEND), that it has another number of subdirectories (LINK). What is done to the files in it
// is theirs alone.
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "files.h"
#include "objects.h"

namespace kqtorture {
namespace {

class VnodeDirectory : public VnodeTest {
 protected:
  void SetUp() override {
    VnodeTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    directory_ = make_directory("d");
    ASSERT_EQ(mkdir(path("e").c_str(), 0700), 0);
  }
  Fd directory_;
};

constexpr uint32_t kContents = note::kWrite | note::kExtend | note::kLink;

TEST_F(VnodeDirectory, NewFileIsAWrite) {
  watch(directory_, note::kAllVnode & ~(note::kOpen | note::kRead));
  const Fd file = create("d/f");
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeDirectory, NewNameOfAFileIsAWrite) {
  const Fd file = create("f");
  watch(directory_, kContents);
  link_name("f", "d/g");
  EXPECT_EQ(only_notes(), note::kWrite);
  ASSERT_EQ(symlink("f", path("d/s").c_str()), 0);
  EXPECT_EQ(only_notes(), note::kWrite);
  ASSERT_EQ(mkfifo(path("d/p").c_str(), 0600), 0);
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeDirectory, UnlinkIsAWrite) {
  const Fd file = create("d/f");
  watch(directory_, kContents);
  unlink_name("d/f");
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeDirectory, SubdirectoryIsALink) {
  watch(directory_, kContents);
  ASSERT_EQ(mkdir(path("d/s").c_str(), 0700), 0);
  EXPECT_EQ(only_notes(), note::kWrite | note::kLink);
  remove_directory("d/s");
  EXPECT_EQ(only_notes(), note::kWrite | note::kLink);
}

TEST_F(VnodeDirectory, RenameWithinIsAWrite) {
  const Fd file = create("d/f");
  const Fd other = create("d/h");
  ASSERT_EQ(mkdir(path("d/s").c_str(), 0700), 0);
  watch(directory_, kContents);
  rename_name("d/f", "d/g");
  EXPECT_EQ(only_notes(), note::kWrite);
  rename_name("d/g", "d/h");  // over a file
  EXPECT_EQ(only_notes(), note::kWrite);
  rename_name("d/s", "d/t");
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeDirectory, RenameOverASubdirectoryIsALink) {
  ASSERT_EQ(mkdir(path("d/s").c_str(), 0700), 0);
  ASSERT_EQ(mkdir(path("d/t").c_str(), 0700), 0);
  watch(directory_, kContents);
  rename_name("d/s", "d/t");
  EXPECT_EQ(only_notes(), note::kWrite | note::kLink);
}

TEST_F(VnodeDirectory, MoveOutAndInExtends) {
  const Fd file = create("d/f");
  watch(directory_, kContents);
  rename_name("d/f", "e/f");
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
  rename_name("e/f", "d/g");
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(VnodeDirectory, MoveBetweenTwoWatchedIsToldOfBoth) {
  const Fd file = create("d/f");
  const Fd other = open_again("e", O_RDONLY);
  watch(directory_, kContents);
  watch(other, kContents);
  rename_name("d/f", "e/f");
  const std::vector<Kevent> events = poll_events(kq_);
  ASSERT_EQ(events.size(), 2u);
  for (const Kevent& event : events) EXPECT_EQ(event.fflags, note::kWrite | note::kExtend);
}

TEST_F(VnodeDirectory, MoveOfASubdirectoryIsALink) {
  ASSERT_EQ(mkdir(path("d/s").c_str(), 0700), 0);
  watch(directory_, kContents);
  rename_name("d/s", "e/s");
  EXPECT_EQ(only_notes(), kContents);
  rename_name("e/s", "d/s");
  EXPECT_EQ(only_notes(), kContents);
}

TEST_F(VnodeDirectory, MoveOfASubdirectoryOverAnotherIsNoLink) {
  ASSERT_EQ(mkdir(path("e/s").c_str(), 0700), 0);
  ASSERT_EQ(mkdir(path("d/t").c_str(), 0700), 0);
  watch(directory_, kContents);
  rename_name("e/s", "d/t");
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(VnodeDirectory, WhatIsDoneToItsFilesIsNotTold) {
  const Fd file = create("d/f", 10);
  watch(directory_, note::kAllVnode);
  put(file, 20);
  ASSERT_EQ(fchmod(file, 0640), 0);
  const Fd again = open_again("d/f", O_RDONLY);
  take(again, 5);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeDirectory, ItsOwnAttributesAndNameAreTold) {
  watch(directory_, note::kAllVnode & ~(note::kOpen | note::kRead));
  ASSERT_EQ(chmod(path("d").c_str(), 0750), 0);
  EXPECT_EQ(only_notes(), note::kAttrib);
  rename_name("d", "e/d");
  EXPECT_EQ(only_notes(), note::kRename);
}

TEST_F(VnodeDirectory, ListingReadsIt) {
  watch(directory_, note::kOpen | note::kRead | note::kClose);
  DIR* listing = opendir(path("d").c_str());
  ASSERT_NE(listing, nullptr);
  EXPECT_EQ(only_notes(), note::kOpen);
  ASSERT_NE(readdir(listing), nullptr);
  EXPECT_EQ(only_notes(), note::kRead);
  closedir(listing);
  EXPECT_EQ(only_notes(), note::kClose);
}

TEST_F(VnodeDirectory, RemovalIsADeleteThoughItIsOpen) {
  watch(directory_, note::kDelete | note::kAttrib);
  remove_directory("d");
  EXPECT_EQ(only_notes(), note::kDelete);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeDirectory, RemovalIsToldAfterItWasMoved) {
  watch(directory_, note::kDelete);
  rename_name("d", "e/d");
  EXPECT_TRUE(silent(kq_));
  remove_directory("e/d");
  EXPECT_EQ(only_notes(), note::kDelete);
}

TEST_F(VnodeDirectory, RemovalOfAnotherIsNotTold) {
  ASSERT_EQ(mkdir(path("g").c_str(), 0700), 0);
  watch(directory_, note::kDelete);
  remove_directory("g");
  remove_directory("e");
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeDirectory, RemovalIsNotToldToWhoDoesNotAskAnyMore) {
  watch(directory_, note::kDelete);
  ASSERT_EQ(submit(kq_, vnode(directory_, 0, note::kRename)), 0);
  ASSERT_EQ(chmod(path("d").c_str(), 0700), 0);  // what nobody asks for ends the watch for it
  EXPECT_TRUE(silent(kq_));
  remove_directory("e");
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, vnode(directory_, 0, note::kDelete)), 0);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, vnode(directory_, 0, note::kRename)), 0);
  remove_directory("d");
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeDirectory, RemovalIsToldThoughTheParentIsGoneAsWell) {
  const Fd child = make_directory("d/s");
  const Fd grandchild = make_directory("d/s/t");
  watch(child, note::kDelete);
  watch(grandchild, note::kDelete);
  remove_directory("d/s/t");
  remove_directory("d/s");
  remove_directory("d");
  EXPECT_EQ(poll_events(kq_).size(), 2u);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, vnode(grandchild, flag::kDelete)), 0);
}

TEST_F(VnodeDirectory, DirectoryOverDirectoryDeletesIt) {
  watch(directory_, note::kDelete | note::kRename);
  rename_name("e", "d");
  EXPECT_EQ(only_notes(), note::kDelete);
}

TEST_F(VnodeDirectory, ParentAndChildAreWatchedAtOnce) {
  const Fd child = make_directory("d/s");
  watch(directory_, kContents | note::kDelete);
  watch(child, kContents | note::kDelete);
  remove_directory("d/s");
  uint32_t of_parent = 0, of_child = 0;
  for (const Kevent& event : poll_events(kq_)) {
    (static_cast<int>(event.ident) == child ? of_child : of_parent) |= event.fflags;
  }
  EXPECT_EQ(of_parent, note::kWrite | note::kLink);
  EXPECT_EQ(of_child, note::kDelete);
}

TEST_F(VnodeDirectory, RemovalIsToldOnceWhateverIsRemovedLater) {
  ASSERT_EQ(mkdir(path("g").c_str(), 0700), 0);
  watch(directory_, note::kDelete);
  remove_directory("d");
  EXPECT_EQ(only_notes(), note::kDelete);
  remove_directory("e");
  remove_directory("g");
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeDirectory, RemovalIsToldToWhoWantsNothingElseAnyMore) {
  watch(directory_, note::kDelete | note::kWrite);
  ASSERT_EQ(submit(kq_, vnode(directory_, 0, note::kDelete)), 0);
  const Fd file = create("d/f");  // nobody asks for that, and the watch becomes narrower
  EXPECT_TRUE(silent(kq_));
  unlink_name("d/f");
  remove_directory("d");
  EXPECT_EQ(only_notes(), note::kDelete);
}

TEST_F(VnodeDirectory, OfSubdirectoriesThatCameAndWentOnlyTheNextChangeIsToldLater) {
  watch(directory_, kContents);
  for (const char* name : {"d/s", "d/t"}) {
    ASSERT_EQ(mkdir(path(name).c_str(), 0700), 0);
    EXPECT_EQ(only_notes(), note::kWrite | note::kLink);
  }
  rename_name("d/s", "d/u");
  EXPECT_EQ(only_notes(), note::kWrite);
  remove_directory("d/u");
  EXPECT_EQ(only_notes(), note::kWrite | note::kLink);
  rename_name("d/t", "d/v");
  EXPECT_EQ(only_notes(), note::kWrite);
}

}  // namespace
}  // namespace kqtorture
