// How does a VNODE knote keep its notes? They add up until a delivery with EV_CLEAR resets them;
// without it they are told again in every call. Interest is what the last change said, at the time
// of the operation; what was kept stays. Each descriptor has a knote of its own, whoever else
// watches the same file.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "files.h"
#include "objects.h"

namespace kqtorture {
namespace {

class VnodeKnote : public VnodeTest {
 protected:
  void SetUp() override {
    VnodeTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) return;
    file_ = create("f", 10);
  }
  void change_mode() { ASSERT_EQ(fchmod(file_, 0600), 0); }
  int change(int flags, uint32_t notes = 0) { return submit(kq_, vnode(file_, flags, notes)); }
  Fd file_;
};

TEST_F(VnodeKnote, NotesAddUp) {
  watch(file_, note::kWrite | note::kAttrib | note::kRename);
  put(file_, 1);
  change_mode();
  rename_name("f", "g");
  EXPECT_EQ(only_notes(), note::kWrite | note::kAttrib | note::kRename);
}

TEST_F(VnodeKnote, ClearResetsThem) {
  watch(file_, note::kWrite | note::kAttrib);
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
  EXPECT_TRUE(silent(kq_));
  change_mode();
  EXPECT_EQ(only_notes(), note::kAttrib);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeKnote, WithoutClearTheyAreToldInEveryCall) {
  watch(file_, note::kWrite | note::kAttrib, 0);
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
  EXPECT_EQ(only_notes(), note::kWrite);
  change_mode();
  EXPECT_EQ(only_notes(), note::kWrite | note::kAttrib);
  EXPECT_EQ(only_notes(), note::kWrite | note::kAttrib);
}

TEST_F(VnodeKnote, OnlyWhatWasAskedForFires) {
  watch(file_, note::kRename);
  put(file_, 20);
  change_mode();
  link_name("f", "g");
  unlink_name("g");
  EXPECT_TRUE(silent(kq_));
  rename_name("f", "g");
  EXPECT_EQ(only_notes(), note::kRename);
}

TEST_F(VnodeKnote, WithoutInterestItIsSilentUntilItHasSome) {
  watch(file_, 0);
  put(file_, 1);
  rename_name("f", "g");
  EXPECT_TRUE(silent(kq_));
  watch(file_, note::kWrite);
  EXPECT_TRUE(silent(kq_));
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeKnote, BitsWithoutAMeaningAreNotRefused) {
  watch(file_, 0x80000000 | note::kWrite);
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeKnote, ReaddChangesTheInterest) {
  watch(file_, note::kWrite);
  ASSERT_EQ(change(flag::kAdd, note::kAttrib), 0);
  put(file_, 1);
  EXPECT_TRUE(silent(kq_));
  change_mode();
  EXPECT_EQ(only_notes(), note::kAttrib);
}

TEST_F(VnodeKnote, OperationIsJudgedByTheInterestOfItsTime) {
  watch(file_, note::kWrite);
  put(file_, 1);
  change_mode();
  ASSERT_EQ(change(flag::kAdd, note::kAttrib), 0);
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeKnote, WhatIsKeptSurvivesAChangeOfInterest) {
  watch(file_, note::kWrite, 0);
  put(file_, 1);
  ASSERT_EQ(change(flag::kAdd, note::kAttrib), 0);
  EXPECT_EQ(only_notes(), note::kWrite);
  change_mode();
  EXPECT_EQ(only_notes(), note::kWrite | note::kAttrib);
}

TEST_F(VnodeKnote, BareEnableErasesTheInterest) {
  REQUIRE_KNOB(knob().enable_overwrites_interest);
  watch(file_, note::kWrite);
  ASSERT_EQ(change(flag::kEnable), 0);
  put(file_, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeKnote, DisabledItGoesOnCounting) {
  watch(file_, note::kWrite | note::kAttrib);
  ASSERT_EQ(change(flag::kDisable, note::kWrite | note::kAttrib), 0);
  put(file_, 1);
  EXPECT_TRUE(silent(kq_));
  change_mode();
  ASSERT_EQ(change(flag::kEnable, note::kWrite), 0);
  EXPECT_EQ(only_notes(), note::kWrite | note::kAttrib);
}

TEST_F(VnodeKnote, AddedDisabledItCounts) {
  watch(file_, note::kWrite, flag::kClear | flag::kDisable);
  put(file_, 1);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(change(flag::kEnable, note::kWrite), 0);
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeKnote, OneshotTellsAllUntilItsDelivery) {
  watch(file_, note::kWrite | note::kAttrib, flag::kOneshot);
  put(file_, 1);
  change_mode();
  EXPECT_EQ(only_notes(), note::kWrite | note::kAttrib);
  put(file_, 1);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(change(flag::kDelete), ENOENT);
}

TEST_F(VnodeKnote, DispatchKeepsItsNotes) {
  watch(file_, note::kWrite, flag::kDispatch);
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(change(flag::kEnable, note::kWrite), 0);
  EXPECT_EQ(only_notes(), note::kWrite);  // no EV_CLEAR
}

TEST_F(VnodeKnote, DispatchWithClearForgetsThem) {
  REQUIRE_KNOB(knob().dispatch_with_clear);
  watch(file_, note::kWrite, flag::kDispatch | flag::kClear);
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
  ASSERT_EQ(change(flag::kEnable, note::kWrite), 0);
  EXPECT_TRUE(silent(kq_));
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
  put(file_, 1);
  EXPECT_TRUE(silent(kq_));
  ASSERT_EQ(change(flag::kEnable, note::kWrite), 0);
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeKnote, ForceoneshotNeedsNoNote) {
  REQUIRE_KNOB(knob().forceoneshot);
  watch(file_, note::kWrite);
  ASSERT_EQ(change(flag::kForceOneshot, note::kWrite), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.flags, final_flags(flag::kClear));
  EXPECT_EQ(event.fflags, 0u);
  EXPECT_EQ(change(flag::kDelete), ENOENT);
}

TEST_F(VnodeKnote, DeletedItIsSilent) {
  watch(file_, note::kWrite);
  put(file_, 1);
  ASSERT_EQ(change(flag::kDelete), 0);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(change(flag::kDelete), ENOENT);
  watch(file_, note::kWrite);  // and a new one knows nothing of before
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeKnote, NewKnoteHearsNothingFromBefore) {
  const Fd other = open_again("f", O_RDONLY);
  watch(file_, note::kWrite);
  put(file_, 1);
  watch(other, note::kWrite);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.ident, static_cast<uintptr_t>(int{file_}));
}

TEST_F(VnodeKnote, EachDescriptorHasItsOwnInterest) {
  const Fd other = open_again("f", O_RDONLY);
  const Fd copy(subject().calls().dup(file_));
  watch(file_, note::kWrite);
  watch(other, note::kAttrib);
  watch(copy, note::kWrite | note::kAttrib);
  put(file_, 1);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
  change_mode();
  EXPECT_EQ(poll_events(kq_).size(), 2u);
}

TEST_F(VnodeKnote, OneThatGoesTakesNothingFromTheOthers) {
  Fd other = open_again("f", O_RDONLY);
  Fd copy(subject().calls().dup(file_));
  watch(file_, note::kWrite);
  watch(other, note::kWrite | note::kAttrib | note::kRename);
  watch(copy, note::kWrite);
  copy.reset();
  put(file_, 1);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
  ASSERT_EQ(submit(kq_, vnode(other, flag::kDelete)), 0);
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
  other.reset();
  rename_name("f", "g");
  EXPECT_TRUE(silent(kq_));
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
}

TEST_F(VnodeKnote, CloseRemovesItsKnoteOnly) {
  Fd other = open_again("f", O_RDWR);
  watch(file_, note::kWrite);
  watch(other, note::kWrite);
  put(file_, 1);
  other.reset();
  EXPECT_EQ(only_event(kq_).ident, static_cast<uintptr_t>(int{file_}));
}

TEST_F(VnodeKnote, NumberUsedAgainInheritsNothing) {
  const int number = file_;
  watch(file_, note::kAllVnode);
  put(file_, 1);
  const Fd source = create("other");
  file_.reset();
  const Fd again = reuse_number(number, source);
  ASSERT_EQ(again, number);
  EXPECT_TRUE(silent(kq_));
  put(again, 1);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(VnodeKnote, ReadAndVnodeOfOneFileAreTwoKnotes) {
  const auto ident = static_cast<uintptr_t>(int{file_});
  ASSERT_EQ(lseek(file_, 0, SEEK_END), 10);
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  watch(file_, note::kExtend);
  EXPECT_TRUE(silent(kq_));
  const Fd writer = open_again("f", O_WRONLY | O_APPEND);
  put(writer, 5);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kDelete)), 0);
  put(writer, 5);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
  ASSERT_EQ(submit(kq_, ev(ident, filter::kRead, flag::kAdd)), 0);
  ASSERT_EQ(change(flag::kDelete), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.filter, filter::kRead);
  EXPECT_EQ(event.data, 10);
}

