// Everything that the checker looks at goes into the fingerprint.
#include "engine/controlled_log.h"

#include <cstring>

#include "sched/runtime.h"

namespace kqtorture {
namespace {

bool is_about_a_process(contract::OpKind kind) {
  using contract::OpKind;
  return kind == OpKind::kSpawn || kind == OpKind::kExit || kind == OpKind::kReap ||
         kind == OpKind::kProcdesc;
}

// What happens beside the subject, and shows on its descriptors.
bool changes_outside(contract::OpKind kind) {
  using contract::OpKind;
  return kind == OpKind::kExit || (kind >= OpKind::kTruncate && kind <= OpKind::kEntryRenamed);
}

}  // namespace

// The number of a child is another in each run; the place of its object is not.
uint64_t ControlledLog::same_in_every_run(contract::OpKind kind, int64_t number) const {
  const int child = is_about_a_process(kind) ? world_.child_with(number) : -1;
  return static_cast<uint64_t>(child < 0 ? number : child);
}

uint64_t ControlledLog::hash_of(uint64_t hash, const contract::Event& event) const {
  const int child =
      event.filter == filter::kProc ? world_.child_with(static_cast<int64_t>(event.ident)) : -1;
  const uint64_t words[] = {child < 0 ? event.ident : static_cast<uint64_t>(child),
                            static_cast<uint64_t>(static_cast<uint16_t>(event.filter)) |
                                static_cast<uint64_t>(event.flags) << 16 |
                                static_cast<uint64_t>(event.fflags) << 32,
                            static_cast<uint64_t>(event.data), static_cast<uint64_t>(event.udata)};
  for (const uint64_t word : words) hash = Fingerprint::mixed(hash, word);
  return hash;
}

uint64_t ControlledLog::hash_of(const contract::Op& op) const {
  uint64_t hash = Fingerprint::mixed(lane_, static_cast<uint64_t>(op.kind));
  hash = Fingerprint::mixed(
      hash, same_in_every_run(op.kind, op.fd) << 32 | static_cast<uint32_t>(op.fd2));
  const bool about = op.kind == contract::OpKind::kProcdesc;
  return Fingerprint::mixed(
      hash, about ? same_in_every_run(op.kind, op.amount) : static_cast<uint64_t>(op.amount));
}

void ControlledLog::before(contract::Op* op) {
  const bool forever = op->timeout == contract::Timeout::kForever;
  if (lane_ == 0 && forever) op->timeout = contract::Timeout::kZero;
  sched::Runtime& runtime = sched::Runtime::get();
  const uint64_t hash = hash_of(*op);
  runtime.call(true, steps_ ? hash : 0);
  if (changes_outside(op->kind)) runtime.outside_change(true);
  const uint64_t now = runtime.now_ns();
  current_ = op;
  began(*op, now);
  fingerprint_.begins(hash, now);
}

bool ControlledLog::after(const contract::Op& op, const contract::Outcome& outcome) {
  sched::Runtime& runtime = sched::Runtime::get();
  if (changes_outside(op.kind)) runtime.outside_change(false);
  const uint64_t now = runtime.now_ns();
  uint64_t hash = Fingerprint::mixed(hash_of(op), op.kind == contract::OpKind::kSpawn
                                                      ? same_in_every_run(op.kind, outcome.value)
                                                      : static_cast<uint64_t>(outcome.value));
  hash = Fingerprint::mixed(hash, static_cast<uint64_t>(outcome.error));
  hash = Fingerprint::mixed(hash, static_cast<uint64_t>(static_cast<uint32_t>(outcome.fd)) << 32 |
                                      static_cast<uint32_t>(outcome.fd2));
  for (const contract::Event& event : events_of(op, outcome)) hash = hash_of(hash, event);
  ended(op, outcome, now);
  fingerprint_.ends(hash, now);
  current_ = nullptr;
  return true;
}

void ControlledLog::give_up() {
  if (current_ == nullptr) return;
  unreturned(*current_);
  fingerprint_.note(lane_);
  current_ = nullptr;
}

}  // namespace kqtorture
