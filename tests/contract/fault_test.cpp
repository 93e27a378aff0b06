// What do bad pointers do, and what do they cost? (1.3 item 5, 2.12, I21)
#include "world.h"

namespace kqtorture::contract {
namespace {

std::vector<Event> adds(int count) {
  std::vector<Event> changes;
  for (int i = 0; i < count; i++) changes.push_back(ev(USER, i, ADD));
  return changes;
}

struct ChunkRow {
  const char* profile;
  int changes;
  int readable;
  int applied;
};
class UnreadableChanges : public testing::TestWithParam<ChunkRow> {};

TEST_P(UnreadableChanges, FaultAfterTheChunksBeforeTookEffect) {
  const ChunkRow& row = GetParam();
  World world(row.profile);
  const int kq = world.kqueue();
  const std::vector<Event> changes = adds(row.changes);
  Op op = World::kevent_op(kq, changes, 4);
  op.changes_readable = row.readable;
  const bool faults = row.readable < row.changes;
  EXPECT_EQ(world.call(op), faults ? Answered::failed(EFAULT) : Answered());
  EXPECT_EQ(world.state().knotes, row.applied);
}

INSTANTIATE_TEST_SUITE_P(
    Chunks, UnreadableChanges,
    testing::Values(ChunkRow{"strict-2006", 1, 0, 0}, ChunkRow{"strict-2006", 8, 7, 0},
                    ChunkRow{"strict-2006", 9, 8, 8}, ChunkRow{"strict-2006", 20, 15, 8},
                    ChunkRow{"strict-2006", 20, 16, 16}, ChunkRow{"strict-2006", 20, 19, 16},
                    ChunkRow{"strict-2006", 20, 20, 20}, ChunkRow{"freebsd13", 9, 8, 8},
                    ChunkRow{"netbsd", 9, 8, 8}, ChunkRow{"openbsd", 12, 10, 8},
                    ChunkRow{"macos", 9, 7, 7}),
    case_number<ChunkRow>);

TEST(UnreadableChanges, AreNotLookedAtWhenTheCallEndsBefore) {
  World world;
  const int kq = world.kqueue();
  std::vector<Event> changes = adds(9);
  changes[3] = ev(USER, 99, DELETE);
  Op op = World::kevent_op(kq, changes, 0);
  op.changes_readable = 8;
  EXPECT_EQ(world.call(op), Answered::failed(ENOENT));
  changes[3] = ev(USER, 3, ADD | RECEIPT);
  EXPECT_EQ(world.call(op), Answered()) << "a receipt without room stops it";
}

TEST(UnreadableChanges, LoseTheEntriesThatWereWritten) {
  World world;
  const int kq = world.kqueue();
  std::vector<Event> changes = adds(9);
  changes[0] = ev(USER, 99, DELETE);
  Op op = World::kevent_op(kq, changes, 16);
  op.changes_readable = 8;
  EXPECT_EQ(world.call(op), Answered::failed(EFAULT));
  EXPECT_EQ(world.refusal(op, Answered::of({ev(USER, 99, ERROR, 0, ENOENT)})).rule, "2.12");
}

class UnwritableEvents : public FreebsdProfile {
 protected:
  static Op faulting(int kq, int room, int writable) {
    Op op = World::kevent_op(kq, room);
    op.events_writable = writable;
    return op;
  }
};
INSTANTIATE_TEST_SUITE_P(All, UnwritableEvents, testing::ValuesIn(kFreebsdProfiles),
                         profile_case_name<const char*>);

TEST_P(UnwritableEvents, DoNotMatterWhenNothingIsDue) {
  World world(GetParam());
  const int kq = world.kqueue();
  EXPECT_EQ(world.call(faulting(kq, 1, 0)), Answered());
  EXPECT_EQ(world.refusal(faulting(kq, 1, 0), Answered::failed(EFAULT)).rule, "2.12");
}

TEST_P(UnwritableEvents, SwallowAOneshotEvent) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | ONESHOT)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.refusal(faulting(kq, 1, 0), Answered()).verdict, Verdict::kLost);
  EXPECT_EQ(world.call(faulting(kq, 1, 0)), Answered::failed(EFAULT));
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.call(kq, {ev(USER, 1, DELETE)}), Answered::failed(ENOENT));
}

TEST_P(UnwritableEvents, ResetAClearKnoteAndDisableADispatchKnote) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | CLEAR), ev(USER, 2, ADD | DISPATCH), ev(USER, 3, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER), ev(USER, 2, 0, TRIGGER), ev(USER, 3, 0, TRIGGER)});
  EXPECT_EQ(world.call(faulting(kq, 8, 0)), Answered::failed(EFAULT));
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 3, 0)})) << "only the level knote is left";
  world.change(kq, {ev(USER, 2, ENABLE)});
  EXPECT_EQ(world.poll(kq).value, 2);
}

