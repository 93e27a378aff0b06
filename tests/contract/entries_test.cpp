// How are failed and receipted changes reported in the event list? (1.5, I13)
#include "contract/kevent_call.h"
#include "world.h"

namespace kqtorture::contract {
namespace {

class Entries : public FreebsdProfile {};
INSTANTIATE_TEST_SUITE_P(All, Entries, testing::ValuesIn(kFreebsdProfiles),
                         profile_case_name<const char*>);

TEST_P(Entries, CarryExactlyTheErrorFlagAndTheErrno) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Event bad = ev(USER, 9, DELETE | RECEIPT | CLEAR, 0x7, 44, 55);
  EXPECT_EQ(world.call(kq, {bad}, 4), Answered::of({ev(USER, 9, ERROR, 0x7, ENOENT, 55)}));
}

TEST_P(Entries, OfAReceiptHaveDataZeroAndOfACreationNoFflags) {
  World world(GetParam());
  const int kq = world.kqueue();
  EXPECT_EQ(world.call(kq, {ev(USER, 1, ADD | RECEIPT, 0x5, 44, 55)}, 4),
            Answered::of({ev(USER, 1, ERROR, 0, 0, 55)}));
  EXPECT_EQ(world.call(kq, {ev(USER, 1, RECEIPT, 0x5, 44, 56)}, 4),
            Answered::of({ev(USER, 1, ERROR, 0x5, 0, 56)}));
}

TEST_P(Entries, StandInTheOrderOfTheChangesWhichGoOnBehindAnError) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Answered answered = world.call(
      kq, {ev(USER, 9, DELETE), ev(USER, 1, ADD), ev(USER, 2, ADD | RECEIPT), ev(USER, 8, ENABLE)},
      4);
  EXPECT_EQ(answered, Answered::of({ev(USER, 9, ERROR, 0, ENOENT), ev(USER, 2, ERROR),
                                    ev(USER, 8, ERROR, 0, ENOENT)}));
  EXPECT_EQ(world.state().knotes, 2);
}

TEST_P(Entries, KeepPendingEventsOutOfTheList) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  const Answered entry = Answered::of({ev(USER, 9, ERROR, 0, ENOENT)});
  EXPECT_EQ(world.call(kq, {ev(USER, 9, DELETE)}, 8), entry);
  Answered mixed = Answered::of({ev(USER, 9, ERROR, 0, ENOENT), ev(USER, 1, 0)});
  EXPECT_EQ(world.refusal(kq, {ev(USER, 9, DELETE)}, 8, mixed).rule, "I13");
  EXPECT_EQ(world.poll(kq).value, 1);  // the event is still there
}

TEST_P(Entries, WithoutRoomAnErrorIsReturnedAndTheRestIsNotProcessed) {
  World world(GetParam());
  const int kq = world.kqueue();
  EXPECT_EQ(world.call(kq, {ev(USER, 1, ADD), ev(USER, 9, DELETE), ev(USER, 2, ADD)}, 0),
            Answered::failed(ENOENT));
  EXPECT_EQ(world.state().knotes, 1);
  // Entries that were written already are lost to the caller.
  EXPECT_EQ(world.call(kq, {ev(USER, 3, ADD | RECEIPT), ev(USER, 9, DELETE), ev(USER, 4, ADD)}, 1),
            Answered::failed(ENOENT));
  EXPECT_EQ(world.state().knotes, 2);
}

TEST_P(Entries, WithoutRoomAReceiptStopsTheCallAndReturnsZero) {
  World world(GetParam());
  const int kq = world.kqueue();
  EXPECT_EQ(world.call(kq, {ev(USER, 1, ADD | RECEIPT), ev(USER, 2, ADD)}, 0), Answered());
  EXPECT_EQ(world.state().knotes, 1);
  EXPECT_EQ(
      world.call(kq, {ev(USER, 3, ADD | RECEIPT), ev(USER, 4, ADD | RECEIPT), ev(USER, 5, ADD)}, 1),
      Answered());
  EXPECT_EQ(world.state().knotes, 3);
  EXPECT_FALSE(world.accepts(kq, {ev(USER, 6, ADD | RECEIPT)}, 0, Answered::failed(0)));
}

