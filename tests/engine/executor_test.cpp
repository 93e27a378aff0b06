// Each line of a litmus program becomes the calls that docs/litmus.md promises.
#include "engine/executor.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <vector>

#include "subject/shared_page.h"
#include "subjects.h"

namespace kqtorture {
namespace {

// Keeps every call in the model's words.
class Recorder : public Observer {
 public:
  void before(contract::Op*) override {}
  bool after(const contract::Op& op, const contract::Outcome& outcome) override {
    ops.push_back(op);
    outcomes.push_back(outcome);
    return true;
  }
  std::vector<contract::Op> ops;
  std::vector<contract::Outcome> outcomes;
};

class ExecutorTest : public testing::Test {
 protected:
  void SetUp() override { std::signal(SIGPIPE, SIG_IGN); }

  // Runs the program; afterwards recorder_ has the calls behind those that made the objects.
  void run(const std::string& text) {
    program_ = program_of(text);
    std::string why_not;
    ASSERT_TRUE(world_.begin(program_, &recorder_, &why_not)) << why_not;
    recorder_.ops.clear();
    recorder_.outcomes.clear();
    executor_.prepare(program_);
    for (const Thread& thread : program_.threads) {
      for (const Op& op : thread.ops) results_.push_back(executor_.run(op));
    }
  }
  const contract::Op& op(size_t index) { return recorder_.ops.at(index); }
  int64_t value(size_t index) { return recorder_.outcomes.at(index).value; }
  int error(size_t index) { return recorder_.outcomes.at(index).error; }

