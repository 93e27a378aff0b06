// The lanes as a drawing. No script, no font, nothing fetched: it reads the same in a page, as a
// file and in a repository's viewer.
#include <algorithm>
#include <cstdio>
#include <vector>

#include "report/lanes.h"
#include "report/text.h"

namespace kqtorture {
namespace {

// Pixels.
constexpr int kTimeWidth = 90;
constexpr int kLaneWidth = 56;
constexpr int kBarWidth = 14;
constexpr int kHead = 34;
constexpr int kBeginRow = 22;  // has a line of text
constexpr int kEndRow = 7;
constexpr int kTextWidth = 7;  // of a character, and a little more: the font is the reader's

constexpr char kDrawingStyle[] = R"(
.lanes { font: 12px ui-monospace, monospace; }
.lanes text { fill: #222; } .lanes .dim { fill: #666; } .lanes .guilty { fill: #c22; }
.lanes text.guilty { font-weight: bold; }
.lanes rect.call { fill: #58a; } .lanes rect.guilty { fill: #c22; }
.lanes rect.waiting { fill-opacity: .45; }
.lanes line { stroke: #8886; } .lanes .lead { stroke-dasharray: 1 3; }
.lanes line.switch { stroke: #c80; stroke-width: 2; }
@media (prefers-color-scheme: dark) { .lanes text { fill: #ddd; } .lanes .dim { fill: #aaa; }
.lanes .guilty { fill: #f77; } .lanes rect.guilty { fill: #f77; } }
)";

std::string text_at(int x, int y, const std::string& classes, const std::string& text) {
  return "<text x=\"" + std::to_string(x) + "\" y=\"" + std::to_string(y) + "\" class=\"" +
         classes + "\">" + to_markup(text) + "</text>\n";
}

std::string line_from(int x1, int y1, int x2, int y2, const std::string& classes) {
  return "<line class=\"" + classes + "\" x1=\"" + std::to_string(x1) + "\" y1=\"" +
         std::to_string(y1) + "\" x2=\"" + std::to_string(x2) + "\" y2=\"" + std::to_string(y2) +
         "\"/>\n";
}

std::string microseconds(double time) {
  char text[400];
  std::snprintf(text, sizeof text, "%.1f", time);
  return text;
}

// An instant at which a call begins or ends, or another thread goes on.
struct Instant {
  enum class What : uint8_t { kSwitch, kBegin, kEnd };
  double time;
  size_t index;  // of the call, or of the switch
  What what;
};

class Drawing {
 public:
  explicit Drawing(const Lanes& lanes) : lanes_(lanes) { place(); }

  std::string svg() const {
    size_t longest = 0;
    for (const Lanes::Call& call : lanes_.calls) longest = std::max(longest, call.text.size());
    for (const Lanes::Switch& one : lanes_.switches) {
      if (one.from < lanes_.names.size()) longest = std::max(longest, text_of(one).size());
    }
    const int width = labels_at() + 20 + static_cast<int>(longest) * kTextWidth;
    const std::string size = std::to_string(width) + ' ' + std::to_string(height_);
    std::string out = "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"lanes\" viewBox=\"0 0 " +
                      size + "\" width=\"" + std::to_string(width) + "\" height=\"" +
                      std::to_string(height_) + "\" role=\"img\">\n<title>" +
                      to_markup(lanes_.caption) + "</title>\n<style>" + kDrawingStyle +
                      "</style>\n";
    out += text_at(8, 18, "dim", "us");
    for (size_t lane = 0; lane < lanes_.names.size(); lane++) {
      const int x = middle_of(lane);
      out += text_at(x - kBarWidth / 2, 18, "name", lanes_.names[lane]);
      out += line_from(x, kHead - 8, x, height_ - 4, "lane");
    }
    for (size_t i = 0; i < lanes_.calls.size(); i++) out += call(i);
    for (size_t i = 0; i < lanes_.switches.size(); i++) out += arrow(i);
    return out + "</svg>\n";
  }

 private:
  using What = Instant::What;

  // Rows from top to bottom. Of equal times the ends come last: equal times overlap.
  void place() {
    std::vector<Instant> instants;
    for (size_t i = 0; i < lanes_.calls.size(); i++) {
      const Lanes::Call& call = lanes_.calls[i];
      instants.push_back({call.begin, i, What::kBegin});
      if (call.end) instants.push_back({std::max(*call.end, call.begin), i, What::kEnd});
    }
    for (size_t i = 0; i < lanes_.switches.size(); i++) {
      instants.push_back({lanes_.switches[i].time, i, What::kSwitch});
    }
    std::stable_sort(instants.begin(), instants.end(), [](const Instant& a, const Instant& b) {
      return a.time != b.time ? a.time < b.time : a.what < b.what;
    });
    top_.resize(lanes_.calls.size());
    bottom_.resize(lanes_.calls.size());
    at_.resize(lanes_.switches.size());
    int y = kHead;
    for (const Instant& instant : instants) {
      (instant.what == What::kSwitch  ? at_
       : instant.what == What::kBegin ? top_
                                      : bottom_)[instant.index] = y;
      y += instant.what == What::kEnd ? kEndRow : kBeginRow;
    }
    height_ = y + 8;
    for (size_t i = 0; i < lanes_.calls.size(); i++) {
      if (!lanes_.calls[i].end) bottom_[i] = height_ - 4;
    }
  }

  std::string call(size_t index) const {
    const Lanes::Call& call = lanes_.calls[index];
    const int x = middle_of(call.lane);
    const int y = top_[index];
    const int text_y = y + 13;
    const std::string guilty = call.guilty ? " guilty" : "";
    const std::string until =
        call.end ? microseconds(*call.end) + " us" : std::string("not returned");
    return text_at(8, text_y, "dim" + guilty, microseconds(call.begin)) +
           line_from(x, text_y - 4, labels_at() - 6, text_y - 4, "lead") + "<rect class=\"call" +
           guilty + (call.end ? "" : " waiting") + "\" x=\"" + std::to_string(x - kBarWidth / 2) +
           "\" y=\"" + std::to_string(y) + "\" width=\"" + std::to_string(kBarWidth) +
           "\" height=\"" + std::to_string(std::max(bottom_[index] - y, 4)) +
           "\" rx=\"2\"><title>" +
           to_markup(microseconds(call.begin) + " to " + until + ": " + call.text) +
           "</title></rect>\n" + text_at(labels_at(), text_y, "what" + guilty, call.text);
  }

  std::string text_of(const Lanes::Switch& one) const {
    const std::string& name = lanes_.names[one.from];
    return name + " stops" + (one.text.empty() ? "" : " at " + one.text);
  }

  // From the thread that stops to the one that goes on.
  std::string arrow(size_t index) const {
    const Lanes::Switch& one = lanes_.switches[index];
    if (one.from >= lanes_.names.size() || one.to >= lanes_.names.size()) return "";
    const int y = at_[index] + 9;
    const int from = middle_of(one.from), to = middle_of(one.to);
    const int back = to > from ? -6 : 6;
    return line_from(from, y, to, y, "switch") + line_from(to, y, to + back, y - 4, "switch") +
           line_from(to, y, to + back, y + 4, "switch") +
           text_at(labels_at(), y + 4, "dim", text_of(one));
  }

  int middle_of(size_t lane) const {
    return kTimeWidth + static_cast<int>(lane) * kLaneWidth + kLaneWidth / 2;
  }
  int labels_at() const { return middle_of(lanes_.names.size()); }

  const Lanes& lanes_;
  std::vector<int> top_, bottom_, at_;
  int height_ = 0;
};

}  // namespace

std::string to_svg(const Lanes& lanes) { return lanes.empty() ? "" : Drawing(lanes).svg(); }

}  // namespace kqtorture
