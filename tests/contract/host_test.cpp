// Which answers of the host's own calls can be believed? What cannot is refused as the host's, so
// that a descriptor call of a subject is judged too.
#include "world.h"

namespace kqtorture::contract {
namespace {

Op op_of(OpKind kind, int fd, int64_t amount = 0, int fd2 = -1) {
  Op op;
  op.kind = kind;
  op.fd = fd;
  op.fd2 = fd2;
  op.amount = amount;
  return op;
}

Outcome value(int64_t number) {
  Outcome outcome;
  outcome.value = number;
  return outcome;
}

TEST(Host, AClosedDescriptorAnswersEbadf) {
  World world;
  for (const OpKind kind :
       {OpKind::kClose, OpKind::kDup, OpKind::kDup2, OpKind::kRead, OpKind::kWrite,
        OpKind::kShutdown, OpKind::kSeek, OpKind::kTruncate, OpKind::kChmod, OpKind::kLink,
        OpKind::kUnlink, OpKind::kRename, OpKind::kReplace, OpKind::kConnect, OpKind::kAccept}) {
    EXPECT_EQ(world.object_refusal(op_of(kind, 900, 1), value(0)).rule, "host") << op_name(kind);
    Op op = op_of(kind, 900, 1);
    EXPECT_EQ(world.model().check(&world.states(), op, Outcome::failed(EBADF), nullptr),
              Answer::kAccepted);
  }
}

TEST(Host, ANumberThatIsOpenIsNotGivenAgain) {
  World world;
  const int kq = world.kqueue();
  Outcome again;
  again.fd = kq;
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kKqueue, -1), again).verdict, Verdict::kWrongAnswer);
  Outcome none;
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kDup, kq), none).verdict, Verdict::kWrongAnswer);
  Outcome same;
  same.fd = same.fd2 = 77;
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kPipe, -1), same).verdict, Verdict::kWrongAnswer);
}

TEST(Host, RunningOutOfDescriptorsIsNobodysFault) {
  World world;
  const int kq = world.kqueue();
  for (const Op& op : {op_of(OpKind::kPipe, -1), op_of(OpKind::kDup, kq)}) {
    EXPECT_EQ(world.model().check(&world.states(), op, Outcome::failed(EMFILE), nullptr),
              Answer::kAccepted);
  }
  EXPECT_EQ(world.state().descriptors, 1);
}

TEST(Host, NothingIsDuplicatedOntoWhatIsNoNumber) {
  World world;
  const int kq = world.kqueue();
  for (const int onto : {-1, kBeyondAnyLimit}) {
    EXPECT_EQ(world.dup2(kq, onto), Answered::failed(EBADF)) << onto;
    EXPECT_EQ(world.object_refusal(op_of(OpKind::kDup2, kq, 0, onto), value(onto)).rule, "host");
  }
  EXPECT_EQ(world.state().descriptors, 1);
}

// An evaluation found no space; what it stored may come back in a ONESHOT's event (I10').
TEST(Host, AStaleWriteEventMayTellOfNoSpace) {
  World world("strict-2006", "linux");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.object_saw(OpKind::kWrite, pipe.second, 65536, 65536);
  world.object_saw(OpKind::kWrite, pipe.second, 1, -1, EAGAIN);
  world.change(kq, {ev(WRITE, pipe.second, ADD)});
  world.change(kq, {ev(WRITE, pipe.second, FORCE)});
  const int flags = ONESHOT | FORCE;
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered::of({ev(WRITE, pipe.second, flags)})));
  const Pair other = world.pipe();
  world.change(kq, {ev(WRITE, other.second, ADD)});
  const Op op = World::kevent_op(kq, 2);
  EXPECT_EQ(
      world.refusal(op, Answered::of({ev(WRITE, pipe.second, flags), ev(WRITE, other.second, 0)}))
          .rule,
      "I11");
}

// The failed write wakes whoever reads (pipe_write() of Linux for epoll's sake, and FreeBSD's).
TEST(Host, AFailedWriteOnAFullPipeMayBeSeenAgainByClear) {
  World world("strict-2006", "linux");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.object_saw(OpKind::kWrite, pipe.second, 65536, 65536);
  world.change(kq, {ev(READ, pipe.first, ADD | CLEAR)});
  const Answered event = Answered::of({ev(READ, pipe.first, CLEAR, 0, 65536)});
  EXPECT_EQ(world.poll(kq), event);
  EXPECT_EQ(world.rule(kq, 1, event.events), "I9");
  world.object_saw(OpKind::kWrite, pipe.second, 1, -1, EAGAIN);
  EXPECT_TRUE(world.accepts(kq, {}, 1, event));
  EXPECT_TRUE(world.accepts(kq, {}, 1, Answered()));
}

