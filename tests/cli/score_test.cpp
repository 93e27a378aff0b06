// `kqtorture score`: headers of planted bugs, shared objects made of them, and the verdict on a
// suite that finds them, misses one, or cannot build one.
#include <gmock/gmock.h>

#include <map>

#include "cli/mutant.h"
#include "litmus.h"
#include "report/files.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;

constexpr int kRules = 23;

const char kHeader[] =
    "What was done wrong.\norigin:   derived\nplatform: none\nrule:     I5\nkind:     "
    "sequential\n\n";
// Nobody can see it.
const char kHarmless[] =
    "--- a/src/kqueue/user_filter.cpp\n+++ b/src/kqueue/user_filter.cpp\n@@ -1,1 +1,1 @@\n";

class MutantHeaders : public testing::LitmusCommands {
 protected:
  // The complaint about a patch of that text.
  std::string complaint(const std::string& text) {
    std::vector<Mutant> mutants;
    std::string error;
    EXPECT_FALSE(read_mutants({file("bug.patch", text)}, &mutants, &error)) << text;
    return error;
  }
};

TEST_F(MutantHeaders, EveryRuleHasTwoAndEveryPatchSaysWhatItIs) {
  std::vector<Mutant> mutants;
  std::string error;
  ASSERT_TRUE(read_mutants({KQT_ALL_MUTANTS}, &mutants, &error)) << error;
  EXPECT_GE(mutants.size(), 100u);
  std::map<int, int> planted;
  for (const Mutant& mutant : mutants) {
    EXPECT_FALSE(mutant.story.empty()) << mutant.path;
    EXPECT_FALSE(mutant.platform.empty()) << mutant.path;
    for (int rule = 1; rule <= kRules; rule++) {
      const size_t at = mutant.rule.find("I" + std::to_string(rule));
      if (at == std::string::npos) continue;
      const size_t behind = at + 1 + std::to_string(rule).size();
      const bool whole = behind >= mutant.rule.size() || !std::isdigit(mutant.rule[behind]);
      planted[rule] += whole ? 1 : 0;
    }
  }
  for (int rule = 1; rule <= kRules; rule++) EXPECT_GE(planted[rule], 2) << "I" << rule;
}

TEST_F(MutantHeaders, FieldsGoOnInTheNextLines) {
  std::vector<Mutant> mutants;
  std::string error;
  const std::string text =
      "One.\nTwo.\norigin:   B7 (a long\n          story)\nrule:     I8, I9a\nkind:     race of "
      "depth 3; rare\n\n" +
      std::string(kHarmless);
  ASSERT_TRUE(read_mutants({file("late.patch", text)}, &mutants, &error)) << error;
  ASSERT_EQ(mutants.size(), 1u);
  EXPECT_EQ(mutants[0].name, "late");
  EXPECT_EQ(mutants[0].story, "One. Two.");
  EXPECT_EQ(mutants[0].origin, "B7 (a long story)");
  EXPECT_EQ(mutants[0].rule, "I8, I9a");
  EXPECT_EQ(mutants[0].depth, 3);
  EXPECT_THAT(mutants[0].changed, ::testing::ElementsAre("user_filter.cpp"));
}

TEST_F(MutantHeaders, WhatIsNoPlantedBugIsRefusedByName) {
  EXPECT_THAT(complaint("nothing but words\n"), AllOf(HasSubstr("bug.patch"), HasSubstr("change")));
  EXPECT_THAT(complaint("A.\nrule: I1\nkind: sequential\n\n" + std::string(kHarmless)),
              HasSubstr("origin"));
  EXPECT_THAT(complaint(std::string(kHeader) + "--- a/README.md\n+++ b/README.md\n"),
              HasSubstr("beside src/kqueue"));
  EXPECT_THAT(complaint(std::string(kHeader) +
                        "--- a/src/kqueue/../../x.cpp\n+++ b/src/kqueue/../../x.cpp\n"),
              HasSubstr("beside src/kqueue"));
  EXPECT_THAT(
      complaint(std::string(kHeader) + "--- a/src/kqueue/a'b.cpp\n+++ b/src/kqueue/a'b.cpp\n"),
      HasSubstr("beside src/kqueue"));
}

