// In which order is one kevent() call checked, and with which errno is it refused? (1.3, 2.13)
#include "world.h"

namespace kqtorture::contract {
namespace {

Op with_timeout(Op op, Timeout timeout) {
  op.timeout = timeout;
  return op;
}

struct ErrnoRow {
  const char* profile;
  int not_open;
  int not_kqueue;
};

class CallErrno : public testing::TestWithParam<ErrnoRow> {};

TEST_P(CallErrno, NamesWhatIsNoKqueue) {
  World world(GetParam().profile);
  const Pair pipe = world.pipe();
  EXPECT_EQ(world.call(77, {}), Answered::failed(GetParam().not_open));
  EXPECT_EQ(world.call(pipe.first, {}), Answered::failed(GetParam().not_kqueue));
  const int kq = world.kqueue();
  world.close(kq);
  EXPECT_EQ(world.call(kq, {}), Answered::failed(GetParam().not_open));
  EXPECT_EQ(world.refusal(kq, {}, 0, Answered()).verdict, Verdict::kWrongErrno);
}

INSTANTIATE_TEST_SUITE_P(
    All, CallErrno,
    testing::Values(ErrnoRow{"strict-2006", EBADF, EINVAL}, ErrnoRow{"freebsd13", EBADF, EBADF},
                    ErrnoRow{"freebsd", EBADF, EINVAL}, ErrnoRow{"netbsd", EBADF, EBADF},
                    ErrnoRow{"openbsd", EBADF, EBADF}, ErrnoRow{"dragonfly", EBADF, EBADF},
                    ErrnoRow{"macos", EBADF, EBADF}, ErrnoRow{"libkqueue", ENOENT, ENOENT}),
    case_number<ErrnoRow>);

TEST(Call, AnUnreadableTimeoutComesBeforeTheDescriptorOnFreebsdAndAfterItOnNetbsd) {
  for (const char* name : {"strict-2006", "freebsd13", "macos", "dragonfly"}) {
    World world(name);
    EXPECT_EQ(world.call(with_timeout(World::kevent_op(77, 0), Timeout::kUnreadable)),
              Answered::failed(EFAULT))
        << name;
  }
  for (const char* name : {"netbsd", "openbsd"}) {
    World world(name);
    EXPECT_EQ(world.call(with_timeout(World::kevent_op(77, 0), Timeout::kUnreadable)),
              Answered::failed(EBADF))
        << name;
    const int kq = world.kqueue();
    EXPECT_EQ(world.call(with_timeout(World::kevent_op(kq, 0), Timeout::kUnreadable)),
              Answered::failed(EFAULT))
        << name;
  }
}

class BadTimeout : public testing::TestWithParam<Timeout> {};

TEST_P(BadTimeout, IsNoticedLateOnFreebsdAfterTheChangesTookEffect) {
  for (const char* name : {"strict-2006", "freebsd13", "freebsd", "netbsd"}) {
    World world(name);
    const int kq = world.kqueue();
    const std::vector<Event> add = {ev(USER, 1, ADD)};
    EXPECT_EQ(world.call(with_timeout(World::kevent_op(kq, add, 1), GetParam())),
              Answered::failed(EINVAL));
    world.change(kq, {ev(USER, 1, 0, TRIGGER)});  // ENOENT if it had not been added
    EXPECT_EQ(world.poll(kq).value, 1);
  }
}

TEST_P(BadTimeout, IsNotLookedAtWithoutRoomOnFreebsd) {
  for (const char* name : kFreebsdProfiles) {
    World world(name);
    const int kq = world.kqueue();
    EXPECT_EQ(world.call(with_timeout(World::kevent_op(kq, 0), GetParam())), Answered());
  }
}

TEST_P(BadTimeout, IsRefusedUpFrontOnOpenbsdAndMacos) {
  for (const char* name : {"openbsd", "macos"}) {
    World world(name);
    const int kq = world.kqueue();
    const std::vector<Event> add = {ev(USER, 1, ADD)};
    EXPECT_EQ(world.call(with_timeout(World::kevent_op(kq, add, 0), GetParam())),
              Answered::failed(EINVAL));
    EXPECT_EQ(world.call(kq, {ev(USER, 1, 0, TRIGGER)}), Answered::failed(ENOENT)) << name;
  }
}

TEST_P(BadTimeout, IsNeverRefusedOnDragonfly) {
  World world("dragonfly");
  const int kq = world.kqueue();
  EXPECT_EQ(world.call(with_timeout(World::kevent_op(kq, 1), GetParam())), Answered());
}

TEST_P(BadTimeout, IsTheBackendsAffairInLibkqueue) {
  World world("libkqueue");
  const int kq = world.kqueue();
  const Op op = with_timeout(World::kevent_op(kq, 1), GetParam());
  EXPECT_EQ(world.check_copy(op, Answered::failed(EINVAL)), Answer::kUndecided);
}

INSTANTIATE_TEST_SUITE_P(Both, BadTimeout, testing::Values(Timeout::kNegative, Timeout::kBadNanos),
                         case_number<Timeout>);

TEST(Call, EntriesComeBeforeTheTimeoutIsLookedAt) {
  World world;
  const int kq = world.kqueue();
  const std::vector<Event> change = {ev(USER, 1, ADD | RECEIPT, 0, 0, 7)};
  EXPECT_EQ(world.call(with_timeout(World::kevent_op(kq, change, 1), Timeout::kBadNanos)),
            Answered::of({ev(USER, 1, ERROR, 0, 0, 7)}));
}

// 2.13
TEST(Call, ANegativeNumberOfChangesIsRefusedByFreebsdMainAndZeroForFreebsd13) {
  World strict;
  const int kq = strict.kqueue();
  Op op = World::kevent_op(kq, 0);
  op.nchanges = -1;
  EXPECT_EQ(strict.call(op), Answered::failed(EINVAL));
  EXPECT_EQ(strict.refusal(op, Answered()).rule, "2.13");
  World old("freebsd13");
  op.fd = old.kqueue();
  EXPECT_EQ(old.call(op), Answered());
  World netbsd("netbsd");
  op.fd = netbsd.kqueue();
  EXPECT_EQ(netbsd.check_copy(op, Answered::failed(EFAULT)), Answer::kUndecided);
}

TEST(Call, ANegativeRoomIsRefusedByFreebsdMainAfterTheChanges) {
  World world;
  const int kq = world.kqueue();
  EXPECT_EQ(world.call(kq, {ev(USER, 1, ADD)}, -1), Answered::failed(EINVAL));
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  // With an entry to write it never gets to the check.
  EXPECT_EQ(world.call(kq, {ev(USER, 9, DELETE)}, -1).value, 1);
}

TEST(Call, ANegativeRoomIsUnlimitedOnFreebsd13) {
  World world("freebsd13");
  const int kq = world.kqueue();
  for (int i = 0; i < 20; i++) {
    world.change(kq, {ev(USER, i, ADD)});
    world.change(kq, {ev(USER, i, 0, TRIGGER)});
  }
  EXPECT_EQ(world.poll(kq, -1).value, 20);
}

TEST(Call, ANegativeRoomIsNoRoomOnOpenbsdAndMacos) {
  for (const char* name : {"openbsd", "macos", "dragonfly"}) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD, TRIGGER)});
    EXPECT_EQ(world.poll(kq, -1), Answered()) << name;
    EXPECT_EQ(world.call(kq, {ev(USER, 9, DELETE)}, -1), Answered::failed(ENOENT)) << name;
  }
}

