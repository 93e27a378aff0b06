// Call stacks: do they come out as they went in, and do places get the names they have?
#include <gtest/gtest.h>
#include <stdlib.h>
#include <unistd.h>

#include <map>
#include <string>

#include "scenario/random.h"
#include "sched/stack_depot.h"
#include "sched/symbolize.h"

// Two functions that nothing else is called like.
extern "C" [[gnu::noinline]] int stacks_test_landmark(int value) { return 3 * value + 1; }
namespace stacks_test {
[[gnu::noinline]] int other_landmark(int value) { return 5 * value + 1; }
}  // namespace stacks_test

namespace kqtorture::sched {
namespace {

TEST(StackDepotTest, TheEmptyStackHasNoFrames) {
  const StackDepot depot;
  EXPECT_TRUE(depot.frames(0).empty());
  EXPECT_EQ(depot.pc(0), 0u);
}

TEST(StackDepotTest, FramesComeOutInnermostFirst) {
  StackDepot depot;
  const uint32_t stack = depot.push(depot.push(depot.push(0, 0x10), 0x20), 0x30);
  EXPECT_EQ(depot.frames(stack), (std::vector<uintptr_t>{0x30, 0x20, 0x10}));
  EXPECT_EQ(depot.pc(stack), 0x30u);
}

TEST(StackDepotTest, TheSameStackIsTheSameNumberAndAnotherIsNot) {
  StackDepot depot;
  const uint32_t a = depot.push(0, 0x10);
  EXPECT_NE(a, 0u);
  EXPECT_EQ(depot.push(0, 0x10), a);
  const uint32_t b = depot.push(0, 0x20);
  EXPECT_NE(b, a);
  EXPECT_NE(depot.push(a, 0x20), b);
  EXPECT_NE(depot.push(a, 0x10), a);
  EXPECT_EQ(depot.push(a, 0x20), depot.push(a, 0x20));
}

// More than fit at first, several times over, each checked against a map.
TEST(StackDepotTest, NothingIsLostWhenItGrows) {
  constexpr size_t kStacks = 60000;
  StackDepot depot;
  Random random(1);
  std::map<std::pair<uint32_t, uintptr_t>, uint32_t> made;
  std::vector<std::pair<uint32_t, uintptr_t>> by_number = {{0, 0}};
  for (size_t i = 0; i < kStacks; i++) {
    const auto caller = static_cast<uint32_t>(random.below(by_number.size()));
    // Places close together, as they are, and some far apart.
    const uintptr_t pc = random.chance(1, 8) ? random.next() : 0x400000 + random.below(64);
    const uint32_t stack = depot.push(caller, pc);
    const auto [entry, fresh] = made.emplace(std::pair{caller, pc}, stack);
    ASSERT_EQ(entry->second, stack);
    ASSERT_EQ(fresh, stack == by_number.size());
    if (fresh) by_number.emplace_back(caller, pc);
  }
  ASSERT_GT(by_number.size(), kStacks / 2);
  for (const auto& [key, stack] : made) {
    ASSERT_EQ(depot.push(key.first, key.second), stack);
    std::vector<uintptr_t> expected;
    for (uint32_t at = stack; at != 0; at = by_number[at].first) {
      expected.push_back(by_number[at].second);
    }
    ASSERT_EQ(depot.frames(stack), expected);
  }
}

const auto kLandmark = reinterpret_cast<uintptr_t>(&stacks_test_landmark) + 1;
const auto kOther = reinterpret_cast<uintptr_t>(&stacks_test::other_landmark) + 1;

bool has_tool() {
  return system("addr2line --version > /dev/null 2>&1") == 0;  // NOLINT: no thread in sight
}

TEST(SymbolizeTest, NamesFunctionFileAndLine) {
  if (!has_tool()) GTEST_SKIP() << "addr2line (binutils) is not installed";
  const std::vector<std::string> names = symbolize({kLandmark, kOther, kLandmark});
  ASSERT_EQ(names.size(), 3u);
  EXPECT_EQ(names[0].rfind("stacks_test_landmark", 0), 0u) << names[0];
  EXPECT_EQ(names[1].rfind("stacks_test::other_landmark(int)", 0), 0u) << names[1];
  EXPECT_EQ(names[2], names[0]);
  // Without debug information there is the name alone.
  for (const std::string& name : names) {
    const bool line = name.find(" stacks_test.cpp:") != std::string::npos;
    const bool place = name.find(" (stacks_test+0x") != std::string::npos;
    EXPECT_TRUE(line || place) << name;
    EXPECT_EQ(name.find("??"), std::string::npos) << name;
  }
  EXPECT_EQ(symbolize(kLandmark), names[0]);
}

TEST(SymbolizeTest, FallsBackToThePlaceInTheFileWithoutTheTool) {
  ASSERT_EQ(setenv("PATH", "/nonexistent", 1), 0);
  // Neither address was asked for before.
  const std::vector<std::string> names =
      symbolize({kLandmark + 1, reinterpret_cast<uintptr_t>(&::getpid)});
  ASSERT_EQ(names.size(), 2u);
  EXPECT_NE(names[0].find("stacks_test+0x"), std::string::npos) << names[0];
  EXPECT_EQ(names[0].find(".cpp:"), std::string::npos) << names[0];
  EXPECT_NE(names[1].find("+0x"), std::string::npos) << names[1];
}

TEST(SymbolizeTest, NamesNothingWhereNothingIs) {
  EXPECT_EQ(symbolize(uintptr_t{8}), "?");
  EXPECT_TRUE(symbolize(std::vector<uintptr_t>{}).empty());
}

}  // namespace
}  // namespace kqtorture::sched
