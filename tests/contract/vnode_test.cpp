// EVFILT_VNODE and EVFILT_EMPTY: which notes an operation leaves, what is open when two of them are
// looked at together, and whose filters they are. (3.2, 3.7)
#include "contract/vnode.h"

#include <cerrno>

#include "world.h"

namespace kqtorture::contract {
namespace {

using namespace note;
constexpr int16_t VNODE = filter::kVnode, EMPTY = filter::kEmpty;
constexpr int kAdd = flag::kAdd, kClear = flag::kClear;

class Vnode : public testing::TestWithParam<const char*> {
 protected:
  Vnode() : world("strict-2006", GetParam()), kq(world.kqueue()), file(world.file(10)) {}
  void watch(uint32_t notes, int flags = kClear) {
    world.change(kq, {ev(VNODE, file, kAdd | flags, notes)});
  }
  Answered one(uint32_t notes, int flags = kClear) {
    return Answered::of({ev(VNODE, file, flags, notes)});
  }
  Answered act(OpKind kind, int over = -1) {
    Op op;
    op.kind = kind;
    op.fd = file;
    op.fd2 = over;
    Outcome outcome;
    const Answered none;
    EXPECT_EQ(world.model().check(&world.states(), op, outcome, nullptr), Answer::kAccepted);
    return none;
  }
  World world;
  const int kq, file;
};
INSTANTIATE_TEST_SUITE_P(Hosts, Vnode, testing::Values("linux", "linux-at-once"),
                         [](const auto& row) {
                           return std::string(row.param) == "linux" ? "Late" : "AtOnce";
                         });

TEST_P(Vnode, AWriteTellsWhetherItExtends) {
  watch(kWrite | kExtend | kAttrib);
  EXPECT_EQ(world.poll(kq), Answered());
  world.write(file, 5);
  EXPECT_EQ(world.verdict(kq, 4, {}), "lost");
  EXPECT_EQ(world.rule(kq, 4, {ev(VNODE, file, kClear, kWrite | kExtend)}), "3.7");
  EXPECT_EQ(world.poll(kq), one(kWrite));
  EXPECT_EQ(world.verdict(kq, 4, {ev(VNODE, file, kClear, kWrite)}), "duplicate");
  world.write(file, 6);
  EXPECT_EQ(world.poll(kq), one(kWrite | kExtend));
}

TEST_P(Vnode, WhoAskedForOneNoteOfAnOperationGetsAll) {
  watch(kExtend);
  world.write(file, 5);
  EXPECT_EQ(world.poll(kq), Answered());
  world.write(file, 20);
  EXPECT_EQ(world.poll(kq), one(kWrite | kExtend));
}

TEST_P(Vnode, NotesAddUpUntilClear) {
  watch(kWrite | kAttrib | kRename | kLink | kDelete);
  world.write(file, 5);
  act(OpKind::kChmod);
  act(OpKind::kRename);
  EXPECT_EQ(world.poll(kq), one(kWrite | kAttrib | kRename));
  act(OpKind::kLink);
  EXPECT_EQ(world.poll(kq), one(kLink));
  act(OpKind::kUnlink);
  EXPECT_EQ(world.poll(kq), one(kDelete));
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_P(Vnode, WithoutClearTheyAreToldInEveryCall) {
  watch(kWrite, 0);
  world.write(file, 5);
  EXPECT_EQ(world.poll(kq), one(kWrite, 0));
  EXPECT_EQ(world.poll(kq), one(kWrite, 0));
  world.change(kq, {ev(VNODE, file, kAdd, kAttrib)});
  EXPECT_EQ(world.poll(kq), one(kWrite, 0));
}

TEST_P(Vnode, InterestIsThatOfTheTime) {
  watch(kWrite);
  world.write(file, 5);
  act(OpKind::kChmod);
  world.change(kq, {ev(VNODE, file, kAdd, kAttrib)});
  EXPECT_EQ(world.poll(kq), one(kWrite));
}

TEST_P(Vnode, ADirectoryIsWrittenByWhatHappensInItAndSubdirectoriesAreItsLinks) {
  const int directory = 50;
  world.object_saw(OpKind::kDirectory, directory, 0, 0);
  const auto entry = [&](OpKind kind, int64_t subdirectory, int error = 0) {
    world.object_saw(kind, directory, subdirectory, error == 0 ? 0 : -1, error);
  };
  const auto told = [&](uint32_t notes) {
    return Answered::of({ev(VNODE, directory, kClear, notes)});
  };
  world.change(kq, {ev(VNODE, directory, kAdd | kClear, kWrite | kLink | kExtend | kDelete)});
  entry(OpKind::kEntryGone, 0, ENOENT);
  EXPECT_EQ(world.poll(kq), Answered());
  entry(OpKind::kEntryMade, 0);
  EXPECT_EQ(world.verdict(kq, 4, {}), "lost");
  EXPECT_EQ(world.rule(kq, 4, {ev(VNODE, directory, kClear, kWrite | kLink)}), "3.7");
  EXPECT_EQ(world.poll(kq), told(kWrite));
  entry(OpKind::kEntryRenamed, 0);
  EXPECT_EQ(world.poll(kq), told(kWrite));
  entry(OpKind::kEntryMade, 1);
  EXPECT_EQ(world.poll(kq), told(kWrite | kLink));
  // Told each by itself, whatever comes between two looks.
  entry(OpKind::kEntryGone, 0);
  entry(OpKind::kEntryGone, 1);
  EXPECT_EQ(world.poll(kq), told(kWrite | kLink));
  entry(OpKind::kEntryRenamed, 0, ENOENT);
}

TEST_P(Vnode, ShorteningIsAnAttribute) {
  watch(kWrite | kExtend | kAttrib);
  world.truncate(file, 5);
  EXPECT_EQ(world.poll(kq), one(kWrite | kAttrib)) << "it may have been written after it was empty";
  world.truncate(file, 0);
  EXPECT_EQ(world.poll(kq), one(kAttrib));
  world.truncate(file, 0);
  EXPECT_EQ(world.poll(kq), one(kWrite)) << "nothing about it is different";
}

TEST_P(Vnode, ShortenedAndWrittenBetweenTwoLooksIsOpen) {
  watch(kWrite | kExtend | kAttrib);
  world.write(file, 20);
  world.truncate(file, 0);
  for (const uint32_t notes : {kAttrib, kWrite, kWrite | kExtend | kAttrib}) {
    EXPECT_TRUE(world.accepts(kq, {}, 4, one(notes))) << notes;
  }
  EXPECT_EQ(world.rule(kq, 4, {ev(VNODE, file, kClear, kRename)}), "3.7");
  world.saw(kq, {}, 4, one(kWrite));
  world.truncate(file, 0);
  EXPECT_EQ(world.poll(kq), one(kWrite)) << "and is settled by what was told";
}

TEST_P(Vnode, WhatIsCertainStaysCertainBesideIt) {
  watch(kWrite | kExtend | kAttrib | kRename);
  act(OpKind::kRename);
  world.write(file, 20);
  world.truncate(file, 0);
  EXPECT_EQ(world.verdict(kq, 4, {}), "lost");
  EXPECT_TRUE(world.accepts(kq, {}, 4, one(kRename | kWrite)));
  EXPECT_EQ(world.rule(kq, 4, {ev(VNODE, file, kClear, kWrite)}), "3.7");
}

TEST_P(Vnode, LinkedAndUnlinkedBetweenTwoLooksIsOpen) {
  watch(kLink | kDelete | kAttrib);
  act(OpKind::kLink);
  act(OpKind::kUnlink);
  EXPECT_TRUE(world.accepts(kq, {}, 4, one(kLink | kDelete)));
  EXPECT_TRUE(world.accepts(kq, {}, 4, one(kAttrib)));
  EXPECT_EQ(world.rule(kq, 4, {ev(VNODE, file, kClear, kWrite | kAttrib)}), "3.7");
}

TEST_P(Vnode, RenamedOverIsDeleted) {
  const int over = world.file(3);
  world.change(kq, {ev(VNODE, over, kAdd | kClear, kDelete | kRename)});
  act(OpKind::kReplace, over);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(VNODE, over, kClear, kDelete)}));
}

