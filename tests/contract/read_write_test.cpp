// What do READ and WRITE say about each kind of object? (3.1, 3.2, I11)
#include "world.h"

namespace kqtorture::contract {
namespace {

// One event of a filter on a descriptor, or nothing.
Answered one_event(World& world, int16_t number, int fd, uint32_t fflags = 0, int64_t data = 0) {
  const int kq = world.kqueue();
  world.change(kq, {ev(number, fd, ADD, fflags, data)});
  const Answered answered = world.poll(kq);
  world.close(kq);
  return answered;
}

class ReadWrite : public FreebsdProfile {};
INSTANTIATE_TEST_SUITE_P(All, ReadWrite, testing::ValuesIn(kFreebsdProfiles),
                         profile_case_name<const char*>);

TEST_P(ReadWrite, APipeSaysItsBytesAndIgnoresLowat) {
  World world(GetParam());
  const Pair pipe = world.pipe();
  EXPECT_EQ(one_event(world, READ, pipe.first), Answered());
  world.write(pipe.second, 700);
  EXPECT_EQ(one_event(world, READ, pipe.first).events[0].data, 700);
  EXPECT_EQ(one_event(world, READ, pipe.first, LOWAT, 1000).value, 1);
}

TEST_P(ReadWrite, APipesWrongEndsTellOfTheReadersEndAtMost) {
  World world(GetParam());
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1);
  EXPECT_EQ(one_event(world, READ, pipe.second), Answered());
  EXPECT_EQ(one_event(world, WRITE, pipe.first), Answered());
  world.close(pipe.first);
  EXPECT_EQ(one_event(world, READ, pipe.second), Answered::of({ev(READ, pipe.second, END)}));
}

TEST_P(ReadWrite, APipeIsWritableWithItsFreeSpace) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.write(pipe.second, 1000);
  world.change(kq, {ev(WRITE, pipe.second, ADD)});
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(WRITE, pipe.second, 0, 0, 64536)})));
  EXPECT_EQ(world.verdict(kq, 1, {ev(WRITE, pipe.second, 0, 0, 64537)}), "wrong-answer");
  EXPECT_EQ(world.verdict(kq, 1, {ev(WRITE, pipe.second, 0, 0, 0)}), "wrong-answer");
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
}

TEST_P(ReadWrite, AFullPipeIsNot) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.object_saw(OpKind::kWrite, pipe.second, 100000, 65536);
  world.change(kq, {ev(WRITE, pipe.second, ADD)});
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.verdict(kq, 1, {ev(WRITE, pipe.second, 0, 0, 1)}), "phantom");
  world.read(pipe.first, 1);  // a slot of 4096 bytes is not free yet
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  world.read(pipe.first, 65536);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_EQ(world.poll(kq).value, 1);
}

TEST_P(ReadWrite, ManySmallWritesMayUseUpAPipesSlots) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  for (int i = 0; i < 16; i++) world.write(pipe.second, 2049);
  world.change(kq, {ev(WRITE, pipe.second, ADD)});
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(WRITE, pipe.second, 0, 0, 4096)})));
}

TEST_P(ReadWrite, AddOfWriteWithoutAReaderIsEpipe) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.close(pipe.first);
  EXPECT_EQ(world.call(kq, {ev(WRITE, pipe.second, ADD)}), Answered::failed(EPIPE));
  EXPECT_EQ(world.call(kq, {ev(WRITE, pipe.second, DELETE)}), Answered::failed(ENOENT));
  EXPECT_EQ(world.state().knotes, 0);
}

TEST_P(ReadWrite, ASocketHonoursLowat) {
  World world(GetParam());
  const Pair pair = world.stream();
  EXPECT_EQ(one_event(world, READ, pair.first), Answered());
  world.write(pair.second, 5);
  EXPECT_EQ(one_event(world, READ, pair.first).events[0].data, 5);
  EXPECT_EQ(one_event(world, READ, pair.first, LOWAT, 6), Answered());
  EXPECT_EQ(one_event(world, READ, pair.first, LOWAT, 5).value, 1);
  EXPECT_EQ(one_event(world, READ, pair.second, LOWAT, 0).value, 1) << "zero bytes reach zero";
}

