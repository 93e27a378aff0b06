// The litmus corpus finds every planted bug, and what it finds can be used: it replays, it shrinks
// to what fits on a screen, and what is left is still guilty.
#include <gmock/gmock.h>

#include <algorithm>
#include <sstream>

#include "litmus.h"
#include "scenario/print.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using testing::Ran;

// Of the longest of them: arm, deliver, force, drain, enable.
constexpr size_t kFewOperations = 7;
// A race shows only now and then, so what the shrinker tries to leave out it may have to keep.
constexpr size_t kFewOperationsOfARace = 12;

size_t few(const Program& program) {
  return is_sequential(program) ? kFewOperations : kFewOperationsOfARace;
}

std::vector<std::string> mutants() {
  std::istringstream names(KQT_MUTANTS);
  std::vector<std::string> result;
  for (std::string name; names >> name;) result.push_back(name);
  return result;
}

class Mutant : public testing::LitmusCommands, public ::testing::WithParamInterface<std::string> {
 protected:
  std::string subject() const { return std::string(KQT_MUTANT_FOLDER) + "/" + GetParam() + ".so"; }
};

TEST_P(Mutant, IsFoundReplayedAndShrunk) {
  const Ran ran = kqtorture({"run", KQT_LITMUS, "--subject", subject()});
  ASSERT_EQ(ran.code, kExitFinding) << ran.output;
  const auto files = finding_files();
  ASSERT_THAT(files, Not(IsEmpty()));
  for (const std::string& file : files) {
    const Finding finding = load(file);
    EXPECT_EQ(finding.subject, subject());
    const Program program = program_of(finding.reproducer);
    // A process that was ended tells in which program, not in which call, and shrinks nothing.
    const bool ended = finding.verdict == "crash" || finding.verdict == "hang";
    if (!ended) {
      EXPECT_LE(count_ops(program), few(program)) << finding.reproducer;
      EXPECT_THAT(kqtorture({"explain", file}).output, HasSubstr(">>"))
          << "no guilty call is marked";
    }
    const Ran replay = kqtorture({"replay", file});
    EXPECT_EQ(replay.code, kExitFinding) << replay.output;
  }
}

TEST_P(Mutant, WhatShrinkPrintsStillFails) {
  kqtorture({"run", "--no-shrink", KQT_LITMUS, "--subject", subject()});
  const auto files = finding_files();
  ASSERT_THAT(files, Not(IsEmpty()));
  // One that shows every time, if there is one: a race has to be met again.
  const auto exact = std::find_if(files.begin(), files.end(), [&](const std::string& file) {
    return load(file).engine == "sequential";
  });
  const std::string small = path("small.litmus");
  const std::string& found = exact != files.end() ? *exact : files[0];
  const Ran shrink = kqtorture({"shrink", found, "--output", small, "--budget", "10"});
  ASSERT_EQ(shrink.code, kExitFinding) << shrink.output;
  const Program program = program_of(testing::read_text(small));
  EXPECT_LE(count_ops(program), few(program)) << shrink.output;
  EXPECT_EQ(testing::read_text(small), print(program)) << "not in canonical form";
  const Ran again =
      kqtorture({"run", small, "--subject", subject(), "--iterations", "2000", "--no-shrink"});
  EXPECT_EQ(again.code, kExitFinding) << again.output;
}

#if defined(KQT_GENERATOR)
// A finding of the fuzzer names the input, and is used like any other.
TEST_P(Mutant, IsFoundByGeneratedProgramsUnlessItTakesTwoThreads) {
  if (GetParam() == "oneshot_delivered_to_two_waiters") GTEST_SKIP() << "it takes two threads";
  const Ran ran = testing::run({KQT_GENERATOR, "--generate", "200000", "--seed", "1"},
                               {{"KQ_OUT", out()}, {"KQ_SUBJECT", subject()}});
  ASSERT_EQ(ran.code, kExitFinding) << ran.output;
  const auto files = finding_files();
  ASSERT_EQ(files.size(), 1u);
  EXPECT_EQ(load(files[0]).engine, "changelist_fuzzer");
  EXPECT_EQ(load(files[0]).subject, subject());
  const Ran replay = kqtorture({"replay", files[0]});
  EXPECT_EQ(replay.code, kExitFinding) << replay.output;
  EXPECT_THAT(replay.output, HasSubstr("found again"));
  const Ran shrink = kqtorture({"shrink", files[0], "--output", path("small.litmus")});
  EXPECT_EQ(shrink.code, kExitFinding) << shrink.output;
  EXPECT_LE(count_ops(program_of(testing::read_text(path("small.litmus")))), kFewOperations);
}
#endif

INSTANTIATE_TEST_SUITE_P(Planted, Mutant, ::testing::ValuesIn(mutants()),
                         [](const auto& parameter) { return parameter.param; });

}  // namespace
}  // namespace kqtorture
