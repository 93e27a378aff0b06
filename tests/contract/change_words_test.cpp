// Which changes are refused, in which order of checks, and what do combinations of flags mean?
// (1.1, 1.3 item 6, 1.4)
#include "world.h"

namespace kqtorture::contract {
namespace {

constexpr int kClosed = 900;

// The errno of one change, seen as an entry; 0 for a receipt; -1 when nothing came.
int64_t answer(World& world, int kq, Event change) {
  const Answered answered = world.call(kq, {change}, 1);
  if (answered.value != 1) return answered.value == -1 ? answered.error : -1;
  EXPECT_NE(answered.events[0].flags & flag::kError, 0);
  return answered.events[0].data;
}

// 1.3, item 6: the checks, in FreeBSD's order, each change breaking several rules.
struct OrderRow {
  const char* what;
  Event change;
  int64_t expected;
};

class StrictOrder : public testing::TestWithParam<OrderRow> {};

TEST_P(StrictOrder, TheFirstRuleBrokenDecides) {
  World world;
  const int kq = world.kqueue();
  EXPECT_EQ(answer(world, kq, GetParam().change), GetParam().expected) << GetParam().what;
}

constexpr int kBoth = ENABLE | DISABLE;
INSTANTIATE_TEST_SUITE_P(
    Section13, StrictOrder,
    testing::Values(
        OrderRow{"unknown bit before filter 0", ev(0, 1, ADD | 0x0400), EINVAL},
        OrderRow{"unknown bit before a closed descriptor", ev(READ, kClosed, ADD | 0x0800), EINVAL},
        OrderRow{"unknown bit even with DELETE", ev(READ, kClosed, DELETE | 0x0400), EINVAL},
        OrderRow{"filter 0 is skipped", ev(0, 1, ADD), -1},
        OrderRow{"filter 0 leaves no receipt", ev(0, 1, ADD | RECEIPT), -1},
        OrderRow{"filter 0 before ENABLE+DISABLE", ev(0, 1, kBoth), -1},
        OrderRow{"ENABLE+DISABLE before a bad filter", ev(17, 1, kBoth), EINVAL},
        OrderRow{"ENABLE+DISABLE before a closed descriptor", ev(READ, kClosed, kBoth), EINVAL},
        OrderRow{"a positive filter", ev(1, kClosed, ADD), EINVAL},
        OrderRow{"a filter below the table", ev(-14, kClosed, ADD), EINVAL},
        OrderRow{"the lowest number there is", ev(INT16_MIN, kClosed, DELETE), EINVAL},
        OrderRow{"ADD+KEEPUDATA before a closed descriptor", ev(READ, kClosed, ADD | KEEP), EINVAL},
        OrderRow{"a closed descriptor before ENOENT", ev(READ, kClosed, DELETE), EBADF},
        OrderRow{"a closed descriptor with ADD", ev(WRITE, kClosed, ADD), EBADF},
        OrderRow{"an ident above INT_MAX", ev(READ, 0x80000000LL, ADD), EBADF},
        OrderRow{"an ident of -1", ev(READ, -1, ENABLE), EBADF},
        OrderRow{"no knote", ev(USER, 1, ENABLE), ENOENT},
        OrderRow{"no knote, any ident of USER", ev(USER, -1, 0), ENOENT},
        OrderRow{"no timer", ev(TIMER, 1, DISABLE), ENOENT},
        OrderRow{"an empty slot, with ADD", ev(filter::kAio, 1, ADD), ENXIO},
        OrderRow{"an empty slot, without", ev(filter::kLio, 1, ENABLE), ENOENT},
        OrderRow{"an empty slot's ident is no descriptor", ev(filter::kSendfile, kClosed, ADD),
                 ENXIO}),
    case_number<OrderRow>);

TEST(Change, WatchingTheKqueueItselfIsRefusedWhateverTheAction) {
  for (const char* name : kFreebsdProfiles) {
    World world(name);
    const int kq = world.kqueue();
    const int dup = world.dup(kq);
    EXPECT_EQ(answer(world, kq, ev(READ, kq, ADD)), EINVAL);
    EXPECT_EQ(answer(world, kq, ev(READ, kq, DELETE)), EINVAL);
    EXPECT_EQ(answer(world, kq, ev(WRITE, dup, 0)), EINVAL);
  }
}

TEST(Change, ReservedBitsAreClearedWithoutError) {
  for (const char* name : kFreebsdProfiles) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD | 0xF000)});
    world.change(kq, {ev(USER, 1, 0xF000, TRIGGER)});
    EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, 0)}));
  }
}

