// EVFILT_USER: trigger, saved fflags, saved data. (3.3)
#include "world.h"

namespace kqtorture::contract {
namespace {

constexpr uint32_t kAnd = note::kFfAnd, kOr = note::kFfOr, kCopy = note::kFfCopy;

struct UserRow {
  const char* profile;
  bool triggered_at_creation;
  uint32_t saved;  // and shown, after ADD with TRIGGER|FFCOPY|0x5
};
class UserCreation : public testing::TestWithParam<UserRow> {};

TEST_P(UserCreation, TriggersAndSavesAsTheTableSays) {
  const UserRow& row = GetParam();
  World world(row.profile);
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD, TRIGGER | kCopy | 0x5, 44)});
  EXPECT_EQ(world.pending(kq), tri(row.triggered_at_creation));
  if (!row.triggered_at_creation) {
    EXPECT_EQ(world.rule(kq, 1, {ev(USER, 1, 0, row.saved, 44)}), "I10");
    world.change(kq, {ev(USER, 1, 0, TRIGGER, 44)});
  }
  const Event event = world.poll(kq).events[0];
  EXPECT_EQ(event.fflags, row.saved);
  EXPECT_EQ(event.data, 44);
}

INSTANTIATE_TEST_SUITE_P(Section33, UserCreation,
                         testing::Values(UserRow{"strict-2006", false, TRIGGER | kCopy | 0x5},
                                         UserRow{"freebsd13", false, TRIGGER | kCopy | 0x5},
                                         UserRow{"freebsd", false, TRIGGER | kCopy | 0x5},
                                         UserRow{"netbsd", false, TRIGGER | kCopy | 0x5},
                                         UserRow{"openbsd", true, TRIGGER * 0 + 0x5},
                                         UserRow{"dragonfly", true, 0x5},
                                         UserRow{"macos", true, TRIGGER | kCopy | 0x5},
                                         UserRow{"libkqueue", false, 0x5}),
                         case_number<UserRow>);

TEST(UserCreation, WithFfnopSavesNothingOnDragonfly) {
  World world("dragonfly");
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD, TRIGGER | 0x5)});
  EXPECT_EQ(world.poll(kq).events[0].fflags, 0u);
}

class UserFlags : public EveryProfile {};
INSTANTIATE_TEST_SUITE_P(All, UserFlags, testing::ValuesIn(kAllProfiles),
                         profile_case_name<const char*>);

TEST_P(UserFlags, AreCombinedOnTheLow24Bits) {
  World world(GetParam());
  const int kq = world.kqueue();
  const auto after = [&](uint32_t fflags) {
    world.change(kq, {ev(USER, 1, 0, fflags | TRIGGER)});
    return world.poll(kq).events[0].fflags;
  };
  world.change(kq, {ev(USER, 1, ADD, kCopy | 0xf0)});
  EXPECT_EQ(after(kCopy | 0x123456), 0x123456u);
  EXPECT_EQ(after(0xfff), 0x123456u) << "FFNOP";
  EXPECT_EQ(after(kAnd | 0xff), 0x56u);
  EXPECT_EQ(after(kOr | 0xa9), 0xffu);
  EXPECT_EQ(after(kCopy), 0u);
}

TEST_P(UserFlags, TriggersCoalesce) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | CLEAR)});
  for (int i = 0; i < 4; i++) world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq).value, 1);
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_P(UserFlags, ALevelKnoteFiresForEver) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  for (int i = 0; i < 3; i++) EXPECT_EQ(world.poll(kq).value, 1);
}

TEST_P(UserFlags, DataIsOverwrittenByEveryChangeButInLibkqueue) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD, 0, 44)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER, 55)});
  const bool kept = std::string(GetParam()) == "libkqueue";
  EXPECT_EQ(world.poll(kq).events[0].data, kept ? 44 : 55);
}

