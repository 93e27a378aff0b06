// A finding survives being saved, read by a person and read by a program, whatever bytes are in it;
// and a file that only pretends to be one is refused.
#include "report/finding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "run.h"

namespace kqtorture {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

Finding sample() {
  Finding finding;
  finding.verdict = "duplicate";
  finding.rule = "I5";
  finding.engine = "stress";
  finding.scenario = "DispatchOwnership.Pipes";
  finding.subject = "/tmp/lib with spaces.so";
  finding.profile = "strict-2006";
  finding.seed = 18446744073709551615u;
  finding.message = "delivered twice for one arming";
  finding.reproducer = "kq k\nthread a\n  add k p READ\n";
  finding.detail = {"lane 1 | kevent", "", "lane 2 | kevent"};
  return finding;
}

void expect_equal(const Finding& a, const Finding& b) {
  EXPECT_EQ(a.verdict, b.verdict);
  EXPECT_EQ(a.rule, b.rule);
  EXPECT_EQ(a.engine, b.engine);
  EXPECT_EQ(a.scenario, b.scenario);
  EXPECT_EQ(a.subject, b.subject);
  EXPECT_EQ(a.profile, b.profile);
  EXPECT_EQ(a.seed, b.seed);
  EXPECT_EQ(a.message, b.message);
  EXPECT_EQ(a.reproducer, b.reproducer);
  EXPECT_EQ(a.detail, b.detail);
}

TEST(FindingJson, GoesThereAndBack) {
  Finding back;
  std::string error;
  ASSERT_TRUE(from_json(to_json(sample()), &back, &error)) << error;
  expect_equal(sample(), back);
}

TEST(FindingJson, IsValidWhateverBytesAreInIt) {
  Finding hostile = sample();
  for (int i = 0; i < 256; ++i) hostile.message += static_cast<char>(i);
  hostile.detail.push_back(std::string("\0\xFF\xC0\x80\"\\", 6));
  Finding back;
  std::string error;
  ASSERT_TRUE(from_json(to_json(hostile), &back, &error)) << error;
  Finding again;
  ASSERT_TRUE(from_json(to_json(back), &again, &error)) << error;
  expect_equal(back, again);
}

TEST(FindingJson, WhatIsMissingIsNamed) {
  Finding finding;
  std::string error;
  EXPECT_FALSE(from_json("{\"engine\":\"e\",\"message\":\"m\"}", &finding, &error));
  EXPECT_THAT(error, HasSubstr("no \"verdict\""));
  EXPECT_FALSE(
      from_json("{\"verdict\":\"\",\"engine\":\"e\",\"message\":\"m\"}", &finding, &error));
  EXPECT_TRUE(from_json("{\"verdict\":\"v\",\"engine\":\"e\",\"message\":\"m\",\"newer\":[1]}",
                        &finding, &error))
      << error;
}

TEST(FindingJson, MalformedFilesAreRefusedAndLeaveTheFindingAlone) {
  const std::string head = "{\"verdict\":\"v\",\"engine\":\"e\",\"message\":\"m\",";
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"), std::string("{"),
        head + "\"seed\":-1}", head + "\"seed\":1.5}", head + "\"seed\":\"7\"}",
        head + "\"seed\":18446744073709551616}", head + "\"rule\":5}", head + "\"detail\":\"x\"}",
        head + "\"detail\":[1]}", head + "\"detail\":{}}", head + "\"profile\":null}",
        std::string("{\"verdict\":1,\"engine\":\"e\",\"message\":\"m\"}"),
        std::string("\xFF\xFE{}")}) {
    Finding finding = sample();
    std::string error;
    EXPECT_FALSE(from_json(text, &finding, &error)) << text;
    EXPECT_NE(error, "");
    expect_equal(finding, sample());
  }
}

