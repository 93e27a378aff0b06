// What is collected from one program: the part of its output that explains, and the findings and
// inputs that are new.
#include "cli/job.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/engines.h"
#include "cli/findings_folder.h"
#include "run.h"

namespace kqtorture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class Folder : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return directory_.path() + "/" + name; }
  LogText log(const std::string& text) {
    testing::write_text(at("log"), text);
    return LogText(at("log"), 0, 1 << 20);
  }
  void save(const std::string& name, const std::string& verdict) {
    testing::write_text(at("findings/" + name),
                        "{\"verdict\":\"" + verdict + "\",\"engine\":\"e\",\"message\":\"m\"}");
  }
  testing::TemporaryDirectory directory_;
};

TEST_F(Folder, LastLineIsTheLastThatSaysSomething) {
  EXPECT_EQ(log("one\ntwo\n\n\n").last_line(), "two");
  EXPECT_EQ(log("").last_line(), "");
  EXPECT_EQ(LogText(at("missing"), 0, 100).last_line(), "");
}

TEST_F(Folder, OnlyTheNewPartOfALogIsRead) {
  testing::write_text(at("log"), "old\nnew\n");
  EXPECT_THAT(LogText(at("log"), 4, 1 << 20).interesting_part(), ElementsAre("new"));
}

TEST_F(Folder, InterestingPartIsTheReportElseTheEnd) {
  EXPECT_THAT(log("a\nWARNING: ThreadSanitizer: data race\n#0\n").interesting_part(),
              ElementsAre("WARNING: ThreadSanitizer: data race", "#0"));
  std::string many;
  for (int i = 0; i < 100; ++i) many += std::to_string(i) + "\n";
  const auto end = log(many).interesting_part();
  EXPECT_THAT(end, SizeIs(30));
  EXPECT_EQ(end.back(), "99");
}

TEST_F(Folder, OnlyNewAndReplacedFindingsAreReported) {
  save("old.json", "lost");
  save("again.json", "lost");
  const FindingsFolder folder(at("findings"));
  EXPECT_THAT(folder.new_ones(log("")), IsEmpty());
  testing::write_text(at("other"), testing::read_text(at("findings/again.json")));
  rename(at("other").c_str(), at("findings/again.json").c_str());
  save("new.json", "duplicate");
  testing::write_text(at("findings/not-a-finding.txt"), "x");
  testing::write_text(at("findings/.hidden.json"), "half");
  const auto found = folder.new_ones(log(""));
  ASSERT_THAT(found, SizeIs(2));
  EXPECT_EQ(found[0].file, "findings/again.json");
  EXPECT_EQ(found[1].finding.verdict, "duplicate");
}

TEST_F(Folder, FindingThatCannotBeReadIsStillOne) {
  const FindingsFolder folder(at("findings"));
  testing::write_text(at("findings/broken.json"), "{\"verdict\":");
  const auto found = folder.new_ones(log(""));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_THAT(found[0].finding.message, HasSubstr("broken.json"));
}

TEST_F(Folder, CrashOfAFuzzerGetsTheInputThatWasSaved) {
  testing::write_text(at("findings/inputs/old"), "x");
  const FindingsFolder folder(at("findings"));
  testing::write_text(at("findings/inputs/flags_fuzzer-crash-1"), "x");
  save("crash.json", "crash");
  const auto found = folder.new_ones(log("end of the log\n"));
  ASSERT_THAT(found, SizeIs(1));
  EXPECT_EQ(found[0].finding.reproducer, at("findings/inputs/flags_fuzzer-crash-1"));
  EXPECT_THAT(testing::read_text(at("findings/crash.json")), HasSubstr("end of the log"));
}

TEST(DeriveSeed, DependsOnSeedEngineAndTurn) {
  EXPECT_EQ(derive_seed(1, "stress", 0), derive_seed(1, "stress", 0));
  EXPECT_NE(derive_seed(1, "stress", 0), derive_seed(2, "stress", 0));
  EXPECT_NE(derive_seed(1, "stress", 0), derive_seed(1, "stress", 1));
  EXPECT_NE(derive_seed(1, "stress", 0), derive_seed(1, "bench", 0));
}

}  // namespace
}  // namespace kqtorture