TEST(Host, MoreBytesThanThereAreCannotBeRead) {
  World world;
  const Pair pipe = world.pipe();
  world.write(pipe.second, 5);
  const Op read = op_of(OpKind::kRead, pipe.first, 10);
  EXPECT_EQ(world.object_refusal(read, value(6)).verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(world.object_refusal(read, value(4)).verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(world.object_refusal(read, value(0)).verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(world.object_refusal(read, Outcome::failed(EAGAIN)).verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(world.object_refusal(read, Outcome::failed(EIO)).verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(world.read(pipe.first, 10).value, 5);
  EXPECT_EQ(world.object_refusal(read, value(0)).verdict, Verdict::kWrongAnswer)
      << "the end of a file whose writer lives";
  EXPECT_EQ(world.read(pipe.first, 10), Answered::failed(EAGAIN));
  EXPECT_EQ(world.read(pipe.first, 0), Answered());
}

TEST(Host, MoreBytesThanAskedCannotBeWritten) {
  World world;
  const Pair pipe = world.pipe();
  const Op write = op_of(OpKind::kWrite, pipe.second, 10);
  EXPECT_EQ(world.object_refusal(write, value(11)).verdict, Verdict::kWrongAnswer);
  EXPECT_EQ(world.object_refusal(write, Outcome::failed(EIO)).verdict, Verdict::kWrongAnswer);
  world.close(pipe.first);
  EXPECT_EQ(world.object_refusal(write, value(10)).verdict, Verdict::kWrongErrno);
}

TEST(Host, TheWrongEndOfAPipeIsEbadf) {
  World world;
  const Pair pipe = world.pipe();
  EXPECT_EQ(world.read(pipe.second, 1), Answered::failed(EBADF));
  EXPECT_EQ(world.write(pipe.first, 1), Answered::failed(EBADF));
}

TEST(Host, OnTheBsdsAPipeHasTwoWays) {
  World world("freebsd13", "bsd");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.object_saw(OpKind::kWrite, pipe.first, 3, 3);
  world.change(kq, {ev(READ, pipe.second, ADD)});
  EXPECT_EQ(world.poll(kq).events[0].data, 3);
  world.object_saw(OpKind::kRead, pipe.second, 3, 3);
}

// sys_pipe.c gives the way from the reader to the writer a page to begin with.
TEST(Host, OnTheBsdsThePipesWayBackIsNarrow) {
  World world("freebsd13", "bsd");
  const int kq = world.kqueue();
  const Pair pipe = world.pipe();
  world.object_saw(OpKind::kWrite, pipe.first, 4096, 4096);
  world.object_saw(OpKind::kWrite, pipe.second, 4096, 4096);
  const std::vector<Event> back = {ev(WRITE, pipe.first, ADD | CLEAR)};
  EXPECT_TRUE(world.accepts(kq, back, 1, Answered()));
  EXPECT_TRUE(world.accepts(kq, back, 1, Answered::of({ev(WRITE, pipe.first, CLEAR, 0, 4096)})));
  EXPECT_EQ(world.refusal(kq, {ev(WRITE, pipe.second, ADD | CLEAR)}, 1, Answered()).verdict,
            Verdict::kLost);
  world.object_saw(OpKind::kRead, pipe.second, 512, 512);
  EXPECT_EQ(world.refusal(kq, back, 1, Answered()).verdict, Verdict::kLost);
}

TEST(Host, KqueuesAndListenersAreNotForReading) {
  World world;
  const int kq = world.kqueue();
  const int listener = world.listener();
  for (const int fd : {kq, listener}) {
    EXPECT_EQ(world.read(fd, 1).value, -1);
    EXPECT_EQ(world.write(fd, 1).value, -1);
    EXPECT_EQ(world.object_refusal(op_of(OpKind::kRead, fd, 1), value(1)).rule, "host");
    EXPECT_EQ(world.object_refusal(op_of(OpKind::kWrite, fd, 1), value(1)).rule, "host");
  }
}

TEST(Host, ShutdownIsForSockets) {
  World world;
  const Pair pipe = world.pipe();
  EXPECT_EQ(world.shutdown(pipe.first, 0), Answered::failed(ENOTSOCK));
  const Pair pair = world.stream();
  EXPECT_EQ(world.shutdown(pair.first, 3), Answered::failed(EINVAL));
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kShutdown, pair.first, 1), Outcome::failed(ENOTCONN))
                .verdict,
            Verdict::kWrongErrno);
  world.close(pair.second);
  world.object_saw(OpKind::kShutdown, pair.first, 1, -1, ENOTCONN);
  const int listener = world.listener();
  Op op = op_of(OpKind::kShutdown, listener, 0);
  EXPECT_EQ(world.model().check(&world.states(), op, Outcome(), nullptr), Answer::kUndecided);
}

TEST(Host, SeekAndTruncateAreForFiles) {
  World world;
  const Pair pipe = world.pipe();
  EXPECT_EQ(world.seek(pipe.first, 0), Answered::failed(ESPIPE));
  EXPECT_EQ(world.truncate(pipe.first, 0), Answered::failed(EINVAL));
  const int file = world.file(3);
  EXPECT_EQ(world.seek(file, -1), Answered::failed(EINVAL));
  EXPECT_EQ(world.truncate(file, -1), Answered::failed(EINVAL));
  EXPECT_EQ(world.seek(file, 7).value, 7);
  EXPECT_EQ(world.truncate(file, 9), Answered());
  EXPECT_EQ(world.read(file, 100).value, 2);
}

TEST(Host, ConnectAndAcceptAreForListeners) {
  World world;
  const Pair pipe = world.pipe();
  Outcome made;
  made.fd = 77;
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kConnect, pipe.first), made).rule, "host");
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kAccept, pipe.first), made).rule, "host");
  const int listener = world.listener();
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kAccept, listener), made).rule, "host")
      << "nobody connected";
  world.object_saw(OpKind::kAccept, listener, 0, -1, EAGAIN);
  world.object_saw(OpKind::kConnect, listener, 0, -1, EAGAIN);
  world.connect(listener);
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kAccept, listener), Outcome::failed(EAGAIN)).verdict,
            Verdict::kWrongErrno);
}