TEST(FindingJson, SchedulesGoThereAndBackAndWhatIsNotUnderstoodInFullIsRefused) {
  Finding finding;
  finding.verdict = "deadlock";
  finding.engine = "controlled";
  finding.message = "m";
  finding.lanes.names = {"main", "A"};
  finding.lanes.calls = {{.lane = 1, .begin = 1, .end = 2, .text = "c"}};
  finding.lanes.switches = {{1.25, 0, 1, "f() file.c:1"}};
  finding.schedule = {"pct:3", "fibers", 0xfedcba9876543210, 1000, true, {0, 0, 0, 2, 1, 1, 255}};
  finding.schedule.steps = {{0, 12, 0xbeef}, {StepMark::kClock, 9, 1}};
  const std::string text = to_json(finding);
  Finding back;
  std::string error;
  ASSERT_TRUE(from_json(text, &back, &error)) << error;
  EXPECT_EQ(back.schedule, finding.schedule);
  EXPECT_EQ(back.lanes, finding.lanes);
  const std::pair<const char*, const char*> wrong[] = {{"\"version\": 1", "\"version\": 2"},
                                                       {"0*3 2 1*2 255", "0*3 2 1*2 256"},
                                                       {"0*3 2 1*2 255", "0*0"},
                                                       {"0*3 2 1*2 255", "0*9999999"},
                                                       {"0*3 2 1*2 255", "0*3,2"},
                                                       {"0*3 2 1*2 255", "-1"},
                                                       {"0cbeef", "0cbee"},
                                                       {"0cbeef", "0cbeeg"},
                                                       {"0cbeef", "-cbeef"},
                                                       {"\"fibers\"", "\"steam\""},
                                                       {"\"races\": true", "\"races\": 1"},
                                                       {"\"most_steps\": 1000", "\"x\": 1000"},
                                                       {"\"to\": 1", "\"to\": 2"}};
  for (const auto& [right, instead] : wrong) {
    std::string broken = text;
    ASSERT_NE(broken.find(right), std::string::npos) << right;
    broken.replace(broken.find(right), std::string(right).size(), instead);
    EXPECT_FALSE(from_json(broken, &back, &error)) << instead;
    EXPECT_FALSE(error.empty());
  }
}

TEST(FindingJson, DeepNestingAndHugeFilesAreRefused) {
  Finding finding;
  std::string error;
  EXPECT_FALSE(from_json(std::string(1000000, '['), &finding, &error));
  const std::string nested = std::string(50, '[') + std::string(50, ']');
  EXPECT_FALSE(
      from_json("{\"verdict\":\"v\",\"engine\":\"e\",\"message\":\"m\",\"x\":" + nested + "}",
                &finding, &error));
  EXPECT_THAT(error, HasSubstr("nested"));
  EXPECT_FALSE(from_json(std::string(size_t{17} << 20, ' '), &finding, &error));
  EXPECT_THAT(error, HasSubstr("larger than 16 MiB"));
}

TEST(FindingText, SaysEverythingAndNothingToATerminal) {
  Finding finding = sample();
  finding.message += "\x1b]0;title\x07";
  const std::string text = to_text(finding);
  for (const char* part : {"duplicate", "I5", "stress", "DispatchOwnership.Pipes", "strict-2006",
                           "18446744073709551615", "delivered twice", "add k p READ", "lane 2"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_EQ(text.find('\x1b'), std::string::npos);
  EXPECT_EQ(text.find('\x07'), std::string::npos);
}

class Saving : public ::testing::Test {
 protected:
  void SetUp() override { setenv("KQ_OUT", directory_.path().c_str(), 1); }
  void TearDown() override {
    unsetenv("KQ_OUT");
    observe_saved_findings(nullptr);
  }
  std::vector<std::string> saved() const {
    return testing::files_in(directory_.path() + "/findings");
  }
  testing::TemporaryDirectory directory_;
};

TEST_F(Saving, WritesAFileThatReadsBack) {
  const std::string path = save_finding(sample());
  EXPECT_THAT(path, HasSubstr("/findings/stress-DispatchOwnership.Pipes-"));
  Finding back;
  std::string error;
  ASSERT_TRUE(from_json(testing::read_text(path), &back, &error)) << error;
  expect_equal(sample(), back);
}

TEST_F(Saving, SameFindingTwiceIsOneFile) {
  Finding other = sample();
  other.seed = 5;
  other.detail = {"another history"};
  save_finding(sample());
  save_finding(other);
  EXPECT_THAT(saved(), SizeIs(1));
  other.message = "something else";
  save_finding(other);
  EXPECT_THAT(saved(), SizeIs(2));
}

TEST_F(Saving, NamesCannotLeaveTheFolder) {
  Finding finding = sample();
  finding.engine = "../../engine";
  finding.scenario = "/etc/passwd\n";
  const std::string path = save_finding(finding);
  EXPECT_THAT(saved(), SizeIs(1));
  EXPECT_EQ(path.find("etc/passwd"), std::string::npos);
}

int observed = 0;
TEST_F(Saving, ObserverHearsOfSavedFindingsOnly) {
  observed = 0;
  observe_saved_findings([] { ++observed; });
  save_finding(sample());
  EXPECT_EQ(observed, 1);
  testing::write_text(directory_.path() + "/file", "");
  setenv("KQ_OUT", (directory_.path() + "/file").c_str(), 1);
  EXPECT_EQ(save_finding(sample()), "");
  EXPECT_EQ(observed, 1);
}

TEST(OutputDirectory, IsOutUnlessKqOutSaysOtherwise) {
  unsetenv("KQ_OUT");
  EXPECT_EQ(output_directory(), "out");
  setenv("KQ_OUT", "", 1);
  EXPECT_EQ(output_directory(), "out");
  setenv("KQ_OUT", "/elsewhere", 1);
  EXPECT_EQ(output_directory(), "/elsewhere");
  unsetenv("KQ_OUT");
}

}  // namespace
}  // namespace kqtorture
