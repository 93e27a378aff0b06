// What the litmus parser takes, and what it says about what it does not take.
//
// Every complaint of the parser appears here with its line and column: a person who writes a
// scenario by hand gets nothing else to go by.
#include "scenario/parse.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "scenario/print.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

using testing::HasSubstr;

Program parsed(const std::string& text) {
  Program program;
  const auto error = parse(text, &program);
  EXPECT_FALSE(error) << error->text("test") << "\n" << text;
  return program;
}

std::string complaint(const std::string& text) {
  Program program;
  const auto error = parse(text, &program);
  return error ? error->text("x.litmus") : "accepted: " + print(program);
}

// Lines 1 to 7, then the line under test as line 8.
std::string with_op(const std::string& op) {
  return "title t\npipe p\nsocketpair s\nkqueue k\nuser u 7\nlistener l\nthread T\n" + op + "\n";
}
std::string op_complaint(const std::string& op) { return complaint(with_op(op)); }

TEST(LitmusParse, AWholeProgramIsRead) {
  const Program program = parsed(
      "# a comment\n"
      "title An event comes back.   \n"
      "profile strict-2006\n"
      "expect lost\n"
      "pipe p\n"
      "file f 100\n"
      "user u 0x10\n"
      "kqueue k\n"
      "fd d\n"
      "setup\n"
      "  write p.w 5\n"
      "thread A  # the only one\n"
      "  kevent k (p.r EVFILT_READ EV_ADD|DOD|0x400 fflags=NOTE_LOWAT|0x100 data=-5 udata=red) \\\n"
      "    (u USER FORCEOS) room=4 timeout=forever\n"
      "finally\n"
      "  dup p.r -> d\n");
  EXPECT_EQ(program.title, "An event comes back.");
  EXPECT_EQ(program.profile, "strict-2006");
  EXPECT_EQ(program.expect, "lost");
  ASSERT_EQ(program.objects.size(), 5u);
  EXPECT_EQ(program.objects[1].value, 100);
  EXPECT_EQ(program.objects[2].value, 16);
  ASSERT_EQ(program.threads.size(), 3u);
  EXPECT_EQ(program.threads[0].role, Role::kSetup);
  EXPECT_EQ(program.threads[1].name.view(), "A");
  EXPECT_EQ(program.threads[2].role, Role::kFinally);
  const Op& op = program.threads[1].ops.at(0);
  ASSERT_EQ(op.changes.size(), 2u);
  const Change& change = op.changes[0];
  EXPECT_EQ(change.ident, (Ref{0, 0, 0}));
  EXPECT_EQ(change.filter, filter::kRead);
  EXPECT_EQ(change.flags, flag::kAdd | flag::kDispatch | flag::kUnknown400);
  EXPECT_EQ(change.fflags, note::kLowat | 0x100);
  EXPECT_EQ(change.data, -5);
  EXPECT_EQ(name_of_udata(change.udata), "red");
  EXPECT_EQ(op.changes[1].flags, flag::kForceOneshot);
  EXPECT_EQ(op.room, 4);
  EXPECT_EQ(op.wait, Wait::kForever);
}

TEST(LitmusParse, EveryOptionOfKeventIsRead) {
  const Program program =
      parsed(with_op("kevent k (p.r READ ADD) nchanges=-2 room=-3 "
                     "timeout=-1:1000000000 changes=fault:1 events=null"));
  const Op& op = program.threads[0].ops[0];
  EXPECT_TRUE(op.count_given);
  EXPECT_EQ(op.count, -2);
  EXPECT_EQ(op.room, -3);
  EXPECT_EQ(op.wait, Wait::kExplicit);
  EXPECT_EQ(op.seconds, -1);
  EXPECT_EQ(op.nanoseconds, 1000000000);
  EXPECT_EQ(op.bad_changes, 1);
  EXPECT_EQ(op.bad_events, bad::kNull);
  EXPECT_TRUE(parsed(with_op("kevent k timeout=fault")).threads[0].ops[0].timeout_faults);
  EXPECT_TRUE(parsed(with_op("kevent k room=1 aliased")).threads[0].ops[0].aliased);
  EXPECT_EQ(parsed(with_op("kevent k timeout=due")).threads[0].ops[0].wait, Wait::kDue);
}

