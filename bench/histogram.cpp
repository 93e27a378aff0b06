#include "histogram.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

namespace kqtorture::bench {
namespace {

constexpr int kSubBits = 6;  // 2^6 buckets to a power of two: 1/64 is 1.6 %
constexpr uint64_t kSub = uint64_t{1} << kSubBits;

// Values below 64 have a bucket each; above, the six bits after the leading one choose.
size_t bucket_of(uint64_t value) {
  if (value < kSub) return static_cast<size_t>(value);
  const int shift = 63 - __builtin_clzll(value) - kSubBits;
  return static_cast<size_t>(static_cast<uint64_t>(shift) * kSub + (value >> shift));
}

// The greatest value of the bucket.
uint64_t top_of(size_t bucket) {
  if (bucket < kSub) return bucket;
  const uint64_t shift = bucket / kSub - 1;
  const uint64_t base = bucket - shift * kSub;
  return ((base + 1) << shift) - 1;
}

}  // namespace

void Histogram::record(uint64_t value) {
  const size_t bucket = bucket_of(value);
  if (bucket >= counts_.size()) counts_.resize(bucket + 1);
  ++counts_[bucket];
  ++count_;
  max_ = std::max(max_, value);
}

void Histogram::add(const Histogram& other) {
  if (other.counts_.size() > counts_.size()) counts_.resize(other.counts_.size());
  for (size_t i = 0; i < other.counts_.size(); ++i) counts_[i] += other.counts_[i];
  count_ += other.count_;
  max_ = std::max(max_, other.max_);
}

uint64_t Histogram::at(double quantile) const {
  const auto wanted =
      static_cast<uint64_t>(std::max(1.0, std::ceil(quantile * static_cast<double>(count_))));
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    seen += counts_[i];
    if (seen >= wanted) return std::min(top_of(i), max_);
  }
  return max_;
}

std::string Histogram::hgrm() const {
  std::string text = "       Value     Percentile TotalCount 1/(1-Percentile)\n\n";
  char line[96];
  uint64_t seen = 0;
  for (size_t i = 0; i < counts_.size(); ++i) {
    if (counts_[i] == 0) continue;
    seen += counts_[i];
    const double part = static_cast<double>(seen) / static_cast<double>(count_);
    const int used = std::snprintf(line, sizeof line, "%12.3f %2.12f %10llu",
                                   static_cast<double>(std::min(top_of(i), max_)), part,
                                   static_cast<unsigned long long>(seen));
    text.append(line, static_cast<size_t>(used));
    if (seen < count_) {
      std::snprintf(line, sizeof line, " %14.2f", 1 / (1 - part));
      text += line;
    }
    text += "\n";
  }
  return text;
}

}  // namespace kqtorture::bench