// One after another on what the first has built.
class ScoreCommand : public testing::LitmusCommands {
 protected:
  Ran score(const std::string& patches, std::vector<std::string> more = {}) {
    more.insert(more.begin(),
                {"score", patches, "--seed", "1", "--budget", "2", "--engine", "litmus"});
    return kqtorture(more);
  }
  std::string folder(const std::vector<std::string>& names) {
    const std::string patches = path("patches");
    make_directories(patches);
    for (const std::string& name : names) {
      testing::write_text(patches + "/" + name + ".patch",
                          testing::read_text(std::string(KQT_ALL_MUTANTS) + "/" + name + ".patch"));
    }
    return patches;
  }
};

TEST_F(ScoreCommand, CountsWhatIsFoundAndNamesWhatIsNot) {
  const std::string patches = folder({"unknown_flag_accepted"});
  Ran ran = score(patches);
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("1 of 1 planted bugs found"), HasSubstr("\npassed")));
  EXPECT_THAT(testing::read_text(out() + "/score/score.md"),
              AllOf(HasSubstr("unknown_flag_accepted"), HasSubstr("nothing found")));
  // By its schema; 77: the validator is not installed.
  ran =
      testing::run({"/usr/bin/python3", "-B", KQT_FORMATS, "--files", out() + "/score/score.json"});
  EXPECT_TRUE(ran.code == 0 || ran.code == 77) << ran.output;

  // A patch that changes nothing anybody sees; it is found by nobody.
  const std::string same = "// The same.\n";
  const std::string source = testing::read_text(std::string(KQT_KQ) + "/user_filter.cpp");
  const std::string first = source.substr(0, source.find('\n') + 1);
  testing::write_text(patches + "/silent.patch",
                      std::string(kHeader) + kHarmless + "-" + first + "+" + same);
  ran = score(patches, {"--resume"});
  EXPECT_EQ(ran.code, kExitFinding) << ran.output;
  EXPECT_THAT(ran.output,
              AllOf(HasSubstr("1 of 2"), HasSubstr("SURVIVED silent"), HasSubstr("NOT passed")));

  // Half of them was all that was asked for.
  EXPECT_EQ(score(patches, {"--resume", "--at-least", "50"}).code, kExitClean);
  EXPECT_EQ(score(patches, {"--resume", "--at-least", "51"}).code, kExitFinding);
  EXPECT_EQ(score(patches, {"--at-least", "101"}).code, kExitUsage);

  // With an argument why it cannot be found, it need not be.
  testing::write_text(
      patches + "/silent.patch",
      std::string(kHeader).insert(std::string(kHeader).size() - 1, "equivalent: a comment\n") +
          kHarmless + "-" + first + "+" + same);
  ran = score(patches, {"--resume"});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;

  // One that does not compile is no bug, and no pass.
  testing::write_text(patches + "/silent.patch",
                      std::string(kHeader) + kHarmless + "-" + first + "+#error\n");
  ran = score(patches, {"--build-only"});
  EXPECT_EQ(ran.code, kExitFinding) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("NOT BUILT silent"), HasSubstr("1 of 2 mutants built")));
  ran = score(patches, {"--shard", "2/2", "--build-only"});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
}

TEST_F(ScoreCommand, RefusesWhatItCannotDo) {
  EXPECT_EQ(kqtorture({"score", path("nowhere")}).code, kExitUsage);
  EXPECT_EQ(kqtorture({"score", folder({})}).code, kExitUsage);
  EXPECT_EQ(score(folder({"unknown_flag_accepted"}), {"--shard", "3/2"}).code, kExitUsage);
}

}  // namespace
}  // namespace kqtorture
