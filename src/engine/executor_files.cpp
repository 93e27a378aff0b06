// Operations on files and on what directories hold.
#include "engine/executor.h"

namespace kqtorture {

Executor::Result Executor::file(const Op& from) {
  const int fd = world_.number(from.target);
  if (!world_.is(fd, ObjectKind::kFile) || !world_.fixtures().host_descriptors()) {
    return Result::kSkipped;
  }
  const bool over = from.kind == OpKind::kRename && from.other != Ref{};
  contract::Op op;
  op.kind = file_op(from.kind, over);
  op.fd = fd;
  op.amount = from.amount;
  if (over) op.fd2 = world_.number(from.other);
  if (over && (!world_.is(op.fd2, ObjectKind::kFile) || is_same_file(fd, op.fd2))) {
    return Result::kSkipped;
  }
  return call(&op, [&](contract::Outcome*) { return world_.fixtures().names().call(op); });
}

Executor::Result Executor::entry(const Op& from) {
  contract::Op op;
  op.fd = world_.number(from.target);
  if (!world_.is(op.fd, ObjectKind::kDirectory)) return Result::kSkipped;
  op.kind = entry_op(from.kind, &op.amount);
  return call(&op, [&](contract::Outcome*) { return world_.fixtures().names().call(op); });
}

}  // namespace kqtorture