TEST_F(VnodeKnote, TwoKqueuesHearTheSame) {
  const Fd second(subject().kqueue());
  watch(file_, note::kWrite);
  ASSERT_EQ(submit(second, vnode(file_, flag::kAdd | flag::kClear, note::kWrite)), 0);
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
  EXPECT_EQ(only_event(second).fflags, note::kWrite);
}

TEST_F(VnodeKnote, NestedKqueueIsReadable) {
  const Fd outer(subject().kqueue());
  const auto inner = static_cast<uintptr_t>(int{kq_});
  ASSERT_EQ(submit(outer, ev(inner, filter::kRead, flag::kAdd)), 0);
  watch(file_, note::kRename);
  EXPECT_TRUE(silent(outer));
  rename_name("f", "g");
  EXPECT_EQ(only_event(outer).ident, inner);
  EXPECT_EQ(only_notes(), note::kRename);
}

TEST_F(VnodeKnote, ManyFilesEachTellOfThemselves) {
  constexpr int kFiles = 200;
  std::vector<Fd> files;
  for (int i = 0; i < kFiles; ++i) {
    files.push_back(create("f" + std::to_string(i)));
    watch(files.back(), note::kWrite | note::kRename);
  }
  for (int i = 0; i < kFiles; i += 7) put(files[static_cast<size_t>(i)], 1);
  size_t told = 0;
  for (const Kevent& event : poll_events(kq_, kFiles)) {
    ++told;
    EXPECT_EQ(event.fflags, note::kWrite | note::kExtend);
  }
  EXPECT_EQ(told, (kFiles + 6) / 7u);
}

