// A printed program parses back to itself, whatever is in it.
#include "scenario/print.h"

#include <gtest/gtest.h>

#include <string>

#include "scenario/generate.h"
#include "scenario/mutate.h"
#include "scenario/parse.h"

namespace kqtorture {
namespace {

void expect_round_trip(const Program& program) {
  const std::string text = print(program);
  Program again;
  const auto error = parse(text, &again);
  ASSERT_FALSE(error) << error->text("printed") << "\n" << text;
  ASSERT_EQ(again, program) << text << "\nbecame\n" << print(again);
  ASSERT_EQ(print(again), text);
}

TEST(LitmusPrint, GeneratedSequentialProgramsParseBackToThemselves) {
  for (uint64_t seed = 0; seed < 3000; seed++) expect_round_trip(generate(seed));
}

TEST(LitmusPrint, GeneratedThreadedProgramsParseBackToThemselves) {
  for (uint64_t seed = 0; seed < 1000; seed++) {
    expect_round_trip(generate(seed, {.threads = 1 + static_cast<int>(seed % 8)}));
  }
}

TEST(LitmusPrint, MutatedProgramsParseBackToThemselves) {
  Program program = generate(1);
  for (uint64_t seed = 0; seed < 5000; seed++) {
    if (seed % 100 == 0) program = generate(seed);
    mutate(&program, seed);
    expect_round_trip(program);
  }
}

TEST(LitmusPrint, WhatAProgramSaysItReturnsSurvives) {
  const std::string text =
      "title Everything that can follow an arrow.\n"
      "profile strict-2006\n"
      "expect wrong-answer\n"
      "\n"
      "pipe p\n"
      "kqueue k\n"
      "fd d\n"
      "\n"
      "setup\n"
      "  write p.w 5 => 5\n"
      "\n"
      "thread T\n"
      "  read p.r 1 => EAGAIN\n"
      "  kevent k (p.r READ ADD|RECEIPT) room=1 => (p.r READ ERROR data=0)\n"
      "  kevent k (p.r 5 0) room=1 => (p.r 5 ERROR data=EINVAL udata=0)\n"
      "  kevent k room=1 => nothing\n"
      "  kevent k room=2 => (p.r READ CLEAR|EOF fflags=0 data=0 udata=x) (p.w WRITE)\n"
      "  dup k -> d\n";
  Program program;
  const auto error = parse(text, &program);
  ASSERT_FALSE(error) << error->text("text");
  EXPECT_EQ(print(program), text);
}

TEST(LitmusPrint, ALongChangelistGoesOnBehindABackslash) {
  Program program = generate(0);
  program.objects = {{ObjectKind::kUser, Name("abcdefghijklmno"), 1},
                     {ObjectKind::kKqueue, Name("k"), 0}};
  Op op;
  op.target = Ref{1, 0, 0};
  for (int i = 0; i < 20; i++) op.changes.push_back(Change{Ref{0, 0, 0}, -11, 1, 5, i, 77});
  program.threads = {Thread{Role::kThread, Name("T"), {op}}};
  expect_round_trip(program);
  size_t longest = 0;
  const std::string text = print(program);
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    longest = std::max(longest, end - at);
    at = end + 1;
  }
  EXPECT_LE(longest, 102u) << text;
  EXPECT_EQ(print_op(program, op).find('\n'), std::string::npos);
}

TEST(LitmusPrint, UdataNamesAreTheirOwnValues) {
  EXPECT_EQ(udata_of_name("ab"), 0x6261u);
  EXPECT_EQ(name_of_udata(0x6261), "ab");
  EXPECT_EQ(name_of_udata(udata_of_name("eightchr")), "eightchr");
  EXPECT_EQ(name_of_udata(0), "");
  EXPECT_EQ(name_of_udata(0x31), "") << "a digit does not begin a name";
  EXPECT_EQ(name_of_udata(0xff), "");
  EXPECT_EQ(name_of_udata(0x610061), "") << "a zero byte inside";
}

}  // namespace
}  // namespace kqtorture
