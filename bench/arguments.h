// The command line of kq_bench: the suite's options, and the flags of Google Benchmark.
#pragma once

#include <string>
#include <vector>

namespace kqtorture::bench {

struct Arguments {
  std::string subject;
  std::string peer;        // empty: none
  std::string histograms;  // directory; empty: none are written
  double budget = 0;       // seconds
  bool min_time_given = false, list = false, help = false;
  std::string filter = ".";
  int repetitions = 1;
  std::vector<std::string> rest;  // for Google Benchmark
  std::string error;              // one line; empty when all is well
};

Arguments parse(int argc, char** argv);
extern const char kUsage[];

// How many of the names the filter selects, as Google Benchmark selects them. All, when it is no
// regular expression: that is for Google Benchmark to say.
int count_selected(const std::vector<std::string>& names, const std::string& filter);

}  // namespace kqtorture::bench