TEST(LitmusParse, SignalsAndChildrenAreRead) {
  const std::string text =
      "signal s USR1\nsignal h WINCH handled\nchild c\nkqueue k\n\nthread T\n"
      "  kevent k (s SIGNAL ADD) (c PROC ADD fflags=EXIT|TRACK)\n"
      "  raise h\n  exit c 3\n  kill c TERM\n  kill c KILL\n  reap c => ECHILD\n";
  const Program program = parsed(text);
  EXPECT_EQ(print(program), text);
  EXPECT_EQ(program.objects[1].value, 3 + kHandled);
}

TEST(LitmusParse, ComplaintsAboutSignalsAndChildrenSayWhatWouldBeRight) {
  const std::string end = "kqueue k\nthread T\n";
  EXPECT_EQ(complaint("signal s TERM\n" + end + "raise s\n"),
            "x.litmus:1:10: USR1, USR2, URG, WINCH, or RT1 to RT12 expected, not 'TERM'");
  EXPECT_EQ(complaint("child c\n" + end + "kill c USR1\n"),
            "x.litmus:4:8: TERM or KILL expected, not 'USR1'");
  EXPECT_THAT(complaint("child c\n" + end + "raise c\n"), HasSubstr("c is not a signal"));
  EXPECT_THAT(complaint("signal s USR1\n" + end + "reap s\n"), HasSubstr("s is not a child"));
  EXPECT_THAT(complaint("child c\n" + end + "kevent k (c READ ADD)\n"),
              HasSubstr("c is not a descriptor"));
}

TEST(LitmusParse, WhatAnOperationReturnsMayBeSaid) {
  const auto expected = [](const std::string& op) {
    return parsed(with_op(op)).threads[0].ops[0].expect;
  };
  EXPECT_EQ(expected("kevent k room=1 => nothing").kind, ExpectKind::kValue);
  EXPECT_EQ(expected("read p.r 5 => 3").value, 3);
  EXPECT_EQ(expected("read p.r 5 => EAGAIN").value, EAGAIN);
  const Expectation events =
      expected("kevent k room=2 => (p.r READ CLEAR|EOF data=5) (u USER ERROR data=ENOENT udata=x)");
  ASSERT_EQ(events.events.size(), 2u);
  EXPECT_EQ(events.events[0].fields, ExpectedEvent::kFlags | ExpectedEvent::kData);
  EXPECT_EQ(events.events[1].event.data, ENOENT);
  EXPECT_EQ(expected("kevent k room=2 => (p.r READ)").events[0].fields, 0);
}

TEST(LitmusParse, BytesOutsideOfAsciiStandInCommentsOnly) {
  parsed(with_op("close p.r  # f\xc3\xbcr alle"));
  EXPECT_EQ(op_complaint("close \xc3\xbc"), "x.litmus:8:7: unexpected character '\\xc3'");
}

TEST(LitmusParse, ComplaintsAboutLinesNameLineColumnAndReason) {
  EXPECT_EQ(complaint("pip p\n"), "x.litmus:1:1: unknown word 'pip'");
  EXPECT_EQ(complaint("\n\n  (p\n"),
            "x.litmus:3:3: a declaration or an operation expected, not '('");
  EXPECT_EQ(complaint("pipe p q\n"), "x.litmus:1:8: the end of the line expected, not 'q'");
  EXPECT_EQ(complaint("pipe\n"),
            "x.litmus:1:5: the object's name expected before the end of the line");
  EXPECT_EQ(complaint("pipe 7\n"), "x.litmus:1:6: a name is letters, digits and _, not '7'");
  EXPECT_EQ(complaint("pipe abcdefghijklmnop\n"), "x.litmus:1:6: a name has at most 15 characters");
  EXPECT_EQ(complaint("file f\n"),
            "x.litmus:1:7: the file's size expected before the end of the line");
  EXPECT_EQ(complaint("user u x\n"), "x.litmus:1:8: the ident expected, not 'x'");
  EXPECT_EQ(complaint("thread\n"),
            "x.litmus:1:7: the thread's name expected before the end of the line");
  EXPECT_EQ(complaint("title\n"), "x.litmus:1:6: the title is empty");
  EXPECT_EQ(complaint("title a\ntitle b\n"), "x.litmus:2:1: a second title");
  EXPECT_EQ(complaint("profile\n"),
            "x.litmus:1:8: a word behind profile expected before the end of the line");
  EXPECT_EQ(complaint("expect a\nexpect b\n"), "x.litmus:2:1: a second expect line");
  EXPECT_EQ(complaint("pipe p\nclose p.r\n"),
            "x.litmus:2:1: an operation stands under setup, a thread or finally");
  EXPECT_EQ(complaint("thread A\npipe p\n"),
            "x.litmus:2:1: objects are declared before the first thread");
}

