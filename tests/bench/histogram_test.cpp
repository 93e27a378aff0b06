// Latencies are told by their quantiles, so the histogram must put every value within 1.6 % of
// itself, from one nanosecond to hours; and a budget is divided by the number of measurements, so
// the filter must count as Google Benchmark selects.
#include "bench/histogram.h"

#include <gtest/gtest.h>

#include "bench/arguments.h"

namespace kqtorture::bench {
namespace {

TEST(Histogram, KnowsSmallValuesExactly) {
  Histogram histogram;
  for (uint64_t value = 1; value <= 100; ++value) {
    if (value <= 50) histogram.record(value);
  }
  EXPECT_EQ(histogram.count(), 50u);
  EXPECT_EQ(histogram.at(0.5), 25u);
  EXPECT_EQ(histogram.at(0.02), 1u);
  EXPECT_EQ(histogram.at(1), 50u);
}

TEST(Histogram, PutsEveryValueWithinOnePart64OfItself) {
  for (uint64_t value = 1; value < uint64_t{1} << 50; value += value / 3 + 1) {
    Histogram histogram;
    histogram.record(value);
    histogram.record(uint64_t{1} << 60);  // so that the maximum does not correct the answer
    EXPECT_GE(histogram.at(0.5), value);
    EXPECT_LE(histogram.at(0.5), value + value / 64);
  }
}

TEST(Histogram, TellsTheTail) {
  Histogram histogram;
  for (int i = 0; i < 990; ++i) histogram.record(10);
  for (int i = 0; i < 9; ++i) histogram.record(1000);
  histogram.record(1'000'000);
  EXPECT_EQ(histogram.at(0.99), 10u);
  EXPECT_NEAR(static_cast<double>(histogram.at(0.999)), 1000, 16);
  EXPECT_EQ(histogram.at(1), 1'000'000u);
  EXPECT_EQ(histogram.max(), 1'000'000u);
}

TEST(Histogram, IsEmptyAtFirst) {
  const Histogram histogram;
  EXPECT_EQ(histogram.at(0.5), 0u);
  EXPECT_EQ(histogram.max(), 0u);
}

TEST(Histogram, AddsUp) {
  Histogram first, second;
  first.record(1);
  second.record(5'000);
  first.add(second);
  EXPECT_EQ(first.count(), 2u);
  EXPECT_EQ(first.at(0.5), 1u);
  EXPECT_EQ(first.max(), 5'000u);
}

TEST(Histogram, WritesOneLineForEachBucketWithItsTail) {
  Histogram histogram;
  for (int i = 0; i < 3; ++i) histogram.record(7);
  histogram.record(9);
  EXPECT_EQ(histogram.hgrm(),
            "       Value     Percentile TotalCount 1/(1-Percentile)\n\n"
            "       7.000 0.750000000000          3           4.00\n"
            "       9.000 1.000000000000          4\n");
}

TEST(Filter, CountsWhatIsSelected) {
  const std::vector<std::string> names = {"a/by:x", "a/by:y", "b/by:x"};
  EXPECT_EQ(count_selected(names, "."), 3);
  EXPECT_EQ(count_selected(names, "^a/"), 2);
  EXPECT_EQ(count_selected(names, "x$|y$"), 3);
  EXPECT_EQ(count_selected(names, "-by:x"), 1);
  EXPECT_EQ(count_selected(names, "none"), 0);
  EXPECT_EQ(count_selected(names, "("), 3);
}

}  // namespace
}  // namespace kqtorture::bench