TEST_P(Entries, ThatCannotBeWrittenStillCount) {
  World world(GetParam());
  const int kq = world.kqueue();
  const std::vector<Event> changes = {ev(USER, 1, ADD | RECEIPT), ev(USER, 9, DELETE)};
  Op op = World::kevent_op(kq, changes, 4);
  op.events_writable = 0;
  // What they say cannot be seen.
  EXPECT_EQ(world.check_copy(op, {2, 0, {Event{}, Event{}}}), Answer::kAccepted);
  EXPECT_EQ(world.refusal(op, Answered::failed(EFAULT)).rule, "I13");
}

TEST_P(Entries, NoneMissingAndNoneTooMany) {
  World world(GetParam());
  const int kq = world.kqueue();
  const std::vector<Event> changes = {ev(USER, 1, ADD | RECEIPT), ev(USER, 9, DELETE)};
  EXPECT_EQ(world.refusal(kq, changes, 4, Answered()).rule, "I13");
  EXPECT_EQ(world.refusal(kq, changes, 4, Answered::failed(ENOENT)).verdict, Verdict::kWrongErrno);
  EXPECT_EQ(world.refusal(kq, changes, 4, Answered::of({ev(USER, 1, ERROR)})).verdict,
            Verdict::kWrongAnswer);
}