TEST(Host, AConnectionOutlivesItsListenerOrNot) {
  World world;
  const int kq = world.kqueue();
  const int listener = world.listener();
  const int accepted_client = world.connect(listener);
  const int waiting_client = world.connect(listener);
  const int server = world.accept(listener);
  world.close(listener);
  EXPECT_EQ(world.write(accepted_client, 2).value, 2);
  EXPECT_EQ(world.read(server, 2).value, 2);
  world.change(kq, {ev(READ, waiting_client, ADD)});
  EXPECT_EQ(world.poll(kq).events[0].flags, END) << "nobody will accept it";
}

TEST(Host, AnEventfdKeepsItsCount) {
  World world;
  const int eventfd = world.eventfd(3);
  world.write(eventfd, 4);
  Outcome wrong = value(8);
  wrong.counter = 6;
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kRead, eventfd, 8), wrong).verdict,
            Verdict::kWrongAnswer);
  EXPECT_EQ(world.read(eventfd, 4), Answered::failed(EINVAL));
  EXPECT_EQ(world.read(eventfd, 8).value, 8);
  world.write(eventfd, 0);
}

TEST(Host, ADatagramIsReadWhole) {
  World world;
  const Pair pair = world.datagrams();
  world.write(pair.second, 10);
  EXPECT_EQ(world.object_refusal(op_of(OpKind::kRead, pair.first, 20), value(9)).verdict,
            Verdict::kWrongAnswer);
  world.object_saw(OpKind::kWrite, pair.second, 10, -1, EAGAIN);
  world.read(pair.first, 20);
  world.close(pair.second);
  world.object_saw(OpKind::kRead, pair.first, 20, -1, EAGAIN);
  EXPECT_EQ(world.model().check(&world.states(), op_of(OpKind::kWrite, pair.first, 10), value(10),
                                nullptr),
            Answer::kUndecided);
}

TEST(Host, OpenDescriptorsAreKnown) {
  World world;
  const Pair pipe = world.pipe();
  EXPECT_TRUE(world.model().is_open(world.states(), pipe.first));
  world.close(pipe.first);
  EXPECT_FALSE(world.model().is_open(world.states(), pipe.first));
  EXPECT_EQ(world.model().pending(world.state(), pipe.second), Tri::kNo);
  EXPECT_EQ(world.model().pending(world.state(), 900), Tri::kNo);
}