TEST_P(ReadWrite, ActivityThatCameAndWentIsSeenOrNotEvenAtALowatOfZero) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  EXPECT_EQ(world.call(kq, {ev(READ, pair.first, ADD | CLEAR, LOWAT)}, 1).value, 1);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  world.write(pair.second, 1);
  EXPECT_EQ(world.poll(kq).value, 1) << "it still shows";
  world.write(pair.second, 1);
  world.read(pair.first, 2);
  EXPECT_EQ(world.poll(kq).value, 1);

  World late("strict-2006", "linux");
  const int queue = late.kqueue();
  const Pair sockets = late.stream();
  EXPECT_EQ(late.call(queue, {ev(READ, sockets.first, ADD | CLEAR, LOWAT)}, 1).value, 1);
  late.write(sockets.second, 1);
  EXPECT_FALSE(late.accepts(queue, {}, 1, Answered()));
  late.read(sockets.first, 1);
  EXPECT_TRUE(late.accepts(queue, {}, 1, Answered()));
}

TEST_P(ReadWrite, ASocketsEndOfFileKeepsTheRemainingBytes) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.write(pair.second, 5);
  world.close(pair.second);
  world.change(kq, {ev(READ, pair.first, ADD)});
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pair.first, END, 0, 5)}));
  world.read(pair.first, 5);
  EXPECT_EQ(world.poll(kq), Answered::of({ev(READ, pair.first, END, 0, 0)}));
  EXPECT_EQ(world.poll(kq).value, 1) << "the knote stays";
}

TEST_P(ReadWrite, ASocketWhosePeerIsGoneIsEofForWriteToo) {
  World world(GetParam());
  const Pair pair = world.stream();
  world.close(pair.second);
  EXPECT_EQ(one_event(world, WRITE, pair.first).events[0].flags, END);
  EXPECT_EQ(world.write(pair.first, 1), Answered::failed(EPIPE));
}

TEST_P(ReadWrite, AWriteThatFailsDoesNotTakeTheResetAway) {
  World world(GetParam());
  const Pair pair = world.stream();
  world.write(pair.first, 5);
  world.close(pair.second);
  world.object_saw(OpKind::kWrite, pair.first, 1, -1, EPIPE);
  const int kq = world.kqueue();
  world.change(kq, {ev(READ, pair.first, ADD)});
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, END, ECONNRESET)})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, END)})));
  world.object_saw(OpKind::kRead, pair.first, 1, -1, ECONNRESET);
  EXPECT_FALSE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, END, ECONNRESET)})));
}

TEST_P(ReadWrite, UnreadBytesMayLeaveAResetAtThePeer) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.write(pair.first, 5);
  world.close(pair.second);
  world.change(kq, {ev(READ, pair.first, ADD)});
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, END)})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, END, ECONNRESET)})));
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pair.first, END, EPIPE)}), "wrong-answer");
  world.object_saw(OpKind::kRead, pair.first, 1, -1, ECONNRESET);
}

TEST_P(ReadWrite, ShutdownOfSendingIsEofForThePeersRead) {
  World world(GetParam());
  const Pair pair = world.stream();
  EXPECT_EQ(world.shutdown(pair.first, 1), Answered());
  EXPECT_EQ(one_event(world, READ, pair.second).events[0].flags, END);
  EXPECT_EQ(one_event(world, READ, pair.first), Answered());
  EXPECT_EQ(world.write(pair.first, 1), Answered::failed(EPIPE));
}

