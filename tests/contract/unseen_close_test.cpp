// What may a kqueue answer after a close that it did not see? A knote of the vanished file is there
// or gone, until the next ADD of the number; an event of it never comes.
#include "world.h"

namespace kqtorture::contract {
namespace {

Answered entry(int16_t number, int fd, int error) {
  return Answered::of({ev(number, fd, ERROR, 0, error)});
}

class UnseenClose : public testing::Test {
 protected:
  void SetUp() override {
    kq_ = world_.kqueue();
    pipe_ = world_.pipe();
    world_.write(pipe_.second, 3);
    world_.change(kq_, {ev(READ, pipe_.first, ADD)});
  }
  bool answers(const std::vector<Event>& changes, const Answered& answered) const {
    return world_.accepts(kq_, changes, 8, answered);
  }
  bool answers(int flags, int error) const {
    return answers({ev(READ, pipe_.first, flags | RECEIPT)}, entry(READ, pipe_.first, error));
  }

  World world_;
  int kq_ = -1;
  Pair pipe_{};
};

TEST_F(UnseenClose, AChangeFindsTheKnoteOrTheClosedNumber) {
  world_.close_unseen(pipe_.first);
  EXPECT_TRUE(answers(0, 0));
  EXPECT_TRUE(answers(DELETE, 0));
  EXPECT_TRUE(answers(0, EBADF));
  EXPECT_FALSE(answers(0, ENOENT));
  EXPECT_FALSE(answers(ADD, 0));
  EXPECT_TRUE(answers(ADD, EBADF));
}

TEST_F(UnseenClose, NoEventOfItComes) {
  world_.close_unseen(pipe_.first);
  EXPECT_EQ(world_.verdict(kq_, 8, {ev(READ, pipe_.first, 0, 0, 3)}), "stale-generation");
  EXPECT_TRUE(answers(std::vector<Event>{}, Answered()));
}

TEST_F(UnseenClose, WhatAnAddFoundOutIsGoneForGood) {
  world_.close_unseen(pipe_.first);
  world_.saw(kq_, {ev(READ, pipe_.first, ADD | RECEIPT)}, 8, entry(READ, pipe_.first, EBADF));
  EXPECT_FALSE(answers(0, 0));
  EXPECT_TRUE(answers(0, EBADF));
}

TEST_F(UnseenClose, WhatOneChangeDidNotFindTheNextOneDoesNotFindEither) {
  world_.close_unseen(pipe_.first);
  const Event ask = ev(READ, pipe_.first, RECEIPT);
  const Event there = ev(READ, pipe_.first, ERROR);
  const Event gone = ev(READ, pipe_.first, ERROR, 0, EBADF);
  EXPECT_TRUE(answers({ask, ask}, Answered::of({there, there})));
  EXPECT_TRUE(answers({ask, ask}, Answered::of({there, gone})));
  EXPECT_TRUE(answers({ask, ask}, Answered::of({gone, gone})));
  EXPECT_FALSE(answers({ask, ask}, Answered::of({gone, there})));
}

TEST_F(UnseenClose, AnotherFileAtTheNumberHasNoKnoteOrTheOldOne) {
  const Pair other = world_.pipe();
  world_.write(other.second, 9);
  world_.close_unseen(pipe_.first);
  world_.dup2(other.first, pipe_.first);
  EXPECT_TRUE(answers(0, 0));
  EXPECT_TRUE(answers(0, ENOENT));
  EXPECT_EQ(world_.verdict(kq_, 8, {ev(READ, pipe_.first, 0, 0, 3)}), "stale-generation");
  EXPECT_EQ(world_.verdict(kq_, 8, {ev(READ, pipe_.first, 0, 0, 9)}), "stale-generation");
  world_.change(kq_, {ev(READ, pipe_.first, ADD, 0, 0, 7)});
  EXPECT_EQ(world_.poll(kq_), Answered::of({ev(READ, pipe_.first, 0, 0, 9, 7)}));
}

TEST_F(UnseenClose, ASeenCloseOfTheNumberEndsAllDoubt) {
  const Pair other = world_.pipe();
  world_.close_unseen(pipe_.first);
  world_.dup2(other.first, pipe_.first);
  world_.close(pipe_.first);
  world_.dup2(other.first, pipe_.first);
  EXPECT_FALSE(answers(0, 0));
  EXPECT_TRUE(answers(0, ENOENT));
}

TEST_F(UnseenClose, AFileThatComesBackKeepsItsKnoteOrLostIt) {
  const int copy = world_.dup(pipe_.first);
  world_.close_unseen(pipe_.first);
  world_.dup2(copy, pipe_.first);
  const Answered event = Answered::of({ev(READ, pipe_.first, 0, 0, 3)});
  EXPECT_TRUE(answers(std::vector<Event>{}, event));
  EXPECT_TRUE(answers(std::vector<Event>{}, Answered()));
  EXPECT_TRUE(answers(0, ENOENT));
  world_.saw(kq_, {}, 8, event);
  EXPECT_FALSE(answers(0, ENOENT)) << "an event has told that it is there";
  EXPECT_FALSE(answers(std::vector<Event>{}, Answered()));
}

TEST_F(UnseenClose, BothFiltersOfAKqueueShareTheirFate) {
  const Pair sockets = world_.stream();
  const int copy = world_.dup(sockets.first);
  world_.change(kq_, {ev(READ, sockets.first, ADD), ev(WRITE, sockets.first, ADD)});
  world_.close_unseen(sockets.first);
  world_.dup2(copy, sockets.first);
  const std::vector<Event> ask = {ev(READ, sockets.first, RECEIPT),
                                  ev(WRITE, sockets.first, RECEIPT)};
  const auto told = [&](int read, int write) {
    return answers(ask, Answered::of({ev(READ, sockets.first, ERROR, 0, read),
                                      ev(WRITE, sockets.first, ERROR, 0, write)}));
  };
  EXPECT_TRUE(told(0, 0));
  EXPECT_TRUE(told(ENOENT, ENOENT));
  EXPECT_FALSE(told(ENOENT, 0));
}

TEST_F(UnseenClose, OfTheLastDescriptorIsHeardAtTheOtherEnd) {
  world_.change(kq_, {ev(WRITE, pipe_.second, ADD)});
  world_.close_unseen(pipe_.first);
  EXPECT_EQ(world_.poll(kq_), Answered::of({ev(WRITE, pipe_.second, END | ONESHOT)}));
}

TEST_F(UnseenClose, AFileOpenedAnewMayPassForTheOldOne) {
  const int file = world_.file(5);
  world_.change(kq_, {ev(READ, file, ADD)});
  const int other = world_.file(8);
  world_.close_unseen(file);
  world_.dup2(other, file);
  EXPECT_TRUE(answers({ev(READ, file, RECEIPT)}, entry(READ, file, 0)));
  EXPECT_TRUE(answers({ev(READ, file, RECEIPT)}, entry(READ, file, ENOENT)));
  EXPECT_FALSE(answers(std::vector<Event>{}, Answered::of({ev(READ, file, 0, 0, 5)})));
}

TEST_F(UnseenClose, OfAKqueueIsBeyondTheModel) {
  Op op;
  op.kind = OpKind::kUnseenClose;
  op.fd = kq_;
  EXPECT_EQ(world_.check_copy(op, Answered()), Answer::kUndecided);
}

}  // namespace
}  // namespace kqtorture::contract