// Bounds: a program beyond them is undecided, never misjudged.
template <typename Make>
Answer fill(World& world, Make make) {
  for (int i = 0; i < 200; i++) {
    const Answer answer = make(i);
    if (answer != Answer::kAccepted) return answer;
    if (world.states().count == 0) break;
  }
  return Answer::kAccepted;
}

TEST(Bounds, TooManyObjectsDescriptorsOrKnotesAreUndecided) {
  World objects;
  EXPECT_EQ(fill(objects,
                 [&](int i) {
                   Outcome outcome;
                   outcome.fd = 100 + i;
                   return objects.model().check(&objects.states(), op_of(OpKind::kKqueue, -1),
                                                outcome, nullptr);
                 }),
            Answer::kUndecided);
  World descriptors;
  const int kq = descriptors.kqueue();
  EXPECT_EQ(fill(descriptors,
                 [&](int i) {
                   Outcome outcome;
                   outcome.fd = 100 + i;
                   return descriptors.model().check(&descriptors.states(), op_of(OpKind::kDup, kq),
                                                    outcome, nullptr);
                 }),
            Answer::kUndecided);
  World knotes;
  const int other = knotes.kqueue();
  EXPECT_EQ(fill(knotes,
                 [&](int i) {
                   const std::vector<Event> add = {ev(USER, i, ADD)};
                   return knotes.model().check(&knotes.states(), World::kevent_op(other, add, 0),
                                               Outcome(), nullptr);
                 }),
            Answer::kUndecided);
}

TEST(Bounds, TooManyDatagramsOrConnectionsAreUndecided) {
  World world;
  const Pair pair = world.datagrams();
  EXPECT_EQ(fill(world,
                 [&](int) {
                   return world.model().check(&world.states(), op_of(OpKind::kWrite, pair.first, 1),
                                              value(1), nullptr);
                 }),
            Answer::kUndecided);
  World backlog;
  const int listener = backlog.listener();
  EXPECT_EQ(fill(backlog,
                 [&](int i) {
                   Outcome outcome;
                   outcome.fd = 100 + i;
                   return backlog.model().check(
                       &backlog.states(), op_of(OpKind::kConnect, listener), outcome, nullptr);
                 }),
            Answer::kUndecided);
}

TEST(Bounds, DescriptorsOfADup2AreCountedToo) {
  World world;
  const int kq = world.kqueue();
  EXPECT_EQ(fill(world,
                 [&](int i) {
                   return world.model().check(&world.states(), op_of(OpKind::kDup2, kq, 0, 100 + i),
                                              value(100 + i), nullptr);
                 }),
            Answer::kUndecided);
}

TEST(Text, OfAStateNamesEverything) {
  World world;
  const int kq = world.kqueue();
  const Pair pair = world.stream();
  const int file = world.file(5);
  world.eventfd(2);
  world.change(kq, {ev(READ, pair.first, ADD | DISPATCH, 0, 0, 9), ev(USER, 1, ADD, TRIGGER),
                    ev(TIMER, 1, ADD, note::kNseconds, 1), ev(WRITE, file, ADD | DISABLE)});
  world.write(pair.second, 3);
  world.close(pair.second);
  world.poll(kq);
  world.change(kq, {ev(USER, 1, FORCE)});
  const std::string text = to_text(world.state());
  for (const char* part : {"kqueue", "stream", "file value 5", "eventfd value 2", "[3 end 0]",
                           "READ ident", "disabled-by-delivery", "disabled", "forced", "inbox 3",
                           "closed", "ended yes", "mute yes", "triggered no", "place", "open"}) {
    EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
  }
}

TEST(LateHost, SpaceThatDoesNotShowIsSeenOrNotEvenAtALowatOfZero) {
  World late("strict-2006", "linux");
  const int queue = late.kqueue();
  const Pair sockets = late.stream();
  late.object_saw(OpKind::kWrite, sockets.first, 233152, 233152);
  late.object_saw(OpKind::kWrite, sockets.first, 1, -1, EAGAIN);
  EXPECT_EQ(late.call(queue, {ev(WRITE, sockets.first, ADD | CLEAR, LOWAT)}, 1).value, 1);
  late.read(sockets.second, 100);
  EXPECT_TRUE(late.accepts(queue, {}, 1, Answered()));
}

}  // namespace
}  // namespace kqtorture::contract