TEST_P(ReadWrite, ShutdownOfReceivingIsEofForRead) {
  World world(GetParam());
  const Pair pair = world.stream();
  world.shutdown(pair.first, 0);
  EXPECT_EQ(one_event(world, READ, pair.first).events[0].flags, END);
}

TEST_P(ReadWrite, HowAHalfClosedSocketShowsToWriteIsTheHostsAffair) {
  for (const char* host : {"linux-at-once", "bsd"}) {
    World world(GetParam(), host);
    const int kq = world.kqueue();
    const Pair pair = world.stream();
    world.shutdown(pair.first, 1);
    world.change(kq, {ev(WRITE, pair.first, ADD)});
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(WRITE, pair.first, END, 0, 0)})));
    EXPECT_EQ(world.accepts(kq, {}, 1, Answered::of({ev(WRITE, pair.first, 0, 0, 10)})),
              std::string(host) == "linux-at-once");
  }
}

TEST_P(ReadWrite, ASocketIsWritableUntilItIsFull) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.change(kq, {ev(WRITE, pair.first, ADD)});
  EXPECT_EQ(world.poll(kq).value, 1);
  world.object_saw(OpKind::kWrite, pair.first, 1 << 20, 200000);
  EXPECT_EQ(world.poll(kq), Answered()) << "a short write: it is full";
  world.object_saw(OpKind::kWrite, pair.first, 1, -1, EAGAIN);
  world.read(pair.second, 100000);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  world.read(pair.second, 100000);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
}

TEST_P(ReadWrite, LowatOfWriteIsJudgedWithinBounds) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.change(kq, {ev(WRITE, pair.first, ADD, LOWAT, 1000)});
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(WRITE, pair.first, 0, 0, 2000)})));
  world.change(kq, {ev(WRITE, pair.first, ADD, LOWAT, 1LL << 40)});
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_P(ReadWrite, AWriteEdgeDoesNotFireReadAgain) {  // I9(b)
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  world.change(kq, {ev(READ, pair.first, ADD | CLEAR), ev(WRITE, pair.first, ADD | CLEAR)});
  world.write(pair.second, 3);
  world.poll(kq);
  world.write(pair.first, 3);
  world.read(pair.second, 3);  // an edge for WRITE
  EXPECT_EQ(world.verdict(kq, 2, {ev(READ, pair.first, CLEAR, 0, 3)}), "duplicate");
  EXPECT_TRUE(world.accepts(kq, {}, 2, Answered()));
}

TEST_P(ReadWrite, DatagramsAreCountedAsTheHostCountsThem) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.datagrams();
  world.change(kq, {ev(READ, pair.first, ADD)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.write(pair.second, 10);
  world.write(pair.second, 20);
  for (const int64_t data : {10, 30}) {
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, 0, 0, data)})));
  }
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, pair.first, 0, 0, 31)}), "wrong-answer");
  EXPECT_EQ(world.read(pair.first, 100).value, 10) << "one datagram at a time";
  EXPECT_EQ(world.poll(kq).events[0].data, 20);
  EXPECT_EQ(world.read(pair.first, 5).value, 5);
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(world.read(pair.first, 5), Answered::failed(EAGAIN));
}

TEST_P(ReadWrite, OnTheBsdsDatagramsAreCountedTogether) {
  World world(GetParam(), "bsd");
  const int kq = world.kqueue();
  const Pair pair = world.datagrams();
  world.write(pair.second, 10);
  world.write(pair.second, 20);
  world.change(kq, {ev(READ, pair.first, ADD)});
  EXPECT_EQ(world.poll(kq).events[0].data, 30);
  EXPECT_FALSE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, 0, 0, 10)})));
}

TEST_P(ReadWrite, WhatADatagramSocketSaysOfALostPeerIsOpen) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.datagrams();
  world.change(kq, {ev(READ, pair.first, ADD), ev(WRITE, pair.first, ADD | CLEAR)});
  world.poll(kq);
  world.close(pair.second);
  EXPECT_TRUE(world.accepts(kq, {}, 2, Answered()));
  EXPECT_TRUE(world.accepts(kq, {}, 2, Answered::of({ev(READ, pair.first, END)})));
  EXPECT_EQ(world.write(pair.first, 1), Answered::failed(ECONNREFUSED));
}