  Program program_;
  World world_{emulator()};
  Recorder recorder_;
  Executor executor_{&world_, &recorder_};
  std::vector<Executor::Result> results_;
};

TEST_F(ExecutorTest, KeventPassesCountsRoomAndTimeoutAsWritten) {
  run("pipe p\nkqueue k\nthread T\n"
      "kevent k (p.r READ ADD) (p.r READ 0) nchanges=1 room=-4\n"
      "kevent k timeout=fault\n"
      "kevent k room=1 timeout=-1:0\n"
      "kevent k room=1 timeout=0:1000000000\n");
  EXPECT_EQ(op(0).nchanges, 1);
  EXPECT_EQ(op(0).nevents, -4);
  EXPECT_EQ(error(0), EINVAL);
  EXPECT_EQ(op(1).timeout, contract::Timeout::kUnreadable);
  EXPECT_EQ(error(1), EFAULT);
  EXPECT_EQ(op(2).timeout, contract::Timeout::kNegative);
  EXPECT_EQ(error(2), EINVAL);
  EXPECT_EQ(op(3).timeout, contract::Timeout::kBadNanos);
  EXPECT_EQ(error(3), EINVAL);
}

// Else a supervisor takes a program that does nothing but wait for one that hangs.
TEST_F(ExecutorTest, EveryOperationIsProgress) {
  static SharedPage page{};
  use_shared_page(&page);
  run("user u 1\nkqueue k\nthread T\n"
      "sleep 10us\nawait\nsleep 10us\nkevent k (u USER ADD)\nkevent k room=1\n");
  EXPECT_GE(page.progress.load(), 5u);
  const uint64_t alone = page.progress.load();
  world_.end();
  run("kqueue k\nthread A\nsleep 10us\nawait\nthread B\nkevent k\n");
  EXPECT_EQ(page.progress.load(), alone + 2);
}

TEST_F(ExecutorTest, ListsFaultWhereTheProgramSaysSo) {
  run("user u 1\nuser v 2\nkqueue k\nthread T\n"
      "kevent k (u USER ADD) (v USER ADD) changes=fault:1\n"
      "kevent k (u USER ADD) changes=null\n"
      "kevent k (u USER ADD) (v USER ADD) (u USER 0 fflags=TRIGGER) (v USER 0 fflags=TRIGGER)\n"
      "kevent k room=2 events=fault:1\n"
      "kevent k room=2 events=null\n");
  EXPECT_EQ(op(0).changes_readable, 1);
  EXPECT_EQ(error(0), EFAULT);
  EXPECT_EQ(op(1).changes_readable, 0);
  EXPECT_EQ(error(1), EFAULT);
  EXPECT_EQ(value(2), 0);
  EXPECT_EQ(op(3).events_writable, 1);
  EXPECT_EQ(error(3), EFAULT);
  EXPECT_EQ(error(4), EFAULT);
}

TEST_F(ExecutorTest, AliasedListsAreOneArray) {
  run("user u 1\nkqueue k\nthread T\nkevent k (u USER DELETE udata=x) room=3 aliased\n");
  EXPECT_EQ(value(0), 1);
  EXPECT_EQ(op(0).changes[0].flags, flag::kDelete) << "the change as it was passed";
  EXPECT_EQ(recorder_.outcomes[0].events[0].flags, flag::kError);
}

TEST_F(ExecutorTest, FillAndDrainGoOnUntilTheObjectIsFullAndEmpty) {
  run("pipe p\neventfd e\nthread T\nfill p.w\ndrain p.r\nwrite e 3\ndrain e\n");
  EXPECT_EQ(recorder_.ops.size(), 2u + 2u + 1u + 2u);
  EXPECT_EQ(value(0), 65536);
  EXPECT_EQ(error(1), EAGAIN);
  EXPECT_EQ(value(2), 65536);
  EXPECT_EQ(error(3), EAGAIN);
  EXPECT_EQ(op(4).amount, 3);
  EXPECT_EQ(recorder_.outcomes[5].counter, 3u);
}

TEST_F(ExecutorTest, ReopenPutsAFreshObjectAtTheOldNumbers) {
  run("pipe p\nsocketpair s\nthread T\nclose p.w\nreopen p\nwrite p.w 5\nread p.r 5\n"
      "close s.a\nclose s.b\nreopen s\n");
  const int reader = world_.number(Ref{0, 0, 0});
  EXPECT_EQ(op(1).kind, contract::OpKind::kPipe);
  EXPECT_EQ(recorder_.ops.back().kind, contract::OpKind::kStreamPair);
  EXPECT_EQ(recorder_.outcomes.back().fd, world_.number(Ref{1, 0, 0}));
  bool wrote = false;
  for (size_t i = 0; i < recorder_.ops.size(); i++) {
    wrote |= op(i).kind == contract::OpKind::kRead && op(i).fd == reader && value(i) == 5;
  }
  EXPECT_TRUE(wrote);
}

TEST_F(ExecutorTest, ConnectionsAreMadeNamedAndTaken) {
  run("listener l\nunixlistener u\nfd d\nfd e\nthread T\n"
      "connect l -> d\naccept l -> e\nwrite d 5\nawait\nread e 5\nconnect u\naccept u\naccept u\n");
  EXPECT_EQ(op(0).kind, contract::OpKind::kConnect);
  EXPECT_EQ(op(1).kind, contract::OpKind::kAccept);
  EXPECT_EQ(value(4), 5) << "what the client wrote reached the server's side";
  EXPECT_EQ(error(7), EAGAIN);
}

TEST_F(ExecutorTest, WhatCannotBeDoneToAnObjectIsNotDone) {
  run("kqueue k\nfd d\npipe p\nthread T\ndup k -> d\nread d 5\nwrite d 5\ndup p.r -> d\nread d "
      "5\n");
  EXPECT_EQ(results_,
            (std::vector<Executor::Result>{Executor::Result::kDone, Executor::Result::kSkipped,
                                           Executor::Result::kSkipped, Executor::Result::kDone,
                                           Executor::Result::kDone}));
}

TEST_F(ExecutorTest, ANumberThatBelongsToSomebodyElseByNowIsNotTouched) {
  run("pipe p\nkqueue k\nthread T\nclose p.r\n");
  const int number = world_.number(Ref{0, 0, 0});
  const int other = dup2(0, number);  // the process around the program
  ASSERT_EQ(other, number);
  Op close;
  close.kind = OpKind::kClose;
  close.target = Ref{0, 0, 0};
  EXPECT_EQ(executor_.run(close), Executor::Result::kAstray);
  Op watch;
  watch.target = Ref{1, 0, 0};
  watch.changes.push_back(Change{Ref{0, 0, 0}, filter::kRead, flag::kAdd, 0, 0, 0});
  EXPECT_EQ(executor_.run(watch), Executor::Result::kAstray);
  EXPECT_GE(fcntl(number, F_GETFD), 0);
  ::close(number);
}

}  // namespace
}  // namespace kqtorture
