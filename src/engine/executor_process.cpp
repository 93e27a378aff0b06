// Operations on signals and children. Whatever they do has happened when they return.
#include "engine/executor.h"

namespace kqtorture {

Executor::Result Executor::post(const Op& from) {
  contract::Op op;
  op.kind = contract::OpKind::kRaise;
  op.amount = world_.number(from.target);
  return call(&op, [&](contract::Outcome*) -> int64_t {
    return subject_.calls().raise(world_.number(from.target));
  });
}

Executor::Result Executor::end_child(const Op& from) {
  const bool exits = from.kind == OpKind::kExit;
  contract::Op op;
  op.kind = contract::OpKind::kExit;
  op.fd = world_.child_of(from.target)->pid();
  op.amount = exits ? from.amount << 8 : from.amount;
  return call(&op, [&](contract::Outcome*) -> int64_t {
    ScriptedChild* const child = world_.child_of(from.target);
    const int amount = static_cast<int>(from.amount);
    return exits ? child->exit_with(amount) : child->kill_by(amount);
  });
}

Executor::Result Executor::reap(const Op& from) {
  contract::Op op;
  op.kind = contract::OpKind::kReap;
  op.fd = world_.child_of(from.target)->pid();
  return call(&op,
              [&](contract::Outcome*) -> int64_t { return world_.child_of(from.target)->reap(); });
}

}  // namespace kqtorture