TEST_P(ReadWrite, AListenerCountsItsConnections) {
  World world(GetParam());
  const int kq = world.kqueue();
  const int listener = world.listener();
  world.change(kq, {ev(READ, listener, ADD), ev(WRITE, listener, ADD)});
  EXPECT_EQ(world.poll(kq), Answered());
  const int client = world.connect(listener);
  world.connect(listener);
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  for (const int64_t data : {1, 2}) {
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, listener, 0, 0, data)})));
  }
  EXPECT_EQ(world.verdict(kq, 1, {ev(READ, listener, 0, 0, 3)}), "wrong-answer");
  const int server = world.accept(listener);
  world.write(client, 4);
  EXPECT_EQ(one_event(world, READ, server).events[0].data, 4);
  world.accept(listener);
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST_P(ReadWrite, AnEventfdIsReadableWhenItIsNotZero) {
  World world(GetParam());
  const int kq = world.kqueue();
  const int eventfd = world.eventfd();
  world.change(kq, {ev(READ, eventfd, ADD | CLEAR)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.write(eventfd, 3);
  EXPECT_EQ(world.poll(kq).value, 1);
  EXPECT_EQ(world.poll(kq), Answered());
  EXPECT_EQ(one_event(world, WRITE, eventfd).value, 1);
  EXPECT_EQ(world.read(eventfd, 8).value, 8);
  EXPECT_EQ(world.read(eventfd, 8), Answered::failed(EAGAIN));
}

TEST_P(ReadWrite, AnEventfdSaysItsValueOnFreebsdsOwnHost) {
  World world(GetParam(), "bsd");
  const int eventfd = world.eventfd(7);
  EXPECT_EQ(one_event(world, READ, eventfd).events[0].data, 7);
  EXPECT_EQ(one_event(world, WRITE, eventfd).events[0].data, INT64_MAX);
}

TEST_P(ReadWrite, AFullEventfdIsNotWritable) {
  World world(GetParam());
  const int eventfd = world.eventfd();
  world.write(eventfd, -2);  // the most it holds
  EXPECT_EQ(one_event(world, WRITE, eventfd), Answered());
  EXPECT_EQ(one_event(world, READ, eventfd).value, 1);
  EXPECT_EQ(world.write(eventfd, 1), Answered::failed(EAGAIN));
  EXPECT_EQ(world.write(eventfd, -1), Answered::failed(EINVAL));
}

TEST_P(ReadWrite, AFileIsReadableWhileItsOffsetIsNotAtItsEnd) {
  World world(GetParam());
  const int file = world.file(10);
  EXPECT_EQ(one_event(world, READ, file).events[0].data, 10);
  world.read(file, 4);
  EXPECT_EQ(one_event(world, READ, file).events[0].data, 6);
  world.read(file, 100);
  EXPECT_EQ(one_event(world, READ, file), Answered());
  EXPECT_EQ(one_event(world, READ, file, FILE_POLL).events[0].data, 0) << "always, when asked to";
  world.seek(file, 12);
  EXPECT_EQ(one_event(world, READ, file).events[0].data, -2);
  EXPECT_EQ(one_event(world, WRITE, file).value, 1);
}

TEST_P(ReadWrite, WritingToAFileActivatesItsReaders) {
  World world(GetParam());
  const int kq = world.kqueue();
  const int file = world.file();
  const int dup = world.dup(file);
  world.change(kq, {ev(READ, dup, ADD)});
  EXPECT_EQ(world.poll(kq), Answered());
  world.write(file, 5);  // moves the offset they share to the end
  EXPECT_EQ(world.poll(kq), Answered());
  world.truncate(file, 9);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, dup, 0, 0, 4)})));
}