TEST_P(UserFlags, ClearInTheChangeCancelsItsOwnTrigger) {
  const std::string profile = GetParam();
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  // libkqueue's hook does not run for a change that is only CLEAR.
  const int flags = profile == "libkqueue" ? CLEAR | ADD : CLEAR;
  world.change(kq, {ev(USER, 1, flags, TRIGGER)});
  const bool cancels = profile != "macos" && profile != "libkqueue";
  EXPECT_EQ(world.poll(kq).value, cancels ? 0 : 1);
}

TEST_P(UserFlags, ADispatchKnoteFiresAgainOnEnableWithoutANewTrigger) {
  const std::string profile = GetParam();
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | DISPATCH)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq).value, 1);
  world.change(kq, {ev(USER, 1, ENABLE)});
  EXPECT_EQ(world.poll(kq).value, profile == "libkqueue" ? 0 : 1);
}

TEST_P(UserFlags, AOneshotEventHasItsResultButOnFreebsd) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | ONESHOT, 0, 44)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER | kCopy | 0x7, 44)});
  const Event event = world.poll(kq).events[0];
  const bool zeroed = std::string(GetParam()) == "strict-2006" ||
                      std::string(GetParam()) == "freebsd13" ||
                      std::string(GetParam()) == "freebsd";
  EXPECT_EQ(event.fflags, zeroed ? 0u : 0x7u);
  EXPECT_EQ(event.data, zeroed ? 0 : 44);
}

TEST_P(UserFlags, ATriggerOnADisabledKnoteIsKeptButInLibkqueue) {
  World world(GetParam());
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | DISABLE)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.change(kq, {ev(USER, 1, ENABLE)});
  EXPECT_EQ(world.poll(kq).value, std::string(GetParam()) == "libkqueue" ? 0 : 1);
}

TEST(User, AClearDeliveryKeepsTheResultButOnDragonfly) {
  for (const char* name : {"strict-2006", "netbsd", "openbsd", "dragonfly", "macos"}) {
    World world(name);
    const int kq = world.kqueue();
    world.change(kq, {ev(USER, 1, ADD | CLEAR)});
    world.change(kq, {ev(USER, 1, 0, TRIGGER | kCopy | 0x7)});
    EXPECT_EQ(world.poll(kq).events[0].fflags, 0x7u);
    world.change(kq, {ev(USER, 1, 0, TRIGGER)});
    EXPECT_EQ(world.poll(kq).events[0].fflags, std::string(name) == "dragonfly" ? 0u : 0x7u);
  }
}

TEST(User, ClearInAChangeZeroesTheDataOnDragonfly) {
  World world("dragonfly");
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD, TRIGGER)});
  world.change(kq, {ev(USER, 1, CLEAR, 0, 55)});
  world.change(kq, {ev(USER, 1, DISABLE, 0, 66)});
  EXPECT_EQ(world.state().knote[0].sdata, 66);
  world.change(kq, {ev(USER, 1, CLEAR, 0, 55)});
  EXPECT_EQ(world.state().knote[0].sdata, 0);
}

TEST(User, AWithdrawnTriggerStillFiresAOneshotKnote) {
  World world;  // the active bit stays, and ONESHOT is not looked at again
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD | ONESHOT)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  world.change(kq, {ev(USER, 1, CLEAR)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, 1, ONESHOT)}));
}

TEST(User, AnyIdentWillDo) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, -1, ADD, 0, 0, 5)});
  world.change(kq, {ev(USER, -1, KEEP, TRIGGER)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(USER, -1, 0, 0, 0, 5)}));
}

TEST(User, WrongFflagsAreFound) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER | kCopy | 0x7)});
  EXPECT_EQ(world.rule(kq, 1, {ev(USER, 1, 0, 0x6)}), "3.3");
  EXPECT_EQ(world.rule(kq, 1, {ev(USER, 1, 0, TRIGGER | 0x7)}), "3.3");
}

}  // namespace
}  // namespace kqtorture::contract