TEST(Call, LibkqueueRefusesNegativeCountsBeforeAnythingElse) {
  World world("libkqueue");
  EXPECT_EQ(world.call(77, {}, -1), Answered::failed(EINVAL));
  Op op = World::kevent_op(77, 0);
  op.nchanges = -1;
  EXPECT_EQ(world.call(op), Answered::failed(EINVAL));
}

TEST(Call, ChangesAreAppliedEvenWithoutRoom) {
  World world;
  const int kq = world.kqueue();
  EXPECT_EQ(world.call(kq, {ev(USER, 1, ADD)}, 0), Answered());
  EXPECT_EQ(world.call(kq, {ev(USER, 1, DELETE)}, 0), Answered());
  EXPECT_EQ(world.call(kq, {ev(USER, 1, DELETE)}, 0), Answered::failed(ENOENT));
}

TEST(Call, ItsChangesTakeEffectBeforeItsScan) {  // I19
  World world;
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 3);
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, ADD, 0, 0, 5)}, 4),
            Answered::of({ev(READ, pipe.first, 0, 0, 3, 5)}));
  EXPECT_EQ(world.call(kq, {ev(READ, pipe.first, DELETE)}, 4), Answered());
}

TEST(Call, WithoutATimeoutItNeverReturnsEmpty) {  // I14
  World world;
  const int kq = world.kqueue();
  const Op op = with_timeout(World::kevent_op(kq, 1), Timeout::kForever);
  EXPECT_EQ(world.refusal(op, Answered()).rule, "I14");
  world.change(kq, {ev(USER, 1, ADD)});
  EXPECT_EQ(world.pending(kq), Tri::kNo);
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.pending(kq), Tri::kYes);
  EXPECT_EQ(world.call(op).value, 1);
}

TEST(Call, ItMayNotReturnMoreThanItsRoom) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD), ev(USER, 2, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER), ev(USER, 2, 0, TRIGGER)});
  const Answered two = Answered::of({ev(USER, 1, 0), ev(USER, 2, 0)});
  EXPECT_EQ(world.refusal(kq, {}, 1, two).verdict, Verdict::kWrongAnswer);
}

TEST(Call, AnErrnoThatNothingExplainsIsRefused) {
  World world;
  const int kq = world.kqueue();
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered::failed(ETIMEDOUT)).verdict, Verdict::kWrongErrno);
}

}  // namespace
}  // namespace kqtorture::contract