TEST(Change, UnknownBitsAreStoredAtCreationAndEchoedWhereTheyAreNotRefused) {
  World old("freebsd13");
  const int kq = old.kqueue();
  old.change(kq, {ev(USER, 1, ADD | 0x0E00)});
  old.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(old.poll(kq).events[0].flags, 0x0E00);

  World openbsd("openbsd");  // reserves 0x0800 too
  const int other = openbsd.kqueue();
  openbsd.change(other, {ev(USER, 1, ADD | 0x0E00, TRIGGER)});
  EXPECT_EQ(openbsd.poll(other).events[0].flags & 0x0F00, 0x0600);
}

TEST(Change, ARefusedOneLeavesTheKnoteAsItWas) {  // I18
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD, 0, 0, 5)});
  EXPECT_EQ(answer(world, kq, ev(USER, 1, 0x0400, TRIGGER, 0, 6)), EINVAL);
  EXPECT_EQ(answer(world, kq, ev(USER, 1, ENABLE | DISABLE, TRIGGER, 0, 6)), EINVAL);
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(USER, 1, KEEP, TRIGGER, 0, 6)});
  EXPECT_EQ(world.poll(kq).events[0].udata, 5u);
}

TEST(Change, ReservedBitsComeBackInLibkqueueAndNowhereElse) {
  for (const char* name : {"freebsd", "netbsd", "openbsd", "dragonfly", "macos", "libkqueue"}) {
    World world(name);
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 1);
    world.change(kq, {ev(READ, pipe.first, ADD | 0x3000)});
    const int kept = name == std::string_view("libkqueue") ? 0x3000 : 0;
    EXPECT_EQ(world.poll(kq).events[0].flags & 0x3000, kept) << name;
  }
}

TEST(Change, AClosedDescriptorIsEnoentWhereTheKnoteIsLookedUpFirst) {
  for (const char* name : {"macos", "libkqueue"}) {
    World world(name);
    const int kq = world.kqueue();
    EXPECT_EQ(answer(world, kq, ev(READ, kClosed, DELETE)), ENOENT) << name;
    EXPECT_EQ(answer(world, kq, ev(READ, kClosed, ADD)), EBADF) << name;
  }
  for (const char* name : {"netbsd", "openbsd", "dragonfly"}) {
    World world(name);
    const int kq = world.kqueue();
    EXPECT_EQ(answer(world, kq, ev(READ, kClosed, DELETE)), EBADF) << name;
  }
}

TEST(Change, FilterZeroIsReadOnNetbsdAndRefusedElsewhere) {
  World netbsd("netbsd");
  const int kq = netbsd.kqueue();
  const Pair pipe = netbsd.pipe();
  netbsd.write(pipe.second, 1);
  netbsd.change(kq, {ev(0, pipe.first, ADD)});
  EXPECT_EQ(netbsd.poll(kq).events[0].filter, READ);
  for (const char* name : {"openbsd", "dragonfly", "macos", "libkqueue"}) {
    World world(name);
    const int other = world.kqueue();
    EXPECT_EQ(answer(world, other, ev(0, 1, ADD)), EINVAL) << name;
  }
}

