// Are the programs recognised that a kernel is known not to live through?
#include "scenario/danger.h"

#include <gtest/gtest.h>

#include "scenario/parse.h"

namespace kqtorture {
namespace {

std::string danger_of(const char* platform, const std::string& ops) {
  Program program;
  const auto error = parse("user u 1\nsignal s USR1\nkqueue k\nthread T\n" + ops, &program);
  EXPECT_FALSE(error) << error->text("test");
  return danger_on(platform, program);
}

TEST(Danger, IsOfThePlatformThatHasTheBug) {
  EXPECT_NE(danger_of("netbsd", "kevent k room=-1\n"), "");
  EXPECT_EQ(danger_of("freebsd", "kevent k room=-1\n"), "");
  EXPECT_EQ(danger_of("netbsd", "kevent k room=1\n"), "");
  EXPECT_NE(danger_of("netbsd", "kevent k (u USER ADD) nchanges=-1\n"), "");
  EXPECT_NE(danger_of("dragonfly", "kevent k (u USER ADD|RECEIPT)\n"), "");
  EXPECT_EQ(danger_of("dragonfly", "kevent k (u USER ADD|RECEIPT) room=1\n"), "");
}

TEST(Danger, MayNeedTwoThings) {
  EXPECT_EQ(danger_of("openbsd", "kevent k (k READ ADD)\n"), "");
  EXPECT_EQ(danger_of("openbsd", "kevent k (s SIGNAL ADD)\n"), "");
  EXPECT_NE(danger_of("openbsd", "kevent k (k READ ADD)\nkevent k (s SIGNAL ADD)\n"), "");
}

}  // namespace
}  // namespace kqtorture