// Linux keeps a limited number of events. What may have happened beyond it is told, rather than
// lost; and what certainly did not is not.
TEST_F(VnodeKnote, EventsBeyondTheLimitAreSuspected) {
  std::ifstream setting("/proc/sys/fs/inotify/max_queued_events");
  int limit = 0;
  if (!(setting >> limit) || limit > 100000) GTEST_SKIP() << "no such limit here";
  const Fd quiet = create("quiet");
  watch(file_, note::kWrite | note::kAttrib | note::kDelete | note::kExtend);
  watch(quiet, note::kDelete | note::kExtend);
  for (int i = 0; i <= limit / 2 + 1; ++i) {
    ASSERT_EQ(lseek(file_, 0, SEEK_SET), 0);
    put(file_, 1);
    change_mode();
  }
  unlink_name("f");
  put(file_, 20);
  EXPECT_EQ(only_notes() & (note::kWrite | note::kAttrib | note::kDelete | note::kExtend),
            note::kWrite | note::kAttrib | note::kDelete | note::kExtend);
  EXPECT_TRUE(silent(kq_));
  put(file_, 1);
  EXPECT_EQ(only_notes(), note::kWrite | note::kExtend);
}

TEST_F(VnodeKnote, RemovalsBeyondTheLimitAreToldAfterAMoveTooWasLost) {
  std::ifstream setting("/proc/sys/fs/inotify/max_queued_events");
  int limit = 0;
  if (!(setting >> limit) || limit > 100000) GTEST_SKIP() << "no such limit here";
  const Fd quiet = create("quiet"), moved = make_directory("d"), target = make_directory("e");
  watch(file_, note::kWrite | note::kAttrib);
  watch(quiet, note::kDelete);
  watch(moved, note::kDelete);
  for (int i = 0; i <= limit / 2 + 1; ++i) {
    ASSERT_EQ(lseek(file_, 0, SEEK_SET), 0);
    put(file_, 1);
    change_mode();
  }
  unlink_name("quiet");
  rename_name("d", "e/d");
  uint32_t of_quiet = 0, of_moved = 0;
  for (const Kevent& event : poll_events(kq_)) {
    if (static_cast<int>(event.ident) == quiet) of_quiet |= event.fflags;
    if (static_cast<int>(event.ident) == moved) of_moved |= event.fflags;
  }
  EXPECT_EQ(of_quiet, note::kDelete);
  EXPECT_EQ(of_moved, 0u);
  remove_directory("e/d");
  EXPECT_EQ(only_notes(), note::kDelete);
}

// Flags at creation, and what they make of one operation: told now, told again, gone, disabled.
struct FlagRow {
  const char* name;
  int flags;
  bool again;    // the next call tells it again
  bool gone;     // DELETE finds nothing
  bool enabled;  // a second operation is told without an ENABLE
};

class VnodeFlags : public VnodeTest, public ::testing::WithParamInterface<FlagRow> {};

TEST_P(VnodeFlags, DecideWhatFollowsADelivery) {
  const FlagRow& row = GetParam();
  REQUIRE_KNOB(knob().dispatch_with_clear);
  const Fd file = create("f", 10);
  watch(file, note::kWrite | note::kAttrib, row.flags);
  put(file, 1);
  EXPECT_EQ(only_notes(), note::kWrite);
  EXPECT_EQ(poll_events(kq_).size(), row.again ? 1u : 0u);
  ASSERT_EQ(fchmod(file, 0600), 0);
  EXPECT_EQ(poll_events(kq_).size(), row.enabled ? 1u : 0u);
  EXPECT_EQ(submit(kq_, vnode(file, flag::kDelete)), row.gone ? ENOENT : 0);
}

INSTANTIATE_TEST_SUITE_P(
    Rows, VnodeFlags,
    ::testing::Values(FlagRow{"Level", 0, true, false, true},
                      FlagRow{"Clear", flag::kClear, false, false, true},
                      FlagRow{"Oneshot", flag::kOneshot, false, true, false},
                      FlagRow{"OneshotClear", flag::kOneshot | flag::kClear, false, true, false},
                      FlagRow{"Dispatch", flag::kDispatch, false, false, false},
                      FlagRow{"DispatchClear", flag::kDispatch | flag::kClear, false, false, false},
                      FlagRow{"Receipt", flag::kReceipt, true, false, true}),
    [](const auto& row) { return std::string(row.param.name); });

}  // namespace
}  // namespace kqtorture
