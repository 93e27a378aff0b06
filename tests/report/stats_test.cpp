// Work reported by a program arrives at its campaign, and orders from the campaign at the program.
#include "report/stats.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "run.h"

namespace kqtorture {
namespace {

using std::chrono::milliseconds;

class StatsFile : public ::testing::Test {
 protected:
  void TearDown() override { unsetenv("KQ_STATS"); }
  std::string file() const { return directory_.path() + "/stats.json"; }
  testing::TemporaryDirectory directory_;
  std::string error_;
};

TEST_F(StatsFile, NumbersGoThereAndBack) {
  setenv("KQ_STATS", file().c_str(), 1);
  Stats stats;
  stats.operations = 18446744073709551615u;
  stats.deliveries = 2;
  stats.executions = 3;
  stats.extra["races"] = 4;
  ASSERT_TRUE(write_stats(stats));
  Stats back;
  ASSERT_TRUE(read_stats(file(), &back, &error_)) << error_;
  EXPECT_EQ(back.operations, stats.operations);
  EXPECT_EQ(back.deliveries, 2u);
  EXPECT_EQ(back.executions, 3u);
  EXPECT_EQ(back.extra, stats.extra);
}

TEST_F(StatsFile, NobodyAskedMeansNothingWritten) {
  unsetenv("KQ_STATS");
  EXPECT_TRUE(write_stats({}));
  setenv("KQ_STATS", "", 1);
  EXPECT_TRUE(write_stats({}));
}

TEST_F(StatsFile, FailureToWriteIsReported) {
  testing::write_text(directory_.path() + "/file", "");
  setenv("KQ_STATS", (directory_.path() + "/file/inside").c_str(), 1);
  EXPECT_FALSE(write_stats({}));
}

TEST_F(StatsFile, MalformedFilesAreRefused) {
  Stats stats;
  for (const char* text :
       {"", "[]", "{\"operations\":-1}", "{\"operations\":\"1\"}", "{\"x\":1.5}"}) {
    testing::write_text(file(), text);
    EXPECT_FALSE(read_stats(file(), &stats, &error_)) << text;
  }
  EXPECT_FALSE(read_stats(file() + ".missing", &stats, &error_));
}

TEST(SeedFromEnvironment, IsTheOneGivenOrADrawnOne) {
  setenv("KQ_SEED", "18446744073709551615", 1);
  EXPECT_EQ(seed_from_environment(), 18446744073709551615u);
  setenv("KQ_SEED", "0", 1);
  EXPECT_EQ(seed_from_environment(), 0u);
  for (const char* bad : {"-1", "x", "7x", "18446744073709551616"}) {
    setenv("KQ_SEED", bad, 1);
    EXPECT_NE(seed_from_environment(), seed_from_environment()) << bad;
  }
  unsetenv("KQ_SEED");
  EXPECT_NE(seed_from_environment(), seed_from_environment());
}

TEST(BudgetFromEnvironment, IsTheOneGivenOrTheFallback) {
  const milliseconds fallback{123};
  setenv("KQ_BUDGET", "2.5", 1);
  EXPECT_EQ(budget_from_environment(fallback), milliseconds(2500));
  for (const char* bad : {"", "0", "-1", "x", "1x", "nan", "inf", "1e300"}) {
    setenv("KQ_BUDGET", bad, 1);
    EXPECT_EQ(budget_from_environment(fallback), fallback) << bad;
  }
  unsetenv("KQ_BUDGET");
  EXPECT_EQ(budget_from_environment(fallback), fallback);
}

}  // namespace
}  // namespace kqtorture
