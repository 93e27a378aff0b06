#include "reports.h"

#include <map>

#include "report/files.h"

namespace kqtorture::bench {
namespace {
std::map<std::string, Histogram>& all() {
  static std::map<std::string, Histogram> histograms;
  return histograms;
}
}  // namespace

void keep_histogram(const std::string& measurement, const Histogram& histogram) {
  all()[measurement].add(histogram);
}

bool write_histograms(const std::string& directory, std::string* error) {
  for (const auto& [measurement, histogram] : all()) {
    std::string name = measurement;
    for (char& c : name) {
      if (c == '/' || c == ':') c = '-';
    }
    if (!write_file(directory + "/" + name + ".hgrm", histogram.hgrm(), error)) return false;
  }
  return true;
}

}  // namespace kqtorture::bench
