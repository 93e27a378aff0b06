// One row for each danger: where, what makes it, what it does.
#include "scenario/danger.h"

#include <algorithm>

#include "subject/subject.h"

namespace kqtorture {
namespace {

bool any_op(const Program& program, bool (*is)(const Op& op)) {
  for (const Thread& thread : program.threads) {
    if (std::any_of(thread.ops.begin(), thread.ops.end(), is)) return true;
  }
  return false;
}

bool asks_negative_room(const Op& op) { return op.kind == OpKind::kKevent && op.room < 0; }

bool counts_negative_changes(const Op& op) {
  return op.kind == OpKind::kKevent && op.count_given && op.count < 0;
}

// An entry is written whether or not there is room for it.
bool overflows_entries(const Op& op) {
  if (op.kind != OpKind::kKevent || op.room > 0) return false;
  return std::any_of(op.changes.begin(), op.changes.end(),
                     [](const Change& change) { return (change.flags & flag::kReceipt) != 0; });
}

// OpenBSD's regress 1: a kqueue that watches itself beside a SIGNAL knote, at exit.
bool watches_itself(const Op& op) {
  if (op.kind != OpKind::kKevent) return false;
  return std::any_of(op.changes.begin(), op.changes.end(), [&](const Change& change) {
    return change.filter == filter::kRead && change.ident.object != Ref::kNumber &&
           change.ident.object == op.target.object;
  });
}

bool adds_a_signal(const Op& op) {
  return std::any_of(op.changes.begin(), op.changes.end(),
                     [](const Change& change) { return change.filter == filter::kSignal; });
}

struct Danger {
  std::string_view platform;
  bool (*first)(const Op& op);
  bool (*second)(const Op& op);  // both have to be in the program; may be null
  const char* what;
};

constexpr Danger kDangers[] = {
    {"netbsd", asks_negative_room, nullptr, "a negative room, which hangs the caller (B14)"},
    {"netbsd", counts_negative_changes, nullptr, "a negative count, taken as a huge one (2.13)"},
    {"dragonfly", counts_negative_changes, nullptr,
     "a negative count, copied with a negative length (2.13)"},
    {"dragonfly", overflows_entries, nullptr,
     "a receipt without room, written behind the list (1.5)"},
    {"openbsd", watches_itself, adds_a_signal,
     "a kqueue that watches itself beside a signal, which ended the kernel at exit (B27)"},
};

}  // namespace

std::string danger_on(std::string_view platform, const Program& program) {
  for (const Danger& danger : kDangers) {
    if (danger.platform != platform || !any_op(program, danger.first)) continue;
    if (danger.second == nullptr || any_op(program, danger.second)) return danger.what;
  }
  return "";
}

}  // namespace kqtorture
