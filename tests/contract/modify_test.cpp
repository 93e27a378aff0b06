// What does a change do to a knote that exists? (2.2, 2.4)
#include "world.h"

namespace kqtorture::contract {
namespace {

class Modify : public FreebsdProfile {};
INSTANTIATE_TEST_SUITE_P(All, Modify, testing::ValuesIn(kFreebsdProfiles),
                         profile_case_name<const char*>);

TEST_P(Modify, EveryChangeOverwritesUdata) {
  for (const int action : {ADD, ENABLE, DISABLE, 0, static_cast<int>(RECEIPT), FORCE}) {
    World world(GetParam());
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 1);
    world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 5)});
    world.call(kq, {ev(READ, pipe.first, action, 0, 0, 6)}, action == RECEIPT ? 1 : 0);
    if (action == DISABLE) world.change(kq, {ev(READ, pipe.first, ENABLE, 0, 0, 6)});
    const Event event = world.poll(kq).events[0];
    EXPECT_EQ(event.udata, 6u) << action;
  }
}

TEST_P(Modify, AStaleUdataIsFound) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD, 0, 0, 5)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER, 0, 6)});
  EXPECT_EQ(world.verdict(kq, 1, {ev(USER, 1, 0, 0, 0, 5)}), "wrong-udata");
  EXPECT_EQ(world.rule(kq, 1, {ev(USER, 1, 0, 0, 0, 5)}), "I12");
}

TEST_P(Modify, AddOnADisabledKnoteDoesNotEnableIt) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1);
  world.change(kq, {ev(READ, pipe.first, ADD | DISABLE)});
  world.change(kq, {ev(READ, pipe.first, ADD)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq).value, 1);
}

TEST_P(Modify, BehaviourFlagsOfAReAddAreIgnored) {
  for (const int flags : {ONESHOT, CLEAR, DISPATCH}) {
    World world(GetParam());
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 1);
    world.change(kq, {ev(READ, pipe.first, ADD)});
    world.change(kq, {ev(READ, pipe.first, ADD | flags)});
    EXPECT_EQ(world.poll(kq).events[0].flags, 0) << flags;
    EXPECT_EQ(world.poll(kq).value, 1) << "still level";
  }
}

TEST_P(Modify, AReceiptThatWasNotGivenAtCreationDoesNotStick) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.call(kq, {ev(USER, 1, RECEIPT, TRIGGER)}, 1);
  EXPECT_EQ(world.poll(kq).events[0].flags, 0);
  world.call(kq, {ev(USER, 2, ADD | RECEIPT)}, 1);
  world.change(kq, {ev(USER, 1, DELETE), ev(USER, 2, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq).events[0].flags, RECEIPT);
}

TEST_P(Modify, ABareEnableErasesTheInterest) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.write(pair.second, 3);
  world.change(kq, {ev(READ, pair.first, ADD, LOWAT, 10)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(READ, pair.first, ENABLE)});
  EXPECT_EQ(world.poll(kq).events[0].data, 3);
}

TEST_P(Modify, AnyChangeFiresAClearKnoteAgainWhileItsConditionHolds) {
  for (const int action : {ADD, ENABLE, 0}) {
    World world(GetParam());
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 1);
    world.change(kq, {ev(READ, pipe.first, ADD | CLEAR)});
    world.poll(kq);
    EXPECT_EQ(world.poll(kq), Answered());
    EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, CLEAR, 0, 1)}), "duplicate");
    world.change(kq, {ev(READ, pipe.first, action)});
    EXPECT_EQ(world.poll(kq).value, 1) << action;
  }
}

TEST_P(Modify, DisableIsSilentUntilEnable) {  // I3
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1);
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.change(kq, {ev(READ, pipe.first, DISABLE)});
  EXPECT_EQ(world.rule(kq, 1, {ev(READ, pipe.first, 0, 0, 1)}), "I3");
  world.write(pipe.second, 1);
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq).events[0].data, 2);
}

TEST_P(Modify, DisableLeavesTheKnoteQueuedUntilAScanComesByIt) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  world.change(kq, {ev(USER, 1, DISABLE)});
  EXPECT_EQ(world.state().knote[0].queued, Tri::kYes);
  world.poll(kq);
  EXPECT_EQ(world.state().knote[0].queued, Tri::kNo);
  EXPECT_EQ(world.state().knote[0].active, Active::kYes) << "the active bit stays";
}

TEST_P(Modify, AnActiveBitFromBeforeFiresAOneshotKnoteOnEnable) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | DISABLE | ONESHOT)});
  world.write(pipe.second, 4);
  world.read(pipe.first, 4);
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq).value, 1) << "stale, and delivered";
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, DELETE)}), Answered::failed(ENOENT));
}

TEST_P(Modify, AnActiveBitFromBeforeIsFilteredOutOfALevelKnote) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | DISABLE)});
  world.write(pipe.second, 4);
  world.read(pipe.first, 4);
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_P(Modify, DeletedIsGone) {  // I1
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1);
  world.change(kq, {ev(READ, pipe.first, ADD, 0, 0, 5)});
  world.change(kq, {ev(READ, pipe.first, DELETE)});
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, 0, 0, 1, 5)}), "after-delete");
  EXPECT_EQ(world.rule(kq, 1, {ev(READ, pipe.first, 0, 0, 1, 5)}), "I1");
  for (const int action : {ENABLE, DISABLE, DELETE, 0, FORCE}) {
    EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, action)}), Answered::failed(ENOENT));
  }
}