TEST_P(UnwritableEvents, AreReachedOnlyByTheChunkThatHoldsThem) {
  World world(GetParam());
  const int kq = world.kqueue();
  for (int i = 0; i < 12; i++) {
    world.change(kq, {ev(USER, i, ADD | ONESHOT)});
    world.change(kq, {ev(USER, i, 0, TRIGGER)});
  }
  EXPECT_EQ(world.call(faulting(kq, 4, 4)).value, 4) << "room ends before the fault";
  EXPECT_EQ(world.call(faulting(kq, 8, 2)), Answered::failed(EFAULT));
  EXPECT_EQ(world.poll(kq).value, 0) << "all eight are gone";
}

TEST_P(UnwritableEvents, TakeWholeChunksOnly) {
  World world(GetParam());
  const int kq = world.kqueue();
  for (int i = 0; i < 12; i++) {
    world.change(kq, {ev(USER, i, ADD | ONESHOT)});
    world.change(kq, {ev(USER, i, 0, TRIGGER)});
  }
  EXPECT_EQ(world.call(faulting(kq, 12, 3)), Answered::failed(EFAULT));
  EXPECT_EQ(world.poll(kq).value, 4);
}

TEST_P(UnwritableEvents, MayNotBeCountedAsDelivered) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.refusal(faulting(kq, 1, 0), Answered::of({ev(USER, 1, 0)})).rule, "2.12");
}

TEST(UnwritableEvents, OnMacosSwallowOneEventAtMost) {
  World world("macos");
  const int kq = world.kqueue();
  for (int i = 0; i < 4; i++) world.change(kq, {ev(USER, i, ADD | ONESHOT, TRIGGER)});
  Op op = World::kevent_op(kq, 4);
  op.events_writable = 1;
  EXPECT_EQ(world.call(op), Answered::failed(EFAULT));
  EXPECT_EQ(world.poll(kq).value, 2);
}

// Whether a timer was due is not known: both futures are kept.
TEST(UnwritableEvents, SplitTheStateByWhatTheyMayHaveSwallowed) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD | ONESHOT, note::kNseconds, 1), ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  Op op = World::kevent_op(kq, 4);
  op.events_writable = 0;
  world.saw(op, Answered::failed(EFAULT));
  EXPECT_EQ(world.states().count, 2);
  world.await();
  const Event user = ev(USER, 1, 0);
  const Event timer = ev(TIMER, 1, ONESHOT | CLEAR, 0, 1);
  EXPECT_TRUE(world.accepts(kq, {}, 4, Answered::of({user}))) << "it was swallowed";
  EXPECT_TRUE(world.accepts(kq, {}, 4, Answered::of({user, timer}))) << "it came after";
  EXPECT_EQ(world.pending(kq), Tri::kYes);
  world.saw(kq, {}, 4, Answered::of({user, timer}));
  EXPECT_EQ(world.states().count, 1) << "what was seen settles it";
}

TEST(UnwritableEvents, WithTooManyDoubtsAreUndecided) {
  World world;
  const int kq = world.kqueue();
  for (int i = 0; i < 4; i++) {
    world.change(kq, {ev(TIMER, i, ADD | ONESHOT, note::kNseconds, 1)});
  }
  Op op = World::kevent_op(kq, 4);
  op.events_writable = 0;
  EXPECT_EQ(world.check_copy(op, Answered::failed(EFAULT)), Answer::kUndecided);
}

TEST(UnwritableEvents, ThatNothingCanHaveReachedAreRefused) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD | ONESHOT, note::kNseconds, 1)});
  Op op = World::kevent_op(kq, 4);
  op.events_writable = 1;
  EXPECT_EQ(world.refusal(op, Answered::failed(EFAULT)).verdict, Verdict::kWrongErrno);
}

TEST(UnwritableEvents, WhoseVictimsNobodyCanOrderAreUndecided) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  std::vector<Event> changes;
  for (int i = 0; i < 9; i++) changes.push_back(ev(READ, world.dup(pipe.first), ADD));
  world.change(kq, changes);
  world.write(pipe.second, 1);  // activates all nine at once
  Op op = World::kevent_op(kq, 9);
  op.events_writable = 0;
  EXPECT_EQ(world.check_copy(op, Answered::failed(EFAULT)), Answer::kUndecided);
  op.nevents = 8;
  EXPECT_EQ(world.check_copy(op, Answered::failed(EFAULT)), Answer::kUndecided);
}

TEST(UnwritableEvents, LeaveLevelKnotesInAnOrderThatNobodySaw) {
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  const int dup = world.dup(pipe.first);
  world.change(kq, {ev(READ, pipe.first, ADD), ev(READ, dup, ADD)});
  world.write(pipe.second, 1);
  Op op = World::kevent_op(kq, 4);
  op.events_writable = 0;
  world.saw(op, Answered::failed(EFAULT));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pipe.first, 0, 0, 1)})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, dup, 0, 0, 1)})));
}

}  // namespace
}  // namespace kqtorture::contract