TEST(LitmusParse, ComplaintsAboutNamesSayWhatWouldBeRight) {
  EXPECT_EQ(op_complaint("close q.r"), "x.litmus:8:7: unknown name 'q'");
  EXPECT_EQ(op_complaint("close p"), "x.litmus:8:7: p has two ends: write p.r or p.w");
  EXPECT_EQ(op_complaint("close s.r"), "x.litmus:8:7: s has two ends: write s.a or s.b");
  EXPECT_EQ(op_complaint("close k.a"), "x.litmus:8:7: k has no ends: write k alone");
  EXPECT_EQ(op_complaint("close |"), "x.litmus:8:7: a name expected, not '|'");
  EXPECT_EQ(op_complaint("close -x"), "x.litmus:8:7: a name or a number expected, not '-x'");
}

TEST(LitmusParse, ComplaintsAboutOperandsNameThem) {
  EXPECT_EQ(op_complaint("write p.w"),
            "x.litmus:8:10: the number of bytes expected before the end of the line");
  EXPECT_EQ(op_complaint("write p.w 99999999"),
            "x.litmus:8:11: the number of bytes must be between 0 and 1048576");
  EXPECT_EQ(op_complaint("sleep 5"), "x.litmus:8:7: a time such as 100us expected, not '5'");
  EXPECT_EQ(op_complaint("sleep 9999999us"), "x.litmus:8:7: a time is at most 1000000us");
  EXPECT_EQ(op_complaint("shutdown s.a"),
            "x.litmus:8:13: rd, wr or rdwr expected before the end of the line");
  EXPECT_EQ(op_complaint("dup p.r p.w"), "x.litmus:8:9: -> expected, not 'p.w'");
  EXPECT_EQ(
      op_complaint("close p.r =>"),
      "x.litmus:8:13: nothing, a number, an errno or events expected before the end of the line");
  EXPECT_EQ(op_complaint("close p.r => EWHAT"),
            "x.litmus:8:14: nothing, a number, an errno or events expected, not 'EWHAT'");
}

