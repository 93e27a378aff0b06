// The frame of every page, and the parts that a campaign's page takes from elsewhere: no script, no
// font, no image, nothing fetched; nothing that only a mouse or only a good eye finds.
#pragma once

#include <string>

namespace kqtorture {

// From <!doctype> to the heading; the page ends with kPageEnd.
std::string page_head(const std::string& title);
inline constexpr char kPageEnd[] = "</main>\n</body>\n</html>\n";

// A table that may be wider than the window: it scrolls by keyboard, too, and has a name. rows are
// whole <tr> elements, the head's included; label is plain text.
std::string wide_table(const std::string& label, const std::string& rows);

// Of the measurements in Google Benchmark's JSON (kq_bench's bench.json): a chart for each
// question, and the numbers as a table. Empty when there are none to show; what is malformed is
// left out.
std::string bench_section(const std::string& json);

// Of score.json: how many planted bugs each engine found. Empty when it is no score.
std::string score_section(const std::string& json);

}  // namespace kqtorture
