// `kqtorture survey` as a person uses it: what is printed, kept, laid side by side, and what
// happens when the subject does not live through a probe.
#include <gmock/gmock.h>

#include <filesystem>

#include "litmus.h"
#include "report/survey.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using ::testing::SizeIs;

class SurveyCommand : public testing::LitmusCommands {
 protected:
  void refused(const Ran& ran, const std::string& part) const {
    EXPECT_EQ(ran.code, kExitUsage) << ran.output;
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
    EXPECT_THAT(ran.output, HasSubstr(part));
  }
};

TEST_F(SurveyCommand, WhatIsNoSurveyIsRefusedInOneLine) {
  refused(kqtorture({"survey", "--atlas", path("a.html")}), "no saved survey");
  refused(kqtorture({"survey", "--atlas", path("a.html"), path("none.json")}), "none.json");
  refused(kqtorture({"survey", "--atlas", path("a.html"), file("b.json", "{}")}), "not a survey");
  refused(kqtorture({"survey", "--atlas", path("a.html"), file("c.json", "[")}), "not a survey");
  refused(kqtorture({"survey", "--atlas", path("a.html"),
                     file("d.json", R"({"format": "kqtorture survey", "format_version": 2})")}),
          "format 2");
  refused(kqtorture({"survey", file("b.json", "{}")}), "--atlas");
  refused(kqtorture({"survey", "--profile", "windows"}), "windows");
}

#if defined(KQT_LIBKQ)

TEST_F(SurveyCommand, TheEmulatorIsTheStrictProfileInEveryFormat) {
  const Ran ran = kqtorture({"survey", "--json", path("one.json")});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("nearest to strict-2006, no deviations"));
  SurveyReport survey;
  std::string error;
  ASSERT_TRUE(from_json(testing::read_text(path("one.json")), &survey, &error)) << error;
  EXPECT_EQ(survey.nearest, "strict-2006");
  EXPECT_EQ(survey.deviations["strict-2006"], 0);
  EXPECT_GE(survey.count("answered"), 70u);
  EXPECT_EQ(to_json(survey), testing::read_text(path("one.json")));

  // Held to another profile it deviates, and that is a finding; what it can all the same is told.
  const Ran other = kqtorture({"survey", "--profile", "netbsd", "--json", path("two.json")});
  EXPECT_EQ(other.code, kExitFinding);
  EXPECT_THAT(other.output, AllOf(HasSubstr("nearest profile: strict-2006"),
                                  HasSubstr("unexpectedly can: FORCEONESHOT: yes"),
                                  HasSubstr("DISPATCH+CLEAR: both, not CLEAR only")));

  const Ran atlas =
      kqtorture({"survey", "--atlas", path("a.html"), path("one.json"), path("two.json")});
  EXPECT_EQ(atlas.code, kExitClean) << atlas.output;
  const std::string page = testing::read_text(path("a.html"));
  EXPECT_THAT(page,
              AllOf(HasSubstr("<th scope=\"col\">emulator</th><th scope=\"col\">emulator</th>"),
                    HasSubstr("</html>"), HasSubstr("unexpectedly can"), Not(HasSubstr("<script")),
                    Not(HasSubstr("http"))));
}

#endif  // KQT_LIBKQ

// Crashes on DELETE, hangs on DISABLE and exits on ENABLE: most probes end its process.
TEST_F(SurveyCommand, AProbeThatEndsTheProcessIsAFindingAndTheNextIsAsked) {
  const Ran ran = kqtorture({"survey", "--subject", KQT_ENDING_SUBJECT});
  EXPECT_EQ(ran.code, kExitFinding);
  EXPECT_THAT(ran.output, AllOf(HasSubstr("FINDING crash in sequential: nchanges___0"),
                                HasSubstr("FINDING exit in sequential: filter_value_0"),
                                HasSubstr("not surveyed to the end")));
  ASSERT_GE(finding_files().size(), 2u);
  EXPECT_EQ(kqtorture({"replay", finding_files()[0]}).code, kExitFinding);
}

}  // namespace
}  // namespace kqtorture
