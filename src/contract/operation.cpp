// Operations in words, for findings and for whoever debugs the model.
#include "contract/operation.h"

namespace kqtorture::contract {
namespace {

constexpr const char* kOpNames[kOpKinds] = {
    "kqueue",       "pipe",     "stream-pair",  "dgram-pair", "tcp-pair",   "unix-listener",
    "tcp-listener", "eventfd",  "file",         "procdesc",   "directory",  "connect",
    "accept",       "close",    "unseen-close", "dup",        "dup2",       "read",
    "write",        "shutdown", "seek",         "truncate",   "chmod",      "link",
    "unlink",       "rename",   "replace",      "entry-made", "entry-gone", "entry-renamed",
    "signal",       "raise",    "spawn",        "exit",       "reap",       "await",
    "kevent"};

constexpr const char* kTimeoutNames[] = {"zero",     "finite",    "forever",
                                         "negative", "bad-nanos", "unreadable"};

bool takes_descriptor(OpKind kind) {
  const bool process = kind == OpKind::kExit || kind == OpKind::kReap;
  return (kind >= OpKind::kConnect && kind <= OpKind::kEntryRenamed) || process ||
         kind == OpKind::kKevent;
}
bool takes_amount(OpKind kind) {
  return kind == OpKind::kEventfd || kind == OpKind::kFile || kind == OpKind::kExit ||
         kind == OpKind::kProcdesc || (kind >= OpKind::kRead && kind <= OpKind::kRaise);
}

std::string kevent_text(const Op& op) {
  std::string text = " changes " + std::to_string(op.nchanges);
  const bool partly = op.changes_readable != Op::kAll && op.changes_readable < op.nchanges;
  const int shown = partly ? op.changes_readable : op.nchanges;
  for (int i = 0; i < shown; i++) text += " {" + to_text(op.changes[i]) + "}";
  if (partly) text += " then unreadable";
  text += " room " + std::to_string(op.nevents);
  if (op.events_writable != Op::kAll) {
    text += " writable " + std::to_string(op.events_writable);
  }
  return text + " timeout " + kTimeoutNames[static_cast<int>(op.timeout)];
}

}  // namespace

const char* op_name(OpKind kind) { return kOpNames[static_cast<int>(kind)]; }

int opens(OpKind kind) {
  switch (kind) {
    case OpKind::kPipe:
    case OpKind::kStreamPair:
    case OpKind::kDgramPair:
    case OpKind::kTcpPair:
      return 2;
    case OpKind::kKqueue:
    case OpKind::kUnixListener:
    case OpKind::kTcpListener:
    case OpKind::kEventfd:
    case OpKind::kFile:
    case OpKind::kProcdesc:
    case OpKind::kDirectory:
    case OpKind::kConnect:
    case OpKind::kAccept:
    case OpKind::kDup:
      return 1;
    default:
      return 0;
  }
}

std::string to_text(const Op& op) {
  std::string text = op_name(op.kind);
  if (takes_descriptor(op.kind)) text += " " + std::to_string(op.fd);
  if (op.kind == OpKind::kReplace) text += " over " + std::to_string(op.fd2);
  if (op.kind == OpKind::kDup2) text += " onto " + std::to_string(op.fd2);
  if (takes_amount(op.kind)) text += " amount " + std::to_string(op.amount);
  if (op.kind == OpKind::kKevent) text += kevent_text(op);
  return text;
}

std::string to_text(const Op& op, const Outcome& outcome) {
  std::string text = to_text(op) + " = " + std::to_string(outcome.value);
  if (outcome.value == -1) return text + " " + errno_name(outcome.error);
  if (outcome.fd >= 0) text += " fd " + std::to_string(outcome.fd);
  if (outcome.fd2 >= 0) text += " fd2 " + std::to_string(outcome.fd2);
  for (int64_t i = 0; outcome.events != nullptr && i < outcome.value; i++) {
    text += " {" + to_text(outcome.events[i]) + "}";
  }
  return text;
}

}  // namespace kqtorture::contract