TEST(Change, AFilterThatIsNotThereIsEinvalOutsideFreebsd) {
  for (const char* name : {"netbsd", "openbsd", "dragonfly", "macos"}) {
    World world(name);
    const int kq = world.kqueue();
    EXPECT_EQ(answer(world, kq, ev(filter::kAio, 1, ADD)), EINVAL) << name;
    EXPECT_EQ(answer(world, kq, ev(filter::kAio, 1, DELETE)), EINVAL) << name;
  }
  World libkqueue("libkqueue");
  const int kq = libkqueue.kqueue();
  for (const int error : {EINVAL, ENOSYS}) {
    EXPECT_TRUE(libkqueue.accepts(kq, {ev(filter::kAio, 1, ADD)}, 1,
                                  Answered::of({ev(filter::kAio, 1, ADD | ERROR, 0, error)})));
  }
  EXPECT_FALSE(libkqueue.accepts(kq, {ev(filter::kAio, 1, ADD)}, 0, Answered::failed(ENXIO)));
  EXPECT_TRUE(libkqueue.accepts(kq, {ev(filter::kAio, 1, ADD)}, 0, Answered::failed(ENOSYS)));
}

TEST(Change, AFilterThatTheModelHasNotMakesTheProgramUndecided) {
  World world("freebsd", "bsd");
  const int kq = world.kqueue();
  const std::vector<Event> changes = {ev(filter::kSignal, 1, ADD)};
  const Op op = World::kevent_op(kq, changes, 0);
  EXPECT_EQ(world.check_copy(op, Answered()), Answer::kUndecided);
}

// 1.4
TEST(Combination, EnableWithDisable) {
  struct {
    const char* profile;
    int error;
    bool enabled;
  } const rows[] = {{"netbsd", 0, true},
                    {"openbsd", 0, true},
                    {"dragonfly", 0, true},
                    {"macos", 0, false},
                    {"libkqueue", 0, false}};
  for (const auto& row : rows) {
    World world(row.profile);
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 1);
    world.change(kq, {ev(READ, pipe.first, ADD | DISABLE)});
    world.change(kq, {ev(READ, pipe.first, ENABLE | DISABLE)});
    EXPECT_EQ(world.poll(kq).value, row.enabled ? 1 : 0) << row.profile;
  }
}

TEST(Combination, AddWithDeleteOfNothing) {
  for (const char* name : kAllProfiles) {
    World world(name);
    const int kq = world.kqueue();
    const Answered answered = world.call(kq, {ev(USER, 1, ADD | DELETE)}, 0);
    const bool creates = std::string(name) != "macos";
    EXPECT_EQ(answered, creates ? Answered() : Answered::failed(ENOENT)) << name;
    EXPECT_EQ(world.state().knotes, creates ? 1 : 0) << name;
  }
}

TEST(Combination, AddWithDeleteOfAKnote) {
  for (const char* name : kAllProfiles) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD, 0, 0, 5)});
    world.change(kq, {ev(USER, 1, ADD | DELETE, 0, 0, 6)});
    const std::string profile = name;
    const bool modifies = profile == "openbsd" || profile == "dragonfly";
    EXPECT_EQ(world.state().knotes, modifies ? 1 : 0) << name;
  }
}

TEST(Combination, DeleteWithAnythingElseDeletes) {
  for (const int with : {ENABLE, DISABLE, ONESHOT | CLEAR, static_cast<int>(DISPATCH), FORCE,
                         FORCE | ENABLE, KEEP}) {
    World world;
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD)});
    world.change(kq, {ev(USER, 1, DELETE | with, TRIGGER)});
    EXPECT_EQ(world.call(kq, {ev(USER, 1, DELETE)}), Answered::failed(ENOENT)) << with;
    EXPECT_EQ(world.poll(kq), Answered());
  }
}

TEST(Combination, AddWithDisableIsCreatedDisabledAndNotEvaluatedOnFreebsd) {
  for (const char* name : {"strict-2006", "freebsd13", "freebsd", "macos"}) {
    World world(name);
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 1);
    world.change(kq, {ev(READ, pipe.first, ADD | DISABLE)});
    EXPECT_EQ(world.state().knote[0].active, Active::kNo) << name;
    EXPECT_EQ(world.poll(kq), Answered());
    EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pipe.first, 0, 0, 1)}), "phantom");
  }
}

