// The rules that need no state.
#include "flags_judge.h"

#include <algorithm>

namespace kqtorture::flags {

namespace {

constexpr uintptr_t kUdataBase = 0x5eed0000;

// "READ 0x5"
std::string key_text(const Kevent& event) {
  char text[64];
  snprintf(text, sizeof text, "%s %#zx", filter_name(event.filter).c_str(), event.ident);
  return text;
}

bool same_key(const Kevent& a, const Kevent& b) {
  return a.filter == b.filter && a.ident == b.ident;
}

int visible(const Call& call) { return std::min(call.result, call.writable); }

}  // namespace

void* Judge::issue_udata(int16_t filter, uintptr_t ident) {
  issued_.push_back({filter, ident});
  return reinterpret_cast<void*>(kUdataBase + issued_.size() - 1);
}

std::optional<Violation> Judge::judge(const Call& call) {
  if (call.room >= 0 && call.result > call.room) {
    return Violation{"wrong-answer", "1.5",
                     "more entries than room: " + std::to_string(call.result)};
  }
  if (call.result < -1) {
    return Violation{"wrong-answer", "1.3", "returned " + std::to_string(call.result)};
  }
  if (Verdict wrong = once_per_call(call)) return wrong;
  if (Verdict wrong = not_too_soon(call)) return wrong;
  return own_udata(call);
}

bool Judge::of_change(const Kevent& event) const {
  return exact_entries_ ? event.flags == flag::kError : (event.flags & flag::kError) != 0;
}

Judge::Verdict Judge::once_per_call(const Call& call) const {
  for (int i = 0; i < visible(call); i++) {
    if (of_change(call.events[i])) continue;
    for (int j = 0; j < i; j++) {
      if (of_change(call.events[j]) || !same_key(call.events[i], call.events[j])) continue;
      return Violation{"duplicate", "I7",
                       "one knote twice in one call: " + key_text(call.events[i])};
    }
  }
  return std::nullopt;
}

// Only a call without changes surely came to wait: a receipt without room also returns 0.
Judge::Verdict Judge::not_too_soon(const Call& call) const {
  const bool waits = call.timeout_readable && call.timeout_valid && call.room > 0;
  if (call.result != 0 || call.change_count != 0 || !waits) return std::nullopt;
  if (call.wait_ns < 0) {
    return Violation{"wrong-answer", "I14", "an empty return without a timeout"};
  }
  if (call.took_ns >= call.wait_ns) return std::nullopt;
  return Violation{"wrong-answer", "I14", "an empty return before its time"};
}

// A key that was named, with a udata that was given for it.
Judge::Verdict Judge::own_udata(const Call& call) {
  for (int i = 0; i < visible(call); i++) {
    const Kevent& event = call.events[i];
    if ((event.flags & flag::kError) != 0) continue;
    deliveries_++;
    const uintptr_t index = reinterpret_cast<uintptr_t>(event.udata) - kUdataBase;
    if (index < issued_.size() && issued_[index].filter == event.filter &&
        issued_[index].ident == event.ident) {
      continue;
    }
    return Violation{"wrong-udata", "I12",
                     "a udata that was never given for this key: " + key_text(event)};
  }
  return std::nullopt;
}

}  // namespace kqtorture::flags
