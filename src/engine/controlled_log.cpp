// Everything that the checker looks at goes into the fingerprint.
#include "engine/controlled_log.h"

#include <cstring>

#include "sched/runtime.h"

namespace kqtorture {
namespace {

uint64_t hash_of_event(uint64_t hash, const contract::Event& event) {
  const uint64_t words[] = {event.ident,
                            static_cast<uint64_t>(static_cast<uint16_t>(event.filter)) |
                                static_cast<uint64_t>(event.flags) << 16 |
                                static_cast<uint64_t>(event.fflags) << 32,
                            static_cast<uint64_t>(event.data), static_cast<uint64_t>(event.udata)};
  for (const uint64_t word : words) hash = Fingerprint::mixed(hash, word);
  return hash;
}

}  // namespace

uint64_t ControlledLog::hash_of(const contract::Op& op) const {
  uint64_t hash = Fingerprint::mixed(lane_, static_cast<uint64_t>(op.kind));
  hash = Fingerprint::mixed(hash, static_cast<uint64_t>(static_cast<uint32_t>(op.fd)) << 32 |
                                      static_cast<uint32_t>(op.fd2));
  return Fingerprint::mixed(hash, static_cast<uint64_t>(op.amount));
}

void ControlledLog::before(contract::Op* op) {
  const bool forever = op->timeout == contract::Timeout::kForever;
  if (lane_ == 0 && forever) op->timeout = contract::Timeout::kZero;
  sched::Runtime& runtime = sched::Runtime::get();
  const uint64_t hash = hash_of(*op);
  runtime.call(true, steps_ ? hash : 0);
  const uint64_t now = runtime.now_ns();
  current_ = op;
  began(*op, now);
  fingerprint_.begins(hash, now);
}

bool ControlledLog::after(const contract::Op& op, const contract::Outcome& outcome) {
  const uint64_t now = sched::Runtime::get().now_ns();
  uint64_t hash = Fingerprint::mixed(hash_of(op), static_cast<uint64_t>(outcome.value));
  hash = Fingerprint::mixed(hash, static_cast<uint64_t>(outcome.error));
  hash = Fingerprint::mixed(hash, static_cast<uint64_t>(static_cast<uint32_t>(outcome.fd)) << 32 |
                                      static_cast<uint32_t>(outcome.fd2));
  for (const contract::Event& event : events_of(op, outcome)) hash = hash_of_event(hash, event);
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
