// The history of a run in words, for the finding.
#include <cstdio>
#include <cstring>

#include "flags_run.h"

namespace kqtorture::flags {

namespace {

std::string text_of(const Kevent& event) {
  char text[200];
  snprintf(text, sizeof text, "{%#zx %s %s fflags %#x data %lld udata %p}", event.ident,
           filter_name(event.filter).c_str(), flag_names(event.flags).c_str(), event.fflags,
           static_cast<long long>(event.data), event.udata);
  return text;
}

std::string text_of(const Call& call, int listed, const std::vector<Kevent>& returned) {
  char text[160];
  std::string line = "kevent(" + std::to_string(call.callee) + ", [";
  for (int i = 0; i < listed; i++) {
    line += (i ? " " : "") + text_of(call.list[static_cast<size_t>(i)]);
  }
  snprintf(text, sizeof text, "] at %p (%d readable), %d, %p (%d writable), %d, ",
           static_cast<const void*>(call.changes), call.readable, call.change_count,
           static_cast<void*>(call.events), call.writable, call.room);
  line += text;
  if (!call.timeout) {
    line += "forever";
  } else if (!call.timeout_readable) {
    line += "unreadable timeout";
  } else if (!call.timeout_valid) {
    line += "invalid timeout";
  } else {
    line += call.wait_ns < 0 ? "ages" : std::to_string(call.wait_ns) + " ns";
  }
  line += ") = " + std::to_string(call.result);
  if (call.result == -1) line += std::string(" ") + strerror(call.error);
  for (const Kevent& event : returned) line += " " + text_of(event);
  return line;
}

std::string text_of(const Step& step) {
  static constexpr const char* kNames[] = {"kevent", "write",        "read", "fill",
                                           "close",  "open",         "dup",  "shutdown",
                                           "pause",  "unseen close", "fork"};
  return std::string(kNames[static_cast<size_t>(step.op)]) + " slot " + std::to_string(step.slot) +
         ", argument " + std::to_string(step.argument);
}

}  // namespace

std::vector<std::string> Run::history() const {
  std::vector<std::string> lines;
  for (const Record& record : records_) {
    lines.push_back(record.call ? text_of(*record.call, record.listed, record.returned)
                                : text_of(record.step));
  }
  std::string slots = "slots at the end:";
  for (int i = 0; i < kSlots; i++) {
    const Slot& slot = world_.slot(i);
    if (slot.fd < 0) continue;
    slots +=
        " " + std::to_string(i) + "=" + std::to_string(slot.fd) + (slot.open ? "" : "(closed)");
  }
  lines.push_back(slots);
  return lines;
}

}  // namespace kqtorture::flags
