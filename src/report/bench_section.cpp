// The measurements of a campaign as charts. A family is one question with one size of lists; its
// bars are who answered (kqueue, epoll, ...) and with how many threads, and their length is time:
// shorter is better. kq_bench measures its subject twice, and what the two differ by is the noise
// that every other difference has to be held against.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>
#include <nlohmann/json.hpp>
#include <vector>

#include "report/page.h"
#include "report/text.h"

namespace kqtorture {
namespace {

using nlohmann::json;

constexpr char kAgain[] = "kqueue.again";
// Pixels.
constexpr int kChartNames = 200, kChartBars = 380, kChartNumbers = 90, kBarRow = 20;

struct Measurement {
  std::string family, by, threads;
  double nanoseconds = 0;
};

struct BenchRuns {
  std::vector<std::string> families;  // in the file's order
  std::vector<Measurement> rows;
  std::vector<std::pair<std::string, std::vector<double>>> ratios;  // name; middle, from, to
};

std::string part_after(const std::string& name, const std::string& key) {
  const size_t at = name.find(key);
  if (at == std::string::npos) return "";
  const size_t begin = at + key.size();
  return name.substr(begin, name.find('/', begin) - begin);
}

double nanoseconds_of(const json& entry) {
  const std::string unit = entry.value("time_unit", "ns");
  const double factor = unit == "s" ? 1e9 : unit == "ms" ? 1e6 : unit == "us" ? 1e3 : 1;
  return entry.value("real_time", 0.0) * factor;
}

void take(const json& entry, BenchRuns* runs) {
  if (entry.value("error_occurred", false) || entry.value("run_type", "") != "iteration") return;
  const std::string name = entry.value("name", "");
  const size_t by = name.find("/by:");
  if (by == std::string::npos) {
    if (!entry.contains("ratio")) return;
    const double ratio = entry.value("ratio", 0.0);
    runs->ratios.push_back(
        {name.substr(0, name.find("/iterations:")),
         {ratio, entry.value("ratio_q10", ratio), entry.value("ratio_q90", ratio)}});
    return;
  }
  const Measurement row = {name.substr(0, by), part_after(name, "/by:"),
                           part_after(name, "/threads:"), nanoseconds_of(entry)};
  if (!std::isfinite(row.nanoseconds) || row.nanoseconds <= 0) return;
  if (std::find(runs->families.begin(), runs->families.end(), row.family) == runs->families.end()) {
    runs->families.push_back(row.family);
  }
  // Of repetitions the best stands for what the work costs.
  for (Measurement& other : runs->rows) {
    if (other.family != row.family || other.by != row.by || other.threads != row.threads) continue;
    other.nanoseconds = std::min(other.nanoseconds, row.nanoseconds);
    return;
  }
  runs->rows.push_back(row);
}

std::string time_text(double nanoseconds) {
  char text[64];
  if (nanoseconds < 1e3) {
    std::snprintf(text, sizeof text, "%.0f ns", nanoseconds);
  } else if (nanoseconds < 1e6) {
    std::snprintf(text, sizeof text, "%.1f us", nanoseconds / 1e3);
  } else {
    std::snprintf(text, sizeof text, "%.1f ms", nanoseconds / 1e6);
  }
  return text;
}

std::string threads_text(const Measurement& row) {
  return row.threads.empty() ? "" : row.threads + (row.threads == "1" ? " thread" : " threads");
}

std::string chart_text(int x, int y, const std::string& kind, const std::string& text) {
  return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" class=\"" + kind +
         "\">" + to_markup(text) + "</text>\n";
}

std::string chart(const BenchRuns& runs, const std::string& family) {
  std::vector<const Measurement*> rows;
  double longest = 0;
  for (const Measurement& row : runs.rows) {
    if (row.family != family || row.by == kAgain) continue;
    rows.push_back(&row);
    longest = std::max(longest, row.nanoseconds);
  }
  if (rows.empty()) return "";
  const int width = kChartNames + kChartBars + kChartNumbers;
  const int height = static_cast<int>(rows.size()) * kBarRow + 4;
  const std::string size = std::to_string(width) + ' ' + std::to_string(height);
  std::string out = "<figure>\n<figcaption>" + to_markup(family) +
                    "</figcaption>\n<svg class=\"chart\" viewBox=\"0 0 " + size +
                    "\" role=\"img\"><title>" + to_markup(family) +
                    ": time of each, shorter is better; the numbers are in the table below"
                    "</title>\n";
  int y = 2;
  for (const Measurement* row : rows) {
    const double part = row->nanoseconds / longest;
    const int length = std::max(2, static_cast<int>(std::lround(part * kChartBars)));
    const bool ours = row->by.rfind("kqueue", 0) == 0;
    out += chart_text(kChartNames - 8, y + 13, "name", row->by + ", " + threads_text(*row));
    out += std::string("<rect class=\"") + (ours ? "ours" : "other") + "\" x=\"" +
           std::to_string(kChartNames) + "\" y=\"" + std::to_string(y + 2) + "\" width=\"" +
           std::to_string(length) + "\" height=\"" + std::to_string(kBarRow - 6) +
           "\" rx=\"2\"/>\n";
    out += chart_text(kChartNames + length + 6, y + 13, "number", time_text(row->nanoseconds));
    y += kBarRow;
  }
  return out + "</svg>\n</figure>\n";
}

// Half of the pairs differ by no more than this.
std::string noise_text(const BenchRuns& runs) {
  std::vector<double> differences;
  for (const Measurement& again : runs.rows) {
    if (again.by != kAgain) continue;
    for (const Measurement& row : runs.rows) {
      if (row.by != "kqueue" || row.family != again.family || row.threads != again.threads) {
        continue;
      }
      differences.push_back(std::abs(again.nanoseconds / row.nanoseconds - 1));
    }
  }
  if (differences.empty()) return "";
  std::sort(differences.begin(), differences.end());
  char text[160];
  std::snprintf(text, sizeof text,
                " Measured a second time, half of the kqueue's own numbers differ by %.0f %% or "
                "more, one by %.0f %%: that is the noise of this run.",
                100 * differences[differences.size() / 2], 100 * differences.back());
  return text;
}

std::string ratio_rows(const BenchRuns& runs) {
  std::string rows;
  for (const auto& [name, values] : runs.ratios) {
    char text[128];
    std::snprintf(text, sizeof text, "<td>%.2f</td><td>%.2f to %.2f</td></tr>\n", values[0],
                  values[1], values[2]);
    rows += "<tr><th scope=\"row\">" + to_markup(name) + "</th>" + text;
  }
  if (rows.empty()) return "";
  return wide_table("Ratios",
                    "<thead><tr><th scope=\"col\">question</th><th scope=\"col\">ratio</th>"
                    "<th scope=\"col\">80 % of the pairs</th></tr></thead>\n<tbody>\n" +
                        rows + "</tbody>\n");
}

std::string number_rows(const BenchRuns& runs) {
  std::string rows;
  for (const Measurement& row : runs.rows) {
    rows += "<tr><th scope=\"row\">" + to_markup(row.family) + "</th><td>" + to_markup(row.by) +
            "</td><td>" + to_markup(row.threads) + "</td><td>" + time_text(row.nanoseconds) +
            "</td></tr>\n";
  }
  return wide_table(
      "All measurements",
      "<thead><tr><th scope=\"col\">question</th><th scope=\"col\">by</th><th "
      "scope=\"col\">threads</th><th scope=\"col\">time</th></tr></thead>\n<tbody>\n" +
          rows + "</tbody>\n");
}

}  // namespace

std::string bench_section(const std::string& text) {
  const json document = json::parse(text, nullptr, false);
  if (!document.is_object() || !document.contains("benchmarks")) return "";
  BenchRuns runs;
  try {
    for (const json& entry : document["benchmarks"]) {
      if (entry.is_object()) take(entry, &runs);
    }
  } catch (const json::exception&) {
    return "";
  }
  if (runs.rows.empty() && runs.ratios.empty()) return "";
  std::string out =
      "<section>\n<h2>What it costs</h2>\n<p>Time of an iteration; shorter is better." +
      noise_text(runs) + " <code>scripts/bench</code> measures in earnest.</p>\n" +
      ratio_rows(runs) + "<div class=\"charts\">\n";
  for (const std::string& family : runs.families) out += chart(runs, family);
  out += "</div>\n";
  if (!runs.rows.empty()) {
    out += "<details><summary>All measurements</summary>\n" + number_rows(runs) + "</details>\n";
  }
  return out + "</section>\n";
}

}  // namespace kqtorture