TEST_P(Vnode, AFileWithoutANameHasNoneToChange) {
  act(OpKind::kUnlink);
  for (const OpKind kind : {OpKind::kLink, OpKind::kUnlink, OpKind::kRename}) {
    Op op;
    op.kind = kind;
    op.fd = file;
    EXPECT_EQ(world.object_refusal(op, Outcome()).rule, "host") << op_name(kind);
    EXPECT_EQ(world.model().check(&world.states(), op, Outcome::failed(ENOENT), nullptr),
              Answer::kAccepted);
  }
  act(OpKind::kChmod);
}

TEST_P(Vnode, DisabledItGoesOnCounting) {
  watch(kWrite | kAttrib);
  world.change(kq, {ev(VNODE, file, flag::kDisable, kWrite | kAttrib)});
  world.write(file, 5);
  EXPECT_EQ(world.poll(kq), Answered());
  act(OpKind::kChmod);
  world.change(kq, {ev(VNODE, file, flag::kEnable, kWrite)});
  EXPECT_EQ(world.poll(kq), one(kWrite | kAttrib));
}

TEST_P(Vnode, AOneshotTellsAllUntilItsDelivery) {
  watch(kWrite | kAttrib, flag::kOneshot);
  world.write(file, 5);
  act(OpKind::kChmod);
  EXPECT_EQ(world.poll(kq), one(kWrite | kAttrib, flag::kOneshot));
  EXPECT_EQ(world.call(kq, {ev(VNODE, file, flag::kDelete)}), Answered::failed(ENOENT));
}

