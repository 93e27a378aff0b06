// What a newcomer does first: the adapter of docs/bring-your-kqueue.md, letter by letter, and his
// kqueue beside another (`kqtorture diff`).
#include <gmock/gmock.h>

#include "litmus.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;

#if defined(KQT_LIBKQ)

class Bring : public testing::LitmusCommands {
 protected:
  // The first block of C in the page.
  static std::string adapter() {
    const std::string page = testing::read_text(KQT_BRING_PAGE);
    const std::string fence = "```c\n";
    const size_t begin = page.find(fence);
    EXPECT_NE(begin, std::string::npos);
    const size_t from = begin + fence.size();
    return page.substr(from, page.find("```", from) - from);
  }
  // Leaves adapter.so.
  void build(const std::string& code) {
    const Ran built = testing::run({KQT_CC, "-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-I",
                                    KQT_EVENT_INCLUDE, "-DYOURS=\"" KQT_LIBKQ_FILE "\"", "-o",
                                    path("adapter.so"), file("adapter.c", code)});
    ASSERT_EQ(built.code, 0) << built.output;
  }
};

TEST_F(Bring, TheAdapterOfThePageCompilesAndIsLibkq) {
  build(adapter());
  const Ran check = kqtorture({"check", "--subject", path("adapter.so")});
  EXPECT_EQ(check.code, kExitClean) << check.output;
  EXPECT_THAT(check.output, HasSubstr("judged by profile strict-2006"));
  const Ran survey = kqtorture({"survey", "--subject", path("adapter.so")});
  EXPECT_EQ(survey.code, kExitClean) << survey.output;
  EXPECT_THAT(survey.output, HasSubstr("nearest to strict-2006, no deviations"));
}

// As the page says: a close that libkq does not see is one that removes no knotes, and nothing
// else.
TEST_F(Bring, WithoutCloseTheAdapterDeviatesInThatAlone) {
  const std::string whole = adapter();
  build(whole.substr(0, whole.find("int close(")));
  const Ran survey = kqtorture({"survey", "--subject", path("adapter.so")});
  EXPECT_EQ(survey.code, kExitClean) << survey.output;
  EXPECT_THAT(survey.output, HasSubstr("nearest to strict-2006, 1 deviation:\n"
                                       "  close removes knotes: no, not yes\n"));
}

class Diff : public testing::LitmusCommands {};

TEST_F(Diff, TheSameKqueueTwiceDoesNotDiffer) {
  const Ran ran = kqtorture({"diff", "emulator", "emulator", KQT_LITMUS});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("compared: 0 differ"), Not(HasSubstr(" 0 compared"))));
}

TEST_F(Diff, FirstAnswerThatDiffersIsShownWithThoseBeforeIt) {
  const std::string program =
      file("a.litmus",
           "user u 1\nkqueue k\nthread T\nkevent k (u USER ADD)\ntrigger k u\n"
           "kevent k room=1\nkevent k (u USER DELETE) room=1\n");
  const Ran ran = kqtorture({"diff", "emulator", KQT_ENDING_SUBJECT, program});
  EXPECT_EQ(ran.code, kExitFinding);
  EXPECT_THAT(ran.output, AllOf(HasSubstr("differs   a"), HasSubstr("emulator: it ran to its end"),
                                HasSubstr("the process ended or hung")));
  // Without the crash: the other kqueue has no events at all.
  const std::string mild = file("b.litmus",
                                "user u 1\nkqueue k\nthread T\nkevent k (u USER ADD)\ntrigger k u\n"
                                "kevent k room=1\n");
  const Ran events = kqtorture({"diff", "emulator", KQT_ENDING_SUBJECT, mild});
  EXPECT_EQ(events.code, kExitFinding) << events.output;
  EXPECT_THAT(events.output,
              AllOf(HasSubstr("    trigger k u => 0\n>>  kevent k room=1 => (u USER 0"),
                    HasSubstr("# emulator\n>>  kevent k room=1 => nothing   # ")));
}

TEST_F(Diff, WhatCannotBeComparedIsNoPass) {
  const std::string threads =
      file("t.litmus", "pipe p\nthread A\nwrite p.w 1\nthread B\nread p.r 1\n");
  EXPECT_EQ(kqtorture({"diff", "emulator", "emulator", threads}).code, kExitSkipped);
  const std::string one = file("o.litmus", "pipe p\nthread A\nwrite p.w 1\n");
  const Ran none = kqtorture({"diff", "emulator", path("none.so"), one});
  EXPECT_EQ(none.code, kExitUsage);
  EXPECT_THAT(none.output, HasSubstr("none.so"));
}

#endif  // KQT_LIBKQ

}  // namespace
}  // namespace kqtorture