TEST_P(Entries, EveryFieldIsLookedAt) {
  World world(GetParam());
  const int kq = world.kqueue();
  const std::vector<Event> changes = {ev(USER, 9, DELETE | CLEAR, 0x3, 4, 5)};
  const Event right = ev(USER, 9, ERROR, 0x3, ENOENT, 5);
  EXPECT_TRUE(world.accepts(kq, changes, 2, Answered::of({right})));
  const auto refused = [&](auto change) {
    Event wrong = right;
    change(&wrong);
    return world.refusal(kq, changes, 2, Answered::of({wrong}));
  };
  EXPECT_EQ(refused([](Event* e) { e->ident++; }).verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(refused([](Event* e) { e->filter = READ; }).verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(refused([](Event* e) { e->flags = ERROR | CLEAR; }).message.find("wrong flags"), 0u);
  EXPECT_EQ(refused([](Event* e) { e->fflags = 0; }).message.find("wrong fflags"), 0u);
  EXPECT_EQ(refused([](Event* e) { e->data = EBADF; }).verdict, Verdict::kWrongErrno);
  EXPECT_EQ(refused([](Event* e) { e->udata = 6; }).verdict, Verdict::kWrongUdata);
  EXPECT_EQ(refused([](Event* e) { e->udata = 6; }).rule, "I12");
  EXPECT_EQ(refused([](Event* e) { e->udata = 6; }).index, 0);
}

TEST(EntriesElsewhere, EchoTheInputFlagsOnMacosAndLibkqueue) {
  for (const char* name : {"macos", "libkqueue"}) {
    World world(name);
    const int kq = world.kqueue();
    EXPECT_EQ(world.call(kq, {ev(USER, 9, DELETE | CLEAR, 0x3, 4, 5)}, 2).events[0],
              ev(USER, 9, DELETE | CLEAR | ERROR, 0x3, ENOENT, 5))
        << name;
    EXPECT_EQ(world.call(kq, {ev(USER, 1, ADD | RECEIPT, 0x3, 4, 5)}, 1).events[0],
              ev(USER, 1, ADD | RECEIPT | ERROR, 0x3, 0, 5))
        << name;
  }
}

TEST(EntriesElsewhere, TheEchoIsOfTheSimplifiedFlagsOnMacosAndOfTheGivenOnesInLibkqueue) {
  for (const int given : {ENABLE | DISABLE, ENABLE | DISABLE | 0x1000}) {
    World macos("macos");
    EXPECT_EQ(macos.call(macos.kqueue(), {ev(USER, 9, given)}, 2).events[0],
              ev(USER, 9, DISABLE | ERROR, 0, ENOENT));
    World libkqueue("libkqueue");
    EXPECT_EQ(libkqueue.call(libkqueue.kqueue(), {ev(USER, 9, given)}, 2).events[0],
              ev(USER, 9, given | ERROR, 0, ENOENT));
  }
}

TEST(EntriesElsewhere, AReceiptWithoutRoomContinuesOnMacosAndFaultsInLibkqueue) {
  World macos("macos");
  int kq = macos.kqueue();
  EXPECT_EQ(macos.call(kq, {ev(USER, 1, ADD | RECEIPT), ev(USER, 2, ADD)}, 0), Answered());
  EXPECT_EQ(macos.state().knotes, 2);
  World libkqueue("libkqueue");
  kq = libkqueue.kqueue();
  EXPECT_EQ(libkqueue.call(kq, {ev(USER, 1, ADD | RECEIPT), ev(USER, 2, ADD)}, 0),
            Answered::failed(EFAULT));
  World dragonfly("dragonfly");
  kq = dragonfly.kqueue();
  const std::vector<Event> receipt = {ev(USER, 1, ADD | RECEIPT)};
  EXPECT_EQ(dragonfly.check_copy(World::kevent_op(kq, receipt, 0), Answered()), Answer::kUndecided);
}

TEST(EntriesElsewhere, LibkqueueAppendsEvents) {
  World world("libkqueue");
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  const Answered answered = world.call(kq, {ev(USER, 9, DELETE)}, 8);
  ASSERT_EQ(answered.value, 2);
  EXPECT_EQ(answered.events[0].data, ENOENT);
  EXPECT_EQ(answered.events[1].ident, 1u);
  const Answered alone = Answered::of({answered.events[0]});
  World again("libkqueue");
  const int other = again.kqueue();
  again.change(other, {ev(USER, 1, ADD)});
  again.change(other, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(again.refusal(other, {ev(USER, 9, DELETE)}, 8, alone).verdict, Verdict::kLost);
}

TEST(EntriesElsewhere, AnEntryThatCannotBeWrittenFailsTheCallOutsideFreebsd) {
  for (const char* name : {"netbsd", "openbsd"}) {
    World world(name);
    const int kq = world.kqueue();
    const std::vector<Event> changes = {ev(USER, 9, DELETE)};
    Op op = World::kevent_op(kq, changes, 4);
    op.events_writable = 0;
    EXPECT_EQ(world.call(op), Answered::failed(EFAULT)) << name;
  }
}

// What an attach error leaves in fflags is not said: both are taken.
TEST(EntriesElsewhere, OfAFilterThatRefusedMayHaveLostTheirFflags) {
  World world;
  const int kq = world.kqueue();
  const std::vector<Event> changes = {ev(TIMER, 1, ADD, note::kSeconds, -1)};
  EXPECT_TRUE(
      world.accepts(kq, changes, 1, Answered::of({ev(TIMER, 1, ERROR, note::kSeconds, EINVAL)})));
  EXPECT_TRUE(world.accepts(kq, changes, 1, Answered::of({ev(TIMER, 1, ERROR, 0, EINVAL)})));
  EXPECT_FALSE(world.accepts(kq, changes, 1, Answered::of({ev(TIMER, 1, ERROR, 2, EINVAL)})));
}

TEST(EntriesElsewhere, OfAUserChangeMayHaveLostTheirControlBits) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  const std::vector<Event> changes = {ev(USER, 1, RECEIPT, TRIGGER | 0x5)};
  EXPECT_TRUE(world.accepts(kq, changes, 1, Answered::of({ev(USER, 1, ERROR, TRIGGER | 0x5)})));
  EXPECT_TRUE(world.accepts(kq, changes, 1, Answered::of({ev(USER, 1, ERROR, 0x5)})));
  EXPECT_FALSE(world.accepts(kq, changes, 1, Answered::of({ev(USER, 1, ERROR, 0)})));
}

TEST(EntriesElsewhere, MoreThanTheModelKeepsAreUndecided) {
  World world;
  const int kq = world.kqueue();
  const std::vector<Event> changes(kMaxEntries + 1, ev(USER, 9, DELETE));
  EXPECT_EQ(world.check_copy(World::kevent_op(kq, changes, 100), Answered()), Answer::kUndecided);
}

}  // namespace
}  // namespace kqtorture::contract