TEST(LitmusParse, ComplaintsAboutKeventNameTheOption) {
  EXPECT_EQ(op_complaint("kevent k (p.r REED ADD)"),
            "x.litmus:8:15: a filter expected, not 'REED'");
  EXPECT_EQ(op_complaint("kevent k (p.r READ)"), "x.litmus:8:19: a flag expected, not ')'");
  EXPECT_EQ(op_complaint("kevent k (p.r READ ADD|)"), "x.litmus:8:24: a flag expected, not ')'");
  EXPECT_EQ(op_complaint("kevent k (p.r READ 0x10000)"),
            "x.litmus:8:20: a flag expected, not '0x10000'");
  EXPECT_EQ(op_complaint("kevent k (p.r READ ADD"),
            "x.litmus:8:23: fflags, data, udata or ) expected before the end of the line");
  EXPECT_EQ(op_complaint("kevent k (p.r READ ADD date=4)"),
            "x.litmus:8:24: fflags, data, udata or ) expected, not 'date'");
  EXPECT_EQ(op_complaint("kevent k (p.r READ ADD data 4)"), "x.litmus:8:29: = expected, not '4'");
  EXPECT_EQ(op_complaint("kevent k (p.r READ ADD data=x)"),
            "x.litmus:8:29: a number expected, not 'x'");
  EXPECT_EQ(op_complaint("kevent k (p.r READ ADD data=1 data=1)"), "x.litmus:8:31: a second data");
  EXPECT_EQ(op_complaint("kevent k (p.r READ ADD fflags=TRIGGER)"),
            "x.litmus:8:31: a note of this filter expected, not 'TRIGGER'");
  EXPECT_EQ(
      op_complaint("kevent k (p.r READ ADD udata=muchtoolong)"),
      "x.litmus:8:30: a name of at most 8 characters, or a number, expected, not 'muchtoolong'");
  EXPECT_EQ(op_complaint("kevent k room=1 (p.r READ ADD)"),
            "x.litmus:8:17: the changes stand before room and timeout");
  EXPECT_THAT(op_complaint("kevent k rom=1"),
              HasSubstr("x.litmus:8:10: unknown word 'rom': changes"));
  EXPECT_EQ(op_complaint("kevent k room=65"),
            "x.litmus:8:15: room must be between -2147483648 and 64");
  EXPECT_EQ(op_complaint("kevent k room=1 room=1"), "x.litmus:8:17: a second room");
  EXPECT_EQ(op_complaint("kevent k timeout=soon"),
            "x.litmus:8:18: zero, forever, due, fault or seconds:nanoseconds expected, not 'soon'");
  EXPECT_EQ(op_complaint("kevent k timeout=1:x"),
            "x.litmus:8:18: seconds:nanoseconds expected, not '1:x'");
  EXPECT_EQ(op_complaint("kevent k events=bad"),
            "x.litmus:8:17: null or fault:entry expected, not 'bad'");
}

TEST(LitmusParse, ControlCharactersAreRefusedEverywhere) {
  EXPECT_EQ(complaint(std::string("pipe p\0\n", 8)), "x.litmus:1:7: control character '\\x00'");
  EXPECT_EQ(complaint("pipe p # \x1b[31m\n"), "x.litmus:1:10: control character '\\x1b'");
  EXPECT_EQ(complaint("pipe p\r\n"), "x.litmus:1:7: control character '\\x0d'");
  EXPECT_EQ(complaint("title a\x07\n"),
            "x.litmus:1:8: the title holds '\\x07', which is not plain ASCII");
  EXPECT_EQ(complaint("pipe p $\n"), "x.litmus:1:8: unexpected character '$'");
  EXPECT_EQ(complaint("pipe p \\ \n"), "x.litmus:1:8: unexpected character '\\'");
}

TEST(LitmusParse, SizesAreBounded) {
  EXPECT_EQ(complaint(std::string(64 * 1024 + 1, ' ')), "x.litmus:1:1: longer than 65536 bytes");
  std::string objects;
  for (int i = 0; i < 25; i++) objects += "pipe p" + std::to_string(i) + "\n";
  EXPECT_EQ(complaint(objects), "x.litmus:25:1: more than 24 objects");
  std::string threads;
  for (int i = 0; i < 12; i++) threads += "thread T" + std::to_string(i) + "\n";
  EXPECT_THAT(complaint(threads), HasSubstr("more than 8 threads"));
  std::string ops = "pipe p\nthread T\n";
  for (int i = 0; i < 257; i++) ops += "close p.r\n";
  EXPECT_EQ(complaint(ops), "x.litmus:259:1: more than 256 operations");
  std::string changes = "kevent k";
  for (int i = 0; i < 33; i++) changes += " (u USER ADD)";
  EXPECT_THAT(op_complaint(changes), HasSubstr("more than 32 changes in one call"));
  std::string events = "kevent k room=1 =>";
  for (int i = 0; i < 65; i++) events += " (u USER)";
  EXPECT_THAT(op_complaint(events), HasSubstr("more than 64 events expected"));
}

TEST(LitmusParse, AFileThatCannotBeReadIsOneLine) {
  std::string error;
  EXPECT_FALSE(load_program("/nonexistent/x.litmus", &error));
  EXPECT_EQ(error, "/nonexistent/x.litmus: No such file or directory");
  EXPECT_FALSE(load_program("/", &error));
  EXPECT_EQ(error, "/: Is a directory");
}

}  // namespace
}  // namespace kqtorture
