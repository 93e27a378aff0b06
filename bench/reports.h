// What kq_bench writes beside Google Benchmark's JSON: the histograms of the latencies, over all
// repetitions of a measurement.
#pragma once

#include <string>

#include "histogram.h"

namespace kqtorture::bench {

// Adds to the histogram of that measurement.
void keep_histogram(const std::string& measurement, const Histogram& histogram);

// One file for each into the directory, named after the measurement with its slashes as dashes:
// NAME.hgrm. False with one line in *error.
bool write_histograms(const std::string& directory, std::string* error);

}  // namespace kqtorture::bench