TEST(KeepUdata, LeavesTheStoredUdataAlone) {
  for (const char* name : {"strict-2006", "freebsd"}) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD, 0, 0, 5)});
    world.change(kq, {ev(USER, 1, KEEP | DISABLE, TRIGGER, 0, 6)});
    world.change(kq, {ev(USER, 1, KEEP | ENABLE, 0, 0, 7)});
    EXPECT_EQ(world.poll(kq).events[0].udata, 5u) << name;
  }
}

// 2.4: who writes udata.
struct UdataRow {
  const char* profile;
  int16_t filter;
  int action;
  bool written;
};
class UdataWriter : public testing::TestWithParam<UdataRow> {};

TEST_P(UdataWriter, IsAsTheTableSays) {
  const UdataRow& row = GetParam();
  World world(row.profile);
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1);
  const bool user = row.filter == USER;
  const int64_t ident = user ? 1 : pipe.first;
  world.change(kq, {ev(row.filter, ident, ADD, user ? TRIGGER : 0, 0, 5)});
  world.change(kq, {ev(row.filter, ident, row.action, user ? TRIGGER : 0, 0, 6)});
  EXPECT_EQ(world.poll(kq).events[0].udata, row.written ? 6u : 5u);
}

INSTANTIATE_TEST_SUITE_P(
    Section24, UdataWriter,
    testing::Values(UdataRow{"netbsd", READ, ENABLE, true}, UdataRow{"netbsd", USER, 0, true},
                    UdataRow{"openbsd", READ, ENABLE, false}, UdataRow{"openbsd", READ, ADD, true},
                    UdataRow{"openbsd", USER, 0, true}, UdataRow{"dragonfly", READ, ENABLE, true},
                    UdataRow{"dragonfly", USER, 0, false}, UdataRow{"dragonfly", USER, ADD, false},
                    UdataRow{"macos", READ, ENABLE, true}, UdataRow{"macos", USER, 0, true},
                    UdataRow{"libkqueue", READ, ADD, true},
                    UdataRow{"libkqueue", READ, ENABLE, false},
                    UdataRow{"libkqueue", READ, 0, true},
                    UdataRow{"libkqueue", USER, ENABLE, true}),
    case_number<UdataRow>);

TEST(Platforms, OpenbsdKeepsTheInterestAndTheCalmOfAnEnabledKnote) {
  World world("openbsd");
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.write(pair.second, 3);
  world.change(kq, {ev(READ, pair.first, ADD, LOWAT, 10)});
  world.change(kq, {ev(READ, pair.first, ENABLE)});
  EXPECT_EQ(world.poll(kq), Answered()) << "the low water mark is still there";
  world.change(kq, {ev(READ, pair.first, ADD | CLEAR)});
  EXPECT_EQ(world.poll(kq).value, 1);
  World again("openbsd");
  const int other = again.kqueue();
  const Pair pipe = again.pipe();
  again.write(pipe.second, 1);
  again.change(other, {ev(READ, pipe.first, ADD | CLEAR)});
  again.poll(other);
  again.change(other, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(again.poll(other), Answered()) << "ENABLE of an enabled knote has no effect";
  again.change(other, {ev(READ, pipe.first, DISABLE)});
  again.change(other, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(again.poll(other).value, 1);
}

TEST(Platforms, MacosUnlinksOnDisableAndLooksAgainOnEnable) {
  World world("macos");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.change(kq, {ev(READ, pipe.first, ADD | ONESHOT)});
  world.write(pipe.second, 4);
  world.change(kq, {ev(READ, pipe.first, DISABLE)});
  EXPECT_EQ(world.state().knote[0].queued, Tri::kNo);
  world.read(pipe.first, 4);
  world.change(kq, {ev(READ, pipe.first, ENABLE)});
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST(Platforms, LibkqueueLetsAReAddChangeDispatch) {
  World world("libkqueue");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1);
  world.change(kq, {ev(READ, pipe.first, ADD)});
  world.change(kq, {ev(READ, pipe.first, ADD | DISPATCH)});
  EXPECT_NE(world.poll(kq).events[0].flags & DISPATCH, 0);
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST(Platforms, DeliveriesCarryTheActionBitsOutsideFreebsd) {
  for (const char* name : {"netbsd", "openbsd", "dragonfly", "macos", "libkqueue"}) {
    World world(name);
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 1);
    world.change(kq, {ev(READ, pipe.first, ADD | ENABLE)});
    const Event event = world.poll(kq).events[0];
    EXPECT_EQ(event.flags & ADD, ADD) << name;
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pipe.first, 0, 0, 1)})))
        << "flags are compared modulo the action bits";
  }
  World freebsd;
  const int kq = freebsd.kqueue();
  const Pair pipe = freebsd.pipe();
  freebsd.write(pipe.second, 1);
  freebsd.change(kq, {ev(READ, pipe.first, ADD | ENABLE)});
  EXPECT_EQ(freebsd.verdict(kq, 1, {ev(READ, pipe.first, ADD, 0, 1)}), "wrong-answer");
}

// "any change re-evaluates an enabled knote": no (7).
TEST(ModifyElsewhere, NoChangeLooksAtTheObjectAgainInLibkqueue) {
  for (const int action : {static_cast<int>(RECEIPT), 0, ADD | CLEAR, static_cast<int>(ENABLE)}) {
    for (const char* name : {"netbsd", "libkqueue"}) {
      World world(name);
      const int kq = world.kqueue();
      const Pair pipe = world.pipe();
      world.write(pipe.second, 1);
      world.change(kq, {ev(READ, pipe.first, ADD | CLEAR)});
      EXPECT_EQ(world.poll(kq).value, 1) << name;
      world.call(kq, {ev(READ, pipe.first, action)}, action == RECEIPT ? 1 : 0);
      EXPECT_EQ(world.poll(kq).value, name == std::string_view("netbsd")) << name << action;
    }
  }
}

}  // namespace
}  // namespace kqtorture::contract