TEST(Combination, AddWithDisableKeepsTheActiveBitWhereItIsEvaluated) {
  for (const char* name : {"netbsd", "openbsd", "dragonfly"}) {
    World world(name);
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 1);
    world.change(kq, {ev(READ, pipe.first, ADD | DISABLE)});
    EXPECT_EQ(world.state().knote[0].active, Active::kYes) << name;
    EXPECT_EQ(world.poll(kq), Answered());
  }
}

TEST(Combination, NoFlagsModifyAKnoteAndFireItAgainWhileItsConditionHolds) {
  for (const char* name : {"strict-2006", "freebsd13", "netbsd", "dragonfly", "macos"}) {
    World world(name);
    const int kq = world.kqueue();
    const Pair pipe = world.pipe();
    world.write(pipe.second, 2);
    world.change(kq, {ev(READ, pipe.first, ADD | CLEAR)});
    EXPECT_EQ(world.poll(kq).value, 1);
    EXPECT_EQ(world.poll(kq).value, 0);
    world.change(kq, {ev(READ, pipe.first, 0)});
    EXPECT_EQ(world.poll(kq).value, 1) << name;
  }
}

TEST(Combination, NoFlagsDoNothingOnOpenbsdButToUser) {
  World world("openbsd");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 2);
  world.change(kq, {ev(READ, pipe.first, ADD | CLEAR, 0, 0, 5)});
  world.poll(kq);
  world.change(kq, {ev(READ, pipe.first, 0, 0, 0, 6)});
  EXPECT_EQ(world.poll(kq).value, 0);
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER, 0, 6)});
  EXPECT_EQ(world.poll(kq).events[0].udata, 6u);
}

TEST(Combination, DispatchWithOneshotIsOneshot) {
  for (const char* name : {"strict-2006", "freebsd13", "netbsd", "openbsd", "dragonfly", "macos"}) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD | DISPATCH | ONESHOT)});
    world.change(kq, {ev(USER, 1, 0, TRIGGER)});
    EXPECT_EQ(world.poll(kq).value, 1);
    EXPECT_EQ(world.state().knotes, 0) << name;
  }
  World libkqueue("libkqueue");
  const int kq = libkqueue.kqueue();
  EXPECT_EQ(libkqueue.call(kq, {ev(USER, 1, ADD | DISPATCH | ONESHOT)}), Answered::failed(EINVAL));
}

TEST(Combination, DispatchWithClearAppliesBothButOnNetbsd) {
  for (const char* name : kAllProfiles) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD | DISPATCH | CLEAR)});
    world.change(kq, {ev(USER, 1, 0, TRIGGER)});
    EXPECT_EQ(world.poll(kq).value, 1) << name;
    EXPECT_EQ(world.state().knote[0].disabled, std::string(name) != "netbsd") << name;
    EXPECT_EQ(world.state().knote[0].latch, Tri::kNo) << name;
  }
}

TEST(Combination, KeepUdataWithAddIsIgnoredByFreebsd13) {
  World world("freebsd13");
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | KEEP, 0, 0, 5)});
  world.change(kq, {ev(USER, 1, KEEP, TRIGGER, 0, 6)});
  EXPECT_EQ(world.poll(kq).events[0].udata, 6u);
}

TEST(Combination, TheFreebsdNumbersMeanSomethingElseToMacos) {
  World world("macos");
  const int kq = world.kqueue();
  for (const int bit : {FORCE, KEEP}) {
    const std::vector<Event> changes = {ev(USER, 1, ADD | bit)};
    const Op op = World::kevent_op(kq, changes, 0);
    EXPECT_EQ(world.check_copy(op, Answered()), Answer::kUndecided);
  }
}

}  // namespace
}  // namespace kqtorture::contract
