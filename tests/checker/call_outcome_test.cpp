// What became of each change, told from entries, errno and silence.
#include "contract/checker/call_outcome.h"

#include <gtest/gtest.h>

#include <cerrno>

namespace kqtorture::contract::checking {
namespace {

Event change(uint64_t ident, uint16_t flags, uint64_t udata = 0) {
  return {ident, filter::kUser, flags, 0, 0, udata};
}

Event entry(Event of, int error) {
  of.flags = flag::kError;
  of.data = error;
  return of;
}

// One letter per change: A applied, R refused, U unknown, N nothing; a fault is "!" and its rule.
std::string fates(const std::vector<Event>& changes, int room, const std::vector<Event>& seen,
                  int64_t value, int error = 0, const char* profile = "strict-2006",
                  KqueueOpen open = KqueueOpen::kSurely, Timeout timeout = Timeout::kZero) {
  History::Thread thread;
  HistoryOp op;
  op.end = 1;
  op.nchanges = static_cast<int32_t>(changes.size());
  op.nevents = room;
  op.value = value;
  op.error = error;
  op.timeout = timeout;
  thread.add(op, changes, seen);
  const ThreadLog log = {thread.ops, thread.events};
  CallOutcome outcome;
  // Leftovers of a call before must not show.
  outcome.changes.resize(9, {Fate::kApplied, 0, {}});
  read_outcome(*find_profile(profile), *find_host("linux"), log, log.ops[0], open, false, &outcome);
  std::string text;
  for (const ChangeFate& fate : outcome.changes) text += "NARU"[static_cast<int>(fate.fate)];
  if (outcome.fault.verdict != nullptr) text += std::string("!") + outcome.fault.rule;
  return text;
}

const Event kAddOne = change(1, flag::kAdd, 11), kAddTwo = change(2, flag::kAdd, 22);
const Event kReceiptOne = change(1, flag::kAdd | flag::kReceipt, 11);
const Event kReceiptTwo = change(2, flag::kAdd | flag::kReceipt, 22);

TEST(CallOutcome, SilenceMeansApplied) {
  EXPECT_EQ(fates({kAddOne, kAddTwo}, 0, {}, 0), "AA");
  EXPECT_EQ(fates({kAddOne}, 4, {change(7, 0)}, 1), "A");
}

TEST(CallOutcome, EntriesSayWhatFailed) {
  EXPECT_EQ(fates({kAddOne, kAddTwo}, 4, {entry(kAddTwo, ENOENT)}, 1), "AR");
  EXPECT_EQ(fates({kReceiptOne, kReceiptTwo}, 4, {entry(kReceiptOne, 0), entry(kReceiptTwo, 2)}, 2),
            "AR");
}

TEST(CallOutcome, WhoseAnEntryIsMayBeOpen) {
  // Three equal changes, one failed.
  EXPECT_EQ(fates({kAddOne, kAddOne, kAddOne}, 4, {entry(kAddOne, ENOENT)}, 1), "UUU");
  // Two of them with receipts leave no doubt.
  EXPECT_EQ(fates({kReceiptOne, kAddTwo, kReceiptOne}, 4,
                  {entry(kReceiptOne, 0), entry(kAddTwo, ENOENT), entry(kReceiptOne, 0)}, 3),
            "ARA");
}

TEST(CallOutcome, AListThatIsNotOneEntryPerChangeIsAFault) {
  EXPECT_EQ(fates({kAddOne}, 4, {entry(kAddTwo, ENOENT)}, 1), "U!I13");
  EXPECT_EQ(fates({kReceiptOne}, 4, {}, 0), "U!I13");
  EXPECT_EQ(fates({kAddOne}, 4, {entry(kAddOne, 0)}, 1), "U!I13");
  EXPECT_EQ(fates({kAddOne}, 1, {entry(kAddOne, 2)}, 2), "R!I13");
}

TEST(CallOutcome, WithoutRoomTheErrnoIsTheChanges) {
  EXPECT_EQ(fates({kAddOne}, 0, {}, -1, ENOENT), "R");
  EXPECT_EQ(fates({kAddOne, kAddTwo}, 0, {}, -1, ENOENT), "UU");
  EXPECT_EQ(fates({kAddOne}, 1, {}, -1, ENOENT), "U!I13");
}

TEST(CallOutcome, ReceiptsWithoutRoom) {
  EXPECT_EQ(fates({kAddOne, kReceiptTwo, kAddOne}, 0, {}, 0), "AAN");
  EXPECT_EQ(fates({kReceiptOne, kReceiptTwo}, 0, {}, 0, 0, "macos"), "AA");
  EXPECT_EQ(fates({kReceiptOne, kReceiptTwo}, 1, {}, 0), "UU");
}

TEST(CallOutcome, SignalsAndFaults) {
  EXPECT_EQ(fates({kAddOne}, 4, {}, -1, EINTR), "A");
  EXPECT_EQ(fates({kAddOne}, 4, {}, -1, EFAULT), "U");
}

TEST(CallOutcome, ABadTimeoutComesAfterTheChangesOrBefore) {
  const auto bad = [](const char* profile) {
    return fates({kAddOne}, 4, {}, -1, EINVAL, profile, KqueueOpen::kSurely, Timeout::kNegative);
  };
  EXPECT_EQ(bad("strict-2006"), "A");
  EXPECT_EQ(bad("openbsd"), "N");
}

TEST(CallOutcome, AClosedKqueueLooksAtNothing) {
  EXPECT_EQ(fates({kAddOne, kAddTwo}, 0, {}, -1, EBADF, "strict-2006", KqueueOpen::kNever), "NN");
  EXPECT_EQ(fates({kAddOne}, 0, {}, -1, EBADF, "strict-2006", KqueueOpen::kMaybe), "N");
  EXPECT_EQ(fates({}, 0, {}, -1, EBADF), "!1.3");
}

TEST(CallOutcome, WhoWaitsInAKqueueThatIsClosedMayBeWoken) {
  for (const char* profile : {"netbsd", "openbsd", "macos", "libkqueue"}) {
    EXPECT_EQ(fates({}, 1, {}, -1, EBADF, profile, KqueueOpen::kMaybe), "") << profile;
    EXPECT_EQ(fates({kAddOne}, 1, {}, -1, EBADF, profile, KqueueOpen::kMaybe), "U") << profile;
    EXPECT_EQ(fates({}, 1, {}, -1, EBADF, profile), "!1.3") << profile;
  }
  // A new call is answered as the profile says, and one without room does not wait.
  EXPECT_EQ(fates({}, 0, {}, -1, EBADF, "libkqueue", KqueueOpen::kMaybe), "!1.3");
  EXPECT_EQ(fates({}, 0, {}, -1, ENOENT, "libkqueue", KqueueOpen::kMaybe), "");
}

TEST(CallOutcome, WhatWordsAloneRefuseReachesNoKnote) {
  const Event both = change(1, flag::kEnable | flag::kDisable);
  EXPECT_EQ(fates({both}, 0, {}, -1, EINVAL), "N");
  EXPECT_EQ(fates({both}, 0, {}, 0), "N!1.4");
  EXPECT_EQ(fates({both}, 4, {entry(both, ENOENT)}, 1), "N!1.3");
  EXPECT_EQ(fates({both}, 0, {}, 0, 0, "netbsd"), "A");
  EXPECT_EQ(fates({change(1, flag::kAdd | flag::kUnknown400)}, 0, {}, 0, 0, "freebsd"), "A");
}

TEST(CallOutcome, ATimersReportIsNoEntry) {
  // A failed restart is reported by an event that looks like an entry.
  Event report = entry(change(5, 0), EINVAL);
  report.filter = filter::kTimer;
  EXPECT_EQ(fates({kAddOne}, 4, {report}, 1), "A");
}

}  // namespace
}  // namespace kqtorture::contract::checking
