// Names of addresses in this program, in a library, and nowhere.
#include "sched/symbolize.h"

#include <dlfcn.h>
#include <gtest/gtest.h>

namespace kqtorture::sched {

// Another translation unit might call it: so it stays, under its own name.
__attribute__((noinline)) int a_function_to_be_named(int x) { return x + 1; }

namespace {

TEST(Symbolize, NamesFunctionsOfTheProgramAndOfLibraries) {
  const auto here = reinterpret_cast<uintptr_t>(&a_function_to_be_named);
  const auto there = reinterpret_cast<uintptr_t>(dlsym(RTLD_NEXT, "getenv"));
  const std::vector<std::string> names = symbolize({here, there, 1, here});
  ASSERT_EQ(names.size(), 4u);
  EXPECT_NE(names[0].find("a_function_to_be_named"), std::string::npos) << names[0];
  EXPECT_NE(names[1].find("getenv"), std::string::npos) << names[1];
  EXPECT_EQ(names[2], "?");
  EXPECT_EQ(names[3], names[0]);
  EXPECT_EQ(symbolize(here), names[0]);
}

}  // namespace
}  // namespace kqtorture::sched
