// Histories with SIGNAL, PROC, PROCDESC, VNODE and EMPTY: nothing in a history tells when a signal
// came or a process ended, so their events may come at any time, but the rules about knotes hold.
// For each filter and each rule a history that breaks it, and its neighbour that does not.
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <string>
#include <vector>

#include "sketch.h"

namespace kqtorture::contract::testing {
namespace {

constexpr int kFd = 20, kPeer = 21;
constexpr int64_t kChild = 4711;

struct Subject {
  const char* name;
  int16_t filter;
  uint64_t ident;
  uint32_t interest;
  uint32_t fflags;   // of an event
  uint16_t implied;  // flags that its events have
};

constexpr Subject kSubjects[] = {
    {"Signal", filter::kSignal, 10, 0, 0, kClear},
    {"Proc", filter::kProc, kChild, note::kExit, note::kExit, kClear},
    {"Procdesc", filter::kProcdesc, kFd, note::kExit, note::kExit, kClear},
    {"Vnode", filter::kVnode, kFd, note::kWrite, note::kWrite, 0},
    {"Empty", filter::kEmpty, kFd, 0, 0, 0},
};

class OtherFilters : public ::testing::TestWithParam<Subject> {
 protected:
  // The object, made long before.
  static Sketch begin() {
    Sketch sketch;
    switch (GetParam().filter) {
      case filter::kProcdesc:
        return sketch.call(5, 6, OpKind::kProcdesc, -1, kChild, kFd);
      case filter::kVnode:
        return sketch.call(5, 6, OpKind::kFile, -1, 100, kFd);
      case filter::kEmpty:
        return sketch.call(5, 6, OpKind::kStreamPair, kFd, 0, 0, kPeer);
      case filter::kSignal:
        return sketch.call(5, 6, OpKind::kSignal, -1, 10, 0);
      default:
        return sketch.call(5, 6, OpKind::kSpawn, -1, 0, kChild);
    }
  }
  // With a knote of udata 1.
  static Sketch added(uint16_t flags = 0) {
    return begin().change(10, 11, change(static_cast<uint16_t>(kAdd | flags)));
  }
  static Event change(uint16_t flags, uint64_t udata = 1) {
    const Subject& one = GetParam();
    return {one.ident, one.filter, flags, one.interest, 0, udata};
  }
  static Event event(uint16_t flags = 0, uint64_t udata = 1) {
    const Subject& one = GetParam();
    return {one.ident,  one.filter, static_cast<uint16_t>(flags | one.implied),
            one.fflags, 1,          udata};
  }
};
class DescriptorFilters : public OtherFilters {};
class ProcessFilters : public OtherFilters {};

TEST_P(OtherFilters, I1AfterTheDeleteOnlyACallThatOverlapsItDelivers) {
  const Sketch deleted = added().change(20, 22, change(flag::kDelete));
  Sketch late = deleted, overlapping = deleted;
  EXPECT_EQ(late.poll(23, 24, {event()}).verdict(), "I1 after-delete");
  EXPECT_EQ(overlapping.poll(21, 24, {event()}).verdict(), "accepted");
}

TEST_P(DescriptorFilters, I2AfterTheCloseOnlyACallThatOverlapsItDelivers) {
  const Sketch closed = added().close(20, 22, kFd);
  Sketch late = closed, overlapping = closed;
  EXPECT_EQ(late.poll(23, 24, {event()}).verdict(), "I2 after-delete");
  EXPECT_EQ(overlapping.poll(21, 24, {event()}).verdict(), "accepted");
}

TEST_P(OtherFilters, I3WhileItIsDisabledItIsSilent) {
  const Sketch disabled = added().change(20, 22, change(flag::kDisable));
  Sketch late = disabled, overlapping = disabled, enabled = disabled;
  EXPECT_EQ(late.poll(23, 24, {event()}).verdict(), "I3 phantom");
  EXPECT_EQ(overlapping.poll(21, 24, {event()}).verdict(), "accepted");
  enabled.change(23, 24, change(flag::kEnable));
  EXPECT_EQ(enabled.poll(25, 26, {event()}).verdict(), "accepted");
}

TEST_P(OtherFilters, I4AOneshotIsDeliveredOnceAndGone) {
  const Sketch delivered = added(kOnce).poll(20, 24, {event(kOnce)});
  Sketch twice = delivered, there = delivered, gone = delivered;
  EXPECT_EQ(twice.poll(21, 23, {event(kOnce)}).verdict(), "I4 duplicate");
  EXPECT_EQ(there.change(25, 26, change(flag::kDelete)).verdict(), "I4 after-delete");
  EXPECT_EQ(gone.change(25, 26, change(flag::kDelete), ENOENT).verdict(), "accepted");
}

TEST_P(ProcessFilters, I4TheLastEventOfAProcessIsOne) {
  const uint16_t last = kOnce | flag::kEof;
  const Sketch exited = added().poll(20, 21, {event(last)});
  Sketch twice = exited, there = exited, gone = exited;
  EXPECT_EQ(twice.poll(22, 23, {event(last)}).verdict(), "I4 duplicate");
  EXPECT_EQ(there.change(22, 23, change(flag::kDelete)).verdict(), "I4 after-delete");
  EXPECT_EQ(gone.change(22, 23, change(flag::kDelete), ENOENT).verdict(), "accepted");
}

TEST_P(ProcessFilters, AKnoteOfAProcessThatDidNotAskForTheExitMayGoInSilence) {
  const auto unasked = [](uint16_t flags, uint64_t udata = 1) {
    Event event = change(flags, udata);
    event.fflags = 0;
    return event;
  };
  const Sketch careless = begin().change(10, 11, unasked(kAdd | kDispatch));
  Sketch gone = careless, there = careless, final = careless, anew = careless, asked = added();
  EXPECT_EQ(gone.change(20, 21, change(flag::kDelete), ENOENT).verdict(), "accepted");
  EXPECT_EQ(there.change(20, 21, change(flag::kDelete)).verdict(), "accepted");
  EXPECT_EQ(final.change(20, 21, unasked(kForce)).probe(30, 31, {}).verdict(), "accepted");
  anew.change(20, 21, change(flag::kDisable)).change(22, 23, change(kAdd));
  EXPECT_EQ(anew.poll(24, 25, {event(kOnce | flag::kEof)}).verdict(), "accepted");
  EXPECT_EQ(asked.change(20, 21, change(flag::kDelete), ENOENT).verdict(), "1.3 wrong-errno");
}

TEST_P(OtherFilters, I5DispatchIsDeliveredOncePerArming) {
  const Sketch delivered = added(kDispatch).poll(20, 24, {event(kDispatch)});
  Sketch twice = delivered, enabled = delivered;
  EXPECT_EQ(twice.poll(21, 23, {event(kDispatch)}).verdict(), "I5 duplicate");
  enabled.change(25, 26, change(flag::kEnable));
  EXPECT_EQ(enabled.poll(27, 28, {event(kDispatch)}).verdict(), "accepted");
}

TEST_P(OtherFilters, I6TheForcedEventComesAndIsTheLast) {
  const Sketch forced = added(kDispatch).change(20, 21, change(kForce));
  Sketch lost = forced, plain = forced, delivered = forced;
  EXPECT_EQ(lost.probe(30, 31, {}).verdict(), "I6 lost");
  EXPECT_EQ(plain.poll(22, 23, {event(kDispatch)}).verdict(), "I6 wrong-answer");
  delivered.poll(22, 23, {event(kDispatch | kFinal)});
  Sketch again = delivered;
  EXPECT_EQ(delivered.change(24, 25, change(flag::kEnable), ENOENT).verdict(), "accepted");
  EXPECT_EQ(again.poll(24, 25, {event(kDispatch | kFinal)}).verdict(), "I6 duplicate");
}

TEST_P(OtherFilters, I7ACallReturnsAKnoteOnce) {
  EXPECT_EQ(added().poll(20, 21, {event(), event()}).verdict(), "I7 duplicate");
  EXPECT_EQ(added().poll(20, 21, {event()}).verdict(), "accepted");
}

TEST_P(OtherFilters, I12TheUdataIsOfALastChange) {
  const Sketch changed = added().change(12, 13, change(0, 2));
  Sketch old = changed, foreign = changed, now = changed;
  EXPECT_EQ(old.poll(20, 21, {event(0, 1)}).verdict(), "I2 stale-generation");
  EXPECT_EQ(foreign.poll(20, 21, {event(0, 77)}).verdict(), "I12 wrong-udata");
  EXPECT_EQ(now.poll(20, 21, {event(0, 2)}).verdict(), "accepted");
}

TEST_P(OtherFilters, I13AReceiptHasItsEntryAndItsErrno) {
  const auto answered = [](int64_t data) {
    Event entry = change(flag::kError);
    entry.data = data;
    return added().changes(20, 21, {change(flag::kReceipt)}, 1, {entry}, 1).verdict();
  };
  EXPECT_EQ(answered(0), "accepted");
  EXPECT_EQ(answered(ENOENT), "1.3 wrong-errno");
}

TEST_P(OtherFilters, I23ConcurrentAddsLeaveOneKnote) {
  const Sketch added_twice = begin()
                                 .change(10, 20, change(kAdd, 1))
                                 .change(11, 19, change(kAdd, 2))
                                 .change(30, 31, change(flag::kDelete));
  Sketch one = added_twice, two = added_twice;
  EXPECT_EQ(one.change(40, 41, change(flag::kDelete), ENOENT).verdict(), "accepted");
  EXPECT_EQ(two.change(40, 41, change(flag::kDelete)).verdict(), "I1 after-delete");
}

std::vector<Subject> those(bool (*chosen)(const Subject&)) {
  std::vector<Subject> subjects;
  std::copy_if(std::begin(kSubjects), std::end(kSubjects), std::back_inserter(subjects), chosen);
  return subjects;
}
const auto kDescriptors = those([](const Subject& one) { return one.ident == kFd; });
const auto kProcesses = those([](const Subject& one) { return one.interest == note::kExit; });

std::string name_of(const ::testing::TestParamInfo<Subject>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Each, OtherFilters, ::testing::ValuesIn(kSubjects), name_of);
INSTANTIATE_TEST_SUITE_P(Each, DescriptorFilters, ::testing::ValuesIn(kDescriptors), name_of);
INSTANTIATE_TEST_SUITE_P(Each, ProcessFilters, ::testing::ValuesIn(kProcesses), name_of);

}  // namespace
}  // namespace kqtorture::contract::testing