// Over the loopback what is sent may be late, and is never wrong.
TEST_P(ReadWrite, TcpMayBeLate) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.tcp();
  world.change(kq, {ev(READ, pair.first, ADD)});
  world.write(pair.second, 5);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, 0, 0, 5)})));
  EXPECT_FALSE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, 0, 0, 6)})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  world.poll(kq);
  world.await();
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_EQ(world.poll(kq).events[0].data, 5);
}

TEST_P(ReadWrite, WhatTcpsWindowDoesNotTakeWaitsForAReader) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.tcp();
  world.change(kq, {ev(READ, pair.first, ADD)});
  for (int i = 0; i < 4; i++) world.write(pair.second, 32768);
  world.shutdown(pair.second, 1);
  world.await();
  EXPECT_EQ(world.refusal(kq, {}, 1, Answered()).verdict, Verdict::kLost);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, 0, 0, 113152)})));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, END, 0, 131072)})));
  EXPECT_FALSE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, 0, 0, 32767)})));
  EXPECT_FALSE(world.accepts(kq, {}, 1, Answered::of({ev(READ, pair.first, 0, 0, 131073)})));
}

TEST_P(ReadWrite, TcpsEndMayBeLate) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.tcp();
  world.change(kq, {ev(READ, pair.first, ADD)});
  world.shutdown(pair.second, 1);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  world.object_saw(OpKind::kRead, pair.first, 4, -1, EAGAIN);
  world.await();
  EXPECT_EQ(world.poll(kq).events[0].flags, END);
  EXPECT_EQ(world.read(pair.first, 4), Answered());
}

TEST_P(ReadWrite, TcpAnswersAWriteToNobodyWithAReset) {
  World world(GetParam());
  const int kq = world.kqueue();
  const Pair pair = world.tcp();
  world.close(pair.second);
  world.write(pair.first, 3);
  world.change(kq, {ev(WRITE, pair.first, ADD)});
  for (const uint32_t error : {0, EPIPE, ECONNRESET}) {
    EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(WRITE, pair.first, END, error)})));
  }
  EXPECT_EQ(world.verdict(kq, 1, {ev(WRITE, pair.first, END, 0x10000)}), "wrong-answer");
  world.object_saw(OpKind::kWrite, pair.first, 3, -1, EPIPE);
  world.object_saw(OpKind::kRead, pair.first, 3, -1, ECONNRESET);
}

TEST_P(ReadWrite, TcpConnectionsMayBeLate) {
  World world(GetParam());
  const int kq = world.kqueue();
  const int listener = world.tcp_listener();
  world.change(kq, {ev(READ, listener, ADD)});
  world.connect(listener);
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
  world.await();
  EXPECT_EQ(world.poll(kq).value, 1);
  world.close(listener);
  EXPECT_EQ(world.poll(kq), Answered());
}

TEST(ReadWriteElsewhere, MacosHonoursLowatOnPipes) {
  World world("macos");
  const Pair pipe = world.pipe();
  world.write(pipe.second, 700);
  EXPECT_EQ(one_event(world, READ, pipe.first, LOWAT, 1000), Answered());
}

TEST(ReadWriteElsewhere, MacosTakesWriteOnAPipeWithoutAReader) {
  World world("macos");
  const Pair pipe = world.pipe();
  world.close(pipe.first);
  EXPECT_EQ(one_event(world, WRITE, pipe.second).events[0].flags & END, END);
  World netbsd("netbsd");
  const int kq = netbsd.kqueue();
  const Pair other = netbsd.pipe();
  netbsd.close(other.first);
  const std::vector<Event> add = {ev(WRITE, other.second, ADD)};
  EXPECT_EQ(netbsd.check_copy(World::kevent_op(kq, add, 0), Answered()), Answer::kUndecided);
}

}  // namespace
}  // namespace kqtorture::contract
