// A mark has bits of the trace up to its step, so the first that differs is where they parted, and
// all that follow differ as well.
#include "engine/parting.h"

#include <algorithm>

#include "report/text.h"
#include "sched/runtime.h"

namespace kqtorture {
namespace {

StepMark mark_of(const sched::Taken& taken) {
  static_assert(sched::Runtime::kMostTaken <= kMostStepMarks);
  const uint8_t thread = taken.thread == sched::kClock ? StepMark::kClock : taken.thread;
  return {thread, static_cast<uint8_t>(taken.step), static_cast<uint16_t>(taken.trace)};
}

bool same_kind(const StepMark& a, const StepMark& b) {
  return a.thread == b.thread && a.kind == b.kind;
}

std::string words_of(const StepMark& mark, const ControlledEngine& engine) {
  if (mark.thread == StepMark::kClock) return "time passes";
  return engine.name_of(mark.thread) + " " + sched::word_of(static_cast<sched::Step>(mark.kind));
}

std::string place_of(const sched::Taken& taken) {
  if (taken.site == 0) return "";
  return " in " + sched::Runtime::get().describe_site(taken.site);
}

}  // namespace

std::vector<StepMark> marks_of_last_run() {
  std::vector<StepMark> marks;
  for (const sched::Taken& taken : sched::Runtime::get().taken()) marks.push_back(mark_of(taken));
  return marks;
}

std::string where_parted(const std::vector<StepMark>& recorded, const ControlledEngine& engine) {
  const auto taken = sched::Runtime::get().taken();
  const std::vector<StepMark> now = marks_of_last_run();
  const auto [before, here] =
      std::mismatch(recorded.begin(), recorded.end(), now.begin(), now.end());
  const auto at = static_cast<size_t>(here - now.begin());
  if (before == recorded.end() && here == now.end()) return "";
  const std::string step = "step " + with_commas(at + 1) + " of " + with_commas(recorded.size());
  if (here == now.end())
    return step + ": it ends before; recorded was: " + words_of(*before, engine);
  const std::string own = step + ": " + words_of(*here, engine) + place_of(taken[at]);
  if (before == recorded.end()) return own + "; recorded was: the end";
  if (!same_kind(*before, *here)) return own + "; recorded was: " + words_of(*before, engine);
  const std::string elsewhere =
      own + "; recorded was the same elsewhere in the code, or with another object; ";
  const auto [other, there] = std::mismatch(before, recorded.end(), here, now.end(), same_kind);
  if (other == recorded.end() && there == now.end()) {
    return elsewhere + "all that follows is alike: the subject may have been built again";
  }
  if (other == recorded.end() || there == now.end()) return elsewhere + "one of them ends before";
  return elsewhere + "then step " + with_commas(static_cast<size_t>(there - now.begin()) + 1) +
         ": " + words_of(*there, engine) +
         place_of(taken[static_cast<size_t>(there - now.begin())]) +
         "; recorded was: " + words_of(*other, engine);
}

}  // namespace kqtorture
