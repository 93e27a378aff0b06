// The generator makes valid programs of every shape it is meant to make.
#include "scenario/generate.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "scenario/print.h"
#include "scenario/random.h"
#include "scenario/validate.h"

namespace kqtorture {
namespace {

TEST(Generate, OneSeedOneProgram) {
  for (uint64_t seed = 0; seed < 100; seed++) EXPECT_EQ(generate(seed), generate(seed));
  std::set<std::string> texts;
  for (uint64_t seed = 0; seed < 500; seed++) texts.insert(print(generate(seed)));
  EXPECT_EQ(texts.size(), 500u);
}

TEST(Generate, EveryProgramIsValidAndOfTheSizeAskedFor) {
  for (uint64_t seed = 0; seed < 2000; seed++) {
    const Program program = generate(seed, {.threads = 1, .min_ops = 4, .max_ops = 14});
    const auto problem = validate(program);
    ASSERT_FALSE(problem) << problem->reason << "\n" << print(program);
    EXPECT_TRUE(is_sequential(program));
    EXPECT_GE(count_ops(program), 4u);
    EXPECT_LE(count_ops(program), 14u);
  }
}

TEST(Generate, ThreadedProgramsHaveASetupAndALastLook) {
  for (uint64_t seed = 0; seed < 500; seed++) {
    const Program program = generate(seed, {.threads = 3});
    ASSERT_FALSE(validate(program));
    EXPECT_EQ(count_threads(program), 3u);
    EXPECT_EQ(program.threads.front().role, Role::kSetup);
    EXPECT_EQ(program.threads.back().role, Role::kFinally);
  }
}

TEST(Generate, EveryKindOfOperationObjectAndActionAppears) {
  std::set<OpKind> ops;
  std::set<ObjectKind> objects;
  uint32_t flags = 0;
  bool faults = false, negative = false, aliased = false, long_list = false;
  for (uint64_t seed = 0; seed < 3000; seed++) {
    const Program program = generate(seed);
    for (const Object& object : program.objects) objects.insert(object.kind);
    for (const Op& op : program.threads[0].ops) {
      ops.insert(op.kind);
      for (const Change& change : op.changes) flags |= change.flags;
      faults |= op.bad_changes >= 0 || op.bad_events >= 0;
      negative |= op.room < 0;
      aliased |= op.aliased;
      long_list |= op.changes.size() > 8;
    }
  }
  // sleep is for threads to miss each other by; a sequential program has no use for it.
  EXPECT_EQ(ops.size(), static_cast<size_t>(kOpKinds) - 1);
  EXPECT_EQ(objects.size(), static_cast<size_t>(kObjectKinds));
  EXPECT_EQ(flags, 0xffffu);
  EXPECT_TRUE(faults && negative && aliased && long_list);
}

TEST(Generate, OptionsTakeWhatTheyTakeAway) {
  for (uint64_t seed = 0; seed < 1000; seed++) {
    const Program program = generate(seed, {.inet = false, .bad_calls = false});
    for (const Object& object : program.objects) {
      EXPECT_NE(object.kind, ObjectKind::kTcp);
      EXPECT_NE(object.kind, ObjectKind::kListener);
    }
    for (const Op& op : program.threads[0].ops) {
      EXPECT_EQ(op.bad_changes, bad::kNone);
      EXPECT_EQ(op.bad_events, bad::kNone);
      EXPECT_GE(op.room, 0);
      EXPECT_NE(op.wait, Wait::kExplicit);
    }
  }
}

TEST(Random, TheNumbersAreTheSameEverywhere) {
  Random random(42);
  const uint64_t first = random.next();
  EXPECT_EQ(first, 1546998764402558742u);
  EXPECT_EQ(Random(7).below(0), 0u);
  Random dice(1);
  int counts[6] = {};
  for (int i = 0; i < 60000; i++) counts[dice.below(6)]++;
  for (const int count : counts) EXPECT_NEAR(count, 10000, 500);
}

}  // namespace
}  // namespace kqtorture
