// Latencies with their tail: a histogram of high dynamic range, as Gil Tene's HdrHistogram.
//
// Counts are kept in buckets whose width grows with the value: 64 to each power of two, so that
// every value is known within 1.6 % whatever its size, and recording is an index and an increment.
// Debian 12 and Ubuntu 22.04 do not both package the C library, so the page that is needed of it
// is here; the output is the .hgrm text that its plotters read.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace kqtorture::bench {

class Histogram {
 public:
  void record(uint64_t value);
  void add(const Histogram& other);

  uint64_t count() const { return count_; }
  uint64_t max() const { return max_; }
  // The least value that at least this part of all recorded ones does not exceed; 0 when empty.
  // quantile is from 0 to 1.
  uint64_t at(double quantile) const;

  // One line for each quantile on the way to 1: value, quantile, values up to it, 1/(1-quantile).
  std::string hgrm() const;

 private:
  std::vector<uint64_t> counts_;
  uint64_t count_ = 0;
  uint64_t max_ = 0;
};

}  // namespace kqtorture::bench
