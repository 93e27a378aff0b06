// A state of the model as text, for whoever asks why an answer was not among those allowed.
#include <string>

#include "contract/state.h"

namespace kqtorture::contract {
namespace {

const char* word(Tri fact) {
  constexpr const char* kWords[] = {"no", "maybe", "yes"};
  return kWords[static_cast<int>(fact)];
}

const char* word(Active active) {
  constexpr const char* kWords[] = {"no", "maybe", "pending", "yes"};
  return kWords[static_cast<int>(active)];
}

std::string word(Range range) {
  if (range.exact()) return std::to_string(range.lo);
  if (range.hi == INT64_MAX) return std::to_string(range.lo) + "+";
  return std::to_string(range.lo) + ".." + std::to_string(range.hi);
}

std::string tick_word(uint32_t tick) {
  return tick == Knote::kOpenTick ? "open" : std::to_string(tick);
}

std::string knote_text(const Knote& knote) {
  std::string text = "knote on kqueue #" + std::to_string(knote.kqueue) + ": " +
                     filter_name(knote.filter) + " ident " + std::to_string(knote.ident) +
                     " flags " + flags_text(knote.flags);
  if (knote.disabled) text += knote.spent ? " disabled-by-delivery" : " disabled";
  if (knote.orphan != Orphan::kNo) text += " closed-unseen";
  if (knote.forced) text += " forced";
  if (knote.converted) text += " dead";
  text += std::string(" active ") + word(knote.active) + " queued " + word(knote.queued);
  if (possible(knote.queued)) {
    text += " place " + tick_word(knote.place_lo) + ".." + tick_word(knote.place_hi);
  }
  if (knote.filter == filter::kUser) text += std::string(" triggered ") + word(knote.latch);
  if (knote.filter == filter::kVnode) {
    text += " notes " + notes_text(knote.filter, knote.notes) + " perhaps " +
            notes_text(knote.filter, knote.notes_maybe);
  }
  text += " saved " + notes_text(knote.filter, knote.sfflags) + "/" + std::to_string(knote.sdata);
  return text + " data " + word(knote.data) + " udata " + std::to_string(knote.udata);
}

std::string end_text(const End& end) {
  std::string text =
      " {descriptors " + std::to_string(end.descriptors) + " inbox " + word(end.inbox);
  if (end.closed) text += " closed";
  if (end.embryo) text += " not accepted";
  if (possible(end.no_receive)) text += std::string(" ended ") + word(end.no_receive);
  if (possible(end.no_send)) text += std::string(" mute ") + word(end.no_send);
  if (possible(end.full)) text += std::string(" full ") + word(end.full);
  if (possible(end.reset)) text += std::string(" reset ") + word(end.reset);
  if (end.under_way) text += " under way";
  return text + "}";
}

}  // namespace

const char* kind_name(ObjectKind kind) {
  constexpr const char* kNames[] = {"free",     "kqueue",  "pipe", "stream",   "tcp",      "dgram",
                                    "listener", "eventfd", "file", "procdesc", "directory"};
  static_assert(std::size(kNames) == static_cast<size_t>(ObjectKind::kDirectory) + 1);
  return kNames[static_cast<int>(kind)];
}

std::string to_text(const State& state) {
  std::string text;
  for (int i = 0; i < state.objects; i++) {
    const Object& object = state.object[i];
    if (object.kind == ObjectKind::kFree) continue;
    text += "object #" + std::to_string(i) + ": " + kind_name(object.kind);
    const bool numbers = object.kind == ObjectKind::kEventfd || object.kind == ObjectKind::kFile ||
                         object.kind == ObjectKind::kProcdesc ||
                         object.kind == ObjectKind::kDirectory;
    if (numbers) {
      text +=
          " value " + std::to_string(object.counter) + " offset " + std::to_string(object.offset);
    } else if (object.kind != ObjectKind::kKqueue) {
      text += end_text(object.end[0]) + end_text(object.end[1]);
    }
    for (int j = 0; j < state.descriptors; j++) {
      const Descriptor& descriptor = state.descriptor[j];
      if (descriptor.object == i) {
        text += " [" + std::to_string(descriptor.number) + " end " +
                std::to_string(descriptor.end) + "]";
      }
    }
    text += '\n';
  }
  for (int i = 0; i < state.knotes; i++) text += knote_text(state.knote[i]) + '\n';
  if (state.undecided) text += "undecided\n";
  return text;
}

}  // namespace kqtorture::contract