TEST_P(Vnode, AForcedOneNeedsNoNote) {
  watch(kWrite);
  world.change(kq, {ev(VNODE, file, flag::kForceOneshot, kWrite)});
  constexpr int kFlags = kClear | flag::kOneshot | flag::kForceOneshot;
  EXPECT_EQ(world.poll(kq), one(0, kFlags));
}

TEST_P(Vnode, WhatIsNoFileHasNone) {
  const Pair pipe = world.pipe();
  EXPECT_EQ(world.call(kq, {ev(VNODE, pipe.first, kAdd, kWrite)}), Answered::failed(EINVAL));
  EXPECT_EQ(world.call(kq, {ev(VNODE, world.kqueue(), kAdd)}), Answered::failed(EINVAL));
  EXPECT_EQ(world.call(kq, {ev(VNODE, 900, kAdd)}), Answered::failed(EBADF));
}

TEST_P(Vnode, EmptyIsTrueWhileNothingWaitsAtTheOtherSide) {
  const Pair pair = world.stream();
  world.change(kq, {ev(EMPTY, pair.first, kAdd)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(EMPTY, pair.first, 0)}));
  world.write(pair.first, 5);
  EXPECT_EQ(world.poll(kq), Answered());
  world.read(pair.second, 3);
  EXPECT_EQ(world.verdict(kq, 4, {ev(EMPTY, pair.first, 0)}), "phantom");
  EXPECT_EQ(world.poll(kq), Answered());
  world.read(pair.second, 2);
  EXPECT_EQ(world.verdict(kq, 4, {}), "lost");
  EXPECT_EQ(world.poll(kq), Answered::of({ev(EMPTY, pair.first, 0)}));
}

TEST_P(Vnode, EmptyOfAListenerIsAlwaysTrueAndOfAPipeRefused) {
  const int listener = world.listener();
  world.change(kq, {ev(EMPTY, listener, kAdd)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(EMPTY, listener, 0)}));
  EXPECT_EQ(world.call(kq, {ev(EMPTY, world.pipe().second, kAdd)}), Answered::failed(EINVAL));
  EXPECT_EQ(world.call(kq, {ev(EMPTY, file, kAdd)}), Answered::failed(EINVAL));
}

TEST(FileFilters, AreModelledWhereTheyAreFreebsds) {
  for (const char* profile : {"strict-2006", "freebsd", "freebsd13"}) {
    EXPECT_TRUE(find_profile(profile)->freebsd_files) << profile;
  }
  for (const char* profile : {"netbsd", "openbsd", "dragonfly", "macos", "libkqueue"}) {
    World world(profile, "linux");
    const Op op = World::kevent_op(world.kqueue(), 0);
    const std::vector<Event> change = {ev(VNODE, world.file(), kAdd, kWrite)};
    Op add = World::kevent_op(op.fd, change, 0);
    EXPECT_EQ(world.model().check(&world.states(), add, Outcome(), nullptr), Answer::kUndecided);
  }
}

}  // namespace
}  // namespace kqtorture::contract
