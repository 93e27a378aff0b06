// The picture of a history: as lines, as a drawing, in JSON and back.
#include "report/lanes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>

#include "report/finding.h"
#include "report/summary.h"
#include "xml.h"

namespace kqtorture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

Lanes two_threads() {
  return {.caption = "no order explains <this>:",
          .names = {"main", "B"},
          .calls = {{.lane = 1, .begin = 2, .end = 5.25, .text = "kevent k => (p.r READ)"},
                    {.lane = 0, .begin = 1, .end = 3, .text = "close p.r => 0"},
                    {.lane = 1,
                     .begin = 6,
                     .end = std::nullopt,
                     .text = "kevent k timeout=forever",
                     .guilty = true}}};
}

TEST(Lanes, SwitchesStandWhereTheyHappenedWithAnArrowToWhoGoesOn) {
  Lanes lanes = two_threads();
  lanes.switches = {{1.5, 0, 1, "f() file.c:7"}, {9, 1, 0, ""}};
  const std::vector<std::string> lines = to_lines(lanes);
  ASSERT_EQ(lines.size(), 7u);
  EXPECT_EQ(lines[3], "        1.50               o->  main stops at f() file.c:7");
  EXPECT_EQ(lines[6], "        9.00               <-o  B stops");
  EXPECT_NE(to_svg(lanes).find("class=\"switch\""), std::string::npos);
  EXPECT_EQ(to_svg(two_threads()).find("class=\"switch\""), std::string::npos);
}

TEST(Lanes, ALineIsACallAndAStarItsThread) {
  EXPECT_THAT(to_lines(two_threads()),
              ElementsAre("no order explains <this>:", "    begin us     end us main B",
                          "         1.0        3.0    * .  close p.r => 0",
                          "         2.0        5.2    . *  kevent k => (p.r READ)",
                          ">>       6.0    not yet    . *  kevent k timeout=forever"));
  EXPECT_TRUE(to_lines({}).empty());
}

// y and height of the bar whose hover text contains `what`.
std::pair<int, int> bar(const std::string& svg, const std::string& what) {
  const std::regex form("y=\"(\\d+)\" width=\"\\d+\" height=\"(\\d+)\" rx=\"2\"><title>([^<]*)<");
  for (std::sregex_iterator it(svg.begin(), svg.end(), form), end; it != end; ++it) {
    if ((*it)[3].str().find(what) == std::string::npos) continue;
    return {std::stoi((*it)[1]), std::stoi((*it)[2])};
  }
  ADD_FAILURE() << "no bar for " << what << " in " << svg;
  return {};
}

TEST(Lanes, BarsOverlapInTheDrawingWhereCallsOverlapInTime) {
  const std::string svg = to_svg(two_threads());
  EXPECT_EQ(testing::xml_problem(svg), "");
  const auto close = bar(svg, "close"), poll = bar(svg, "READ"), sleeper = bar(svg, "forever");
  EXPECT_LT(close.first, poll.first);
  EXPECT_LT(poll.first, close.first + close.second) << "they overlap";
  EXPECT_GT(sleeper.first, poll.first + poll.second) << "it began after the other had ended";
  EXPECT_THAT(svg, HasSubstr("call guilty waiting"));
  EXPECT_THAT(svg, HasSubstr("not returned"));
  EXPECT_THAT(svg, Not(HasSubstr("<this>")));
  EXPECT_EQ(to_svg({}), "");
}

TEST(Lanes, EqualTimesOverlap) {
  Lanes lanes = two_threads();
  lanes.calls[1].end = 2;
  const std::string svg = to_svg(lanes);
  const auto close = bar(svg, "close"), poll = bar(svg, "READ");
  EXPECT_LT(poll.first, close.first + close.second);
}

TEST(Lanes, GoThereAndBackInAFinding) {
  Finding finding, back;
  finding.verdict = "lost";
  finding.lanes = two_threads();
  std::string error;
  ASSERT_TRUE(from_json(to_json(finding), &back, &error)) << error;
  EXPECT_EQ(back.lanes, finding.lanes);
  EXPECT_THAT(to_text(finding), HasSubstr("  history:\n    no order explains <this>:\n"));
  EXPECT_THAT(to_html({finding, "file.json"}), HasSubstr("<svg "));
}

TEST(Lanes, MalformedOnesAreRefused) {
  const std::string head = R"({"verdict":"lost","engine":"e","message":"m","lanes":)";
  Finding back;
  std::string error;
  for (const char* lanes :
       {R"("x")", R"({})", R"({"names":[1],"calls":[]})", R"({"names":["A"],"calls":{}})",
        R"({"names":["A"],"calls":[1]})",
        R"({"names":["A"],"calls":[{"lane":1,"begin_us":0,"call":""}]})",
        R"({"names":["A"],"calls":[{"lane":-1,"begin_us":0,"call":""}]})",
        R"({"names":["A"],"calls":[{"lane":0,"begin_us":"0","call":""}]})",
        R"({"names":["A"],"calls":[{"lane":0,"begin_us":0,"end_us":"1","call":""}]})",
        R"({"names":["A"],"calls":[{"lane":0,"begin_us":0,"call":"","guilty":1}]})",
        R"({"names":["A"],"calls":[{"lane":0,"begin_us":0}]})"}) {
    error.clear();
    EXPECT_FALSE(from_json(head + lanes + "}", &back, &error)) << lanes;
    EXPECT_THAT(error, HasSubstr("lanes")) << lanes;
  }
}

}  // namespace
}  // namespace kqtorture
