// What makes a program one that cannot be run. The reasons are read by people, so they are spelled
// out here.
#include "scenario/validate.h"

#include <gtest/gtest.h>

#include <string>

#include "scenario/parse.h"
#include "scenario/print.h"

namespace kqtorture {
namespace {

std::string reason(const std::string& lines) {
  Program program;
  const auto error = parse(
      "pipe p\nsocketpair s\neventfd e\nkqueue k\nuser u 7\ntimer t 0x40000007\nlistener l\n"
      "file f 10\nfd d\nthread T\n" +
          lines,
      &program);
  return error ? error->reason : "accepted";
}

TEST(LitmusValidate, ADescriptorNumberMustNotBeOpenByAccident) {
  const std::string why =
      "a descriptor given as a number must be 1073741824 or more, so that it is not open by "
      "accident";
  EXPECT_EQ(reason("kevent k (7 READ ADD)\n"), why);
  EXPECT_EQ(reason("kevent 0\n"), why);
  EXPECT_EQ(reason("kevent k (0x40000000 READ ADD)\n"), "accepted");
  EXPECT_EQ(reason("kevent -1\n"), "accepted");
  EXPECT_EQ(reason("kevent k (7 USER ADD)\n"), "accepted") << "not a descriptor for this filter";
}

TEST(LitmusValidate, TheFilterDecidesWhetherAnIdentIsADescriptor) {
  EXPECT_EQ(reason("kevent k (u READ ADD)\n"), "u is not a descriptor, which READ watches");
  EXPECT_EQ(reason("kevent k (u VNODE ADD)\n"), "u is not a descriptor, which VNODE watches");
  EXPECT_EQ(reason("kevent k (t READ ADD)\n"), "accepted") << "its ident cannot be open";
  EXPECT_EQ(reason("kevent k (p.r USER ADD)\n"), "accepted");
}

TEST(LitmusValidate, OperationsTakeTheObjectsTheyCanWorkOn) {
  EXPECT_EQ(reason("close u\n"), "u is not a descriptor");
  EXPECT_EQ(reason("close 0x50000000\n"), "this operation takes a name, not a number");
  EXPECT_EQ(reason("read k 1\n"), "k is not read or written");
  EXPECT_EQ(reason("drain l\n"), "l is not read");
  EXPECT_EQ(reason("fill e\n"), "e is not something that fills up");
  EXPECT_EQ(reason("shutdown p.r rd\n"), "p is not a socket");
  EXPECT_EQ(reason("dup p.r -> p.w\n"), "p is not declared as fd");
  EXPECT_EQ(reason("connect p.r\n"), "p is not a listener");
  EXPECT_EQ(reason("accept l -> e\n"), "e is not declared as fd");
  EXPECT_EQ(reason("connect l -> 0x50000000\n"), "this operation takes a name, not a number");
  EXPECT_EQ(reason("accept l -> d\n"), "accepted");
  EXPECT_EQ(reason("reopen d\n"), "an fd is filled by dup, not reopened");
  EXPECT_EQ(reason("dup2 k -> p.r\n"), "accepted");
}

TEST(LitmusValidate, CountsAndPointersStayWithinTheirLists) {
  EXPECT_EQ(reason("kevent k (u USER ADD) nchanges=2\n"),
            "nchanges is more than the changes listed");
  EXPECT_EQ(reason("kevent k (u USER ADD) nchanges=2 changes=fault:1\n"), "accepted");
  EXPECT_EQ(reason("kevent k (u USER ADD) changes=fault:2\n"),
            "the changelist can fault at an entry it has, or right behind them");
  EXPECT_EQ(reason("kevent k room=2 aliased events=null\n"), "aliased lists are one good array");
}

TEST(LitmusValidate, NamesAreUniqueAndSectionsInOrder) {
  Program program;
  EXPECT_EQ(parse("pipe p\nkqueue p\nthread T\nclose p\n", &program)->text("x"),
            "x:2:8: the name p is declared twice");
  EXPECT_EQ(parse("pipe p\nthread T\nclose p.r\nthread T\n", &program)->text("x"),
            "x:4:1: two threads are named T");
  EXPECT_EQ(parse("pipe p\nthread T\nclose p.r\nsetup\nclose p.r\n", &program)->text("x"),
            "x:4:1: setup stands before every thread, once");
  EXPECT_EQ(parse("pipe p\nfinally\nclose p.r\nthread T\n", &program)->text("x"),
            "x:2:1: finally stands after every thread, once");
  EXPECT_EQ(parse("pipe p\n", &program)->text("x"), "x:1:1: the program has no operation");
  EXPECT_EQ(parse("file f -1\nthread T\nclose f\n", &program)->text("x"),
            "x:1:1: a file has 0 to 1048576 bytes");
  EXPECT_EQ(parse("profile Strict\nthread T\nawait\n", &program)->reason,
            "a header word has characters other than a-z, 0-9 and -");
}

TEST(LitmusValidate, OutcomesAreSaidOnlyWhereTheyAreDetermined) {
  EXPECT_EQ(reason("close p.r => 0\nthread U\nclose p.w\n"), "=> needs a program of one thread");
}

TEST(LitmusValidate, ProgramsMadeByCodeAreCheckedToo) {
  Program program;
  program.objects.push_back({ObjectKind::kPipe, Name("p"), 0});
  program.threads.push_back({Role::kThread, Name("T"), {Op{}}});
  Op& op = program.threads[0].ops[0];
  op.kind = OpKind::kClose;
  op.target = Ref{3, 0, 0};
  EXPECT_EQ(validate(program)->reason, "no such object");
  op.target = Ref{0, 2, 0};
  EXPECT_EQ(validate(program)->reason, "no such end");
  op.target = Ref{0, 1, 0};
  EXPECT_FALSE(validate(program));
  program.title = std::string(500, 'x');
  EXPECT_EQ(validate(program)->reason, "the title is longer than 400 characters");
  program.title = "bell \a";
  EXPECT_EQ(validate(program)->reason, "the title is not plain ASCII");
}

}  // namespace
}  // namespace kqtorture
