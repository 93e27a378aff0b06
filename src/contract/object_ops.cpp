// Creation, duplication and connections: what an operation does to the tables of descriptors and
// objects. Bytes move in transfer.cpp.
#include "contract/object_ops.h"

#include <cerrno>

#include "contract/evaluate.h"
#include "contract/objects.h"
#include "contract/process.h"
#include "contract/unseen.h"

namespace kqtorture::contract {
namespace {

Answer refuse_number(const Context& context, const Op& op, int number) {
  return context.refuse(Verdict::kWrongAnswer, kHostRule, -1, [&] {
    return std::string(op_name(op.kind)) + " returned descriptor " + std::to_string(number) +
           ", which is open already or is none";
  });
}

// A number that the subject handed out becomes a descriptor.
Answer adopt(const Context& context, const Op& op, int number, int object, int end) {
  if (number < 0 || context.state->find_descriptor(number) != nullptr) {
    return refuse_number(context, op, number);
  }
  if (!open_descriptor(context, number, object, end)) return context.undecided();
  return Answer::kAccepted;
}

Answer create(const Context& context, const Op& op, const Outcome& seen, ObjectKind kind,
              bool pair) {
  // Running out of descriptors or memory is nobody's fault.
  if (seen.value == -1) return Answer::kAccepted;
  const int index = new_object(context, kind);
  if (index == kNone) return context.undecided();
  Object& object = context.state->object[index];
  if (kind == ObjectKind::kEventfd || kind == ObjectKind::kFile) {
    object.counter = static_cast<uint64_t>(op.amount);
  }
  object.inet = op.kind == OpKind::kTcpListener || op.kind == OpKind::kTcpPair;
  const Answer first = adopt(context, op, seen.fd, index, 0);
  if (first != Answer::kAccepted || !pair) return first;
  return adopt(context, op, seen.fd2, index, 1);
}

Answer connect(const Context& context, const Op& op, const Outcome& seen,
               const Descriptor& target) {
  if (seen.value == -1) return Answer::kAccepted;
  const int at = target.object;
  Object& listener = context.state->object[at];
  if (listener.kind != ObjectKind::kListener) {
    return expect_error(context, op, seen, EINVAL);
  }
  if (listener.waiting == kMaxBacklog) return context.undecided();
  const bool inet = listener.inet;
  const int index = new_object(context, inet ? ObjectKind::kTcp : ObjectKind::kStream);
  if (index == kNone) return context.undecided();
  context.state->object[index].end[1].embryo = true;
  listener.backlog[listener.waiting++] = static_cast<uint8_t>(index);
  listener.end[0].inbox.hi++;
  if (inet) {
    listener.end[0].under_way = true;
  } else {
    listener.end[0].inbox.lo++;
  }
  const Answer adopted = adopt(context, op, seen.fd, index, 0);
  if (adopted != Answer::kAccepted) return adopted;
  activity(context, at, 0, filter::kRead, Tri::kYes);
  return Answer::kAccepted;
}

Answer accept_connection(const Context& context, const Op& op, const Outcome& seen,
                         const Descriptor& target) {
  const int at = target.object;
  Object& listener = context.state->object[at];
  if (listener.kind != ObjectKind::kListener) return expect_error(context, op, seen, EINVAL);
  End& queue = listener.end[0];
  if (seen.value == -1) {
    if (queue.inbox.lo > 0) {
      return context.refuse(Verdict::kWrongErrno, kHostRule, -1, [&] {
        return "accept failed with " + errno_name(seen.error) + " though a connection waits";
      });
    }
    return expect_error(context, op, seen, EAGAIN);
  }
  if (listener.waiting == 0) return expect_error(context, op, seen, EAGAIN);
  const int index = listener.backlog[0];
  for (int i = 1; i < listener.waiting; i++) listener.backlog[i - 1] = listener.backlog[i];
  listener.waiting--;
  queue.inbox.hi--;
  if (queue.inbox.lo > 0) queue.inbox.lo--;
  context.state->object[index].end[1].embryo = false;
  const Answer adopted = adopt(context, op, seen.fd, index, 1);
  if (adopted != Answer::kAccepted) return adopted;
  activity(context, at, 0, filter::kRead, Tri::kNo);
  return Answer::kAccepted;
}

Answer duplicate(const Context& context, const Op& op, const Outcome& seen,
                 const Descriptor& from) {
  if (seen.value == -1) return Answer::kAccepted;
  return adopt(context, op, seen.fd, from.object, from.end);
}

Answer duplicate_onto(const Context& context, const Op& op, const Outcome& seen,
                      const Descriptor& from) {
  if (op.fd2 < 0 || op.fd2 >= kBeyondAnyLimit) return expect_error(context, op, seen, EBADF);
  const Answer returned = expect_value(context, op, seen, op.fd2);
  if (returned != Answer::kAccepted || op.fd == op.fd2) return returned;
  const Descriptor source = from;
  // The new reference is there before the old one goes: the object of both survives.
  if (!open_descriptor(context, -2, source.object, source.end)) return context.undecided();
  if (context.state->find_descriptor(op.fd2) != nullptr) close_descriptor(context, op.fd2);
  for (int i = 0; i < context.state->descriptors; i++) {
    Descriptor& descriptor = context.state->descriptor[i];
    if (descriptor.number == -2) descriptor.number = op.fd2;
  }
  return Answer::kAccepted;
}

void shut_receiving(const Context& context, int index, int end) {
  Object& socket = context.state->object[index];
  socket.end[end].no_receive = Tri::kYes;
  if (!context.host.shutdown_keeps_unread) socket.end[end].inbox.lo = 0;
  if (context.host.shutdown_reading_reaches_peer && socket.kind == ObjectKind::kStream) {
    End& peer = socket.end[1 - end];
    peer.no_send = tri_or(peer.no_send, context.host.half_close_shows ? Tri::kYes : Tri::kMaybe);
    activity(context, index, 1 - end, filter::kWrite, Tri::kMaybe);
    if (context.host.half_close_activates_both) {
      activity(context, index, 1 - end, filter::kRead, Tri::kMaybe);
    }
  }
  activity(context, index, end, filter::kRead, Tri::kYes);
  if (context.host.half_close_activates_both) {
    activity(context, index, end, filter::kWrite, Tri::kMaybe);
  }
  socket.end[end].forgotten = context.host.shutdown_forgets_knotes;
}

void shut_sending(const Context& context, int index, int end) {
  Object& socket = context.state->object[index];
  const bool late = socket.kind == ObjectKind::kTcp;
  const bool shows = context.host.half_close_shows;
  socket.end[end].no_send = tri_or(socket.end[end].no_send, shows ? Tri::kYes : Tri::kMaybe);
  socket.end[end].sent_all = true;
  End& peer = socket.end[1 - end];
  peer.no_receive = tri_or(peer.no_receive, late ? Tri::kMaybe : Tri::kYes);
  if (late) peer.under_way = true;
  activity(context, index, end, filter::kWrite, shows ? Tri::kYes : Tri::kMaybe);
  activity(context, index, 1 - end, filter::kRead, Tri::kYes);
  if (context.host.half_close_activates_both) {
    activity(context, index, end, filter::kRead, Tri::kMaybe);
    activity(context, index, 1 - end, filter::kWrite, Tri::kMaybe);
  }
}

Answer shut_down(const Context& context, const Op& op, const Outcome& seen,
                 const Descriptor& target) {
  const ObjectKind kind = context.state->object[target.object].kind;
  if (kind == ObjectKind::kListener || kind == ObjectKind::kDgram) return context.undecided();
  if (kind != ObjectKind::kStream && kind != ObjectKind::kTcp) {
    return expect_error(context, op, seen, ENOTSOCK);
  }
  if (op.amount < 0 || op.amount > 2) return expect_error(context, op, seen, EINVAL);
  const Object& socket = context.state->object[target.object];
  const bool disconnected = possible(socket.end[target.end].no_send) ||
                            possible(socket.end[target.end].reset) ||
                            socket.end[1 - target.end].closed;
  if (seen.value == -1 && seen.error == ENOTCONN && disconnected) return Answer::kAccepted;
  const Answer returned = expect_value(context, op, seen, 0);
  if (returned != Answer::kAccepted) return returned;
  const int index = target.object;
  const int end = target.end;
  if (op.amount != 1) shut_receiving(context, index, end);
  if (op.amount != 0) shut_sending(context, index, end);
  return Answer::kAccepted;
}

Answer describe_child(const Context& context, const Op& op, const Outcome& seen) {
  const Answer made = create(context, op, seen, ObjectKind::kProcdesc, false);
  if (made != Answer::kAccepted || seen.value == -1) return made;
  const Descriptor* const descriptor = context.state->find_descriptor(seen.fd);
  context.state->object[descriptor->object].offset = op.amount;
  return add_child(context, op.amount);
}

Answer judge_creation(const Context& context, const Op& op, const Outcome& seen) {
  switch (op.kind) {
    case OpKind::kKqueue:
      return create(context, op, seen, ObjectKind::kKqueue, false);
    case OpKind::kPipe:
      return create(context, op, seen, ObjectKind::kPipe, true);
    case OpKind::kStreamPair:
      return create(context, op, seen, ObjectKind::kStream, true);
    case OpKind::kDgramPair:
      return create(context, op, seen, ObjectKind::kDgram, true);
    case OpKind::kTcpPair:
      return create(context, op, seen, ObjectKind::kTcp, true);
    case OpKind::kUnixListener:
    case OpKind::kTcpListener:
      return create(context, op, seen, ObjectKind::kListener, false);
    case OpKind::kEventfd:
      return create(context, op, seen, ObjectKind::kEventfd, false);
    case OpKind::kProcdesc:
      return describe_child(context, op, seen);
    case OpKind::kDirectory:
      return create(context, op, seen, ObjectKind::kDirectory, false);
    default:
      return create(context, op, seen, ObjectKind::kFile, false);
  }
}

Answer judge_use(const Context& context, const Op& op, const Outcome& seen,
                 const Descriptor& target) {
  const bool described = context.state->object[target.object].kind == ObjectKind::kProcdesc;
  if (described && op.kind >= OpKind::kRead && op.kind <= OpKind::kEntryRenamed) {
    return context.undecided();
  }
  const bool directory = context.state->object[target.object].kind == ObjectKind::kDirectory;
  if (directory && op.kind >= OpKind::kRead && op.kind <= OpKind::kReplace) {
    return context.undecided();
  }
  switch (op.kind) {
    case OpKind::kConnect:
      return connect(context, op, seen, target);
    case OpKind::kAccept:
      return accept_connection(context, op, seen, target);
    case OpKind::kDup:
      return duplicate(context, op, seen, target);
    case OpKind::kDup2:
      return duplicate_onto(context, op, seen, target);
    case OpKind::kRead:
      return judge_read(context, op, seen);
    case OpKind::kWrite:
      return judge_write(context, op, seen);
    case OpKind::kShutdown:
      return shut_down(context, op, seen, target);
    case OpKind::kSeek:
      return judge_seek(context, op, seen);
    case OpKind::kTruncate:
      return judge_truncate(context, op, seen);
    case OpKind::kChmod:
    case OpKind::kLink:
    case OpKind::kUnlink:
    case OpKind::kRename:
    case OpKind::kReplace:
      return judge_file_op(context, op, seen);
    case OpKind::kEntryMade:
    case OpKind::kEntryGone:
    case OpKind::kEntryRenamed:
      return judge_entry_op(context, op, seen);
    default: {
      const Answer returned = expect_value(context, op, seen, 0);
      if (returned == Answer::kAccepted && op.kind == OpKind::kUnseenClose) {
        return close_unseen(context, op.fd);
      }
      if (returned == Answer::kAccepted) close_descriptor(context, op.fd);
      return returned;
    }
  }
}

Answer judge_call(const Context& context, const Op& op, const Outcome& seen) {
  if (op.kind < OpKind::kConnect) return judge_creation(context, op, seen);
  const Descriptor* target = context.state->find_descriptor(op.fd);
  if (target == nullptr) return expect_error(context, op, seen, EBADF);
  const Descriptor copy = *target;
  return judge_use(context, op, seen, copy);
}

}  // namespace

Answer expect_value(const Context& context, const Op& op, const Outcome& seen, int64_t value) {
  if (seen.value == value) return Answer::kAccepted;
  const Verdict verdict = seen.value == -1 ? Verdict::kWrongErrno : Verdict::kWrongAnswer;
  return context.refuse(verdict, kHostRule, -1, [&] {
    return to_text(op) + " returned " + std::to_string(seen.value) +
           (seen.value == -1 ? " " + errno_name(seen.error) : "") + " instead of " +
           std::to_string(value);
  });
}

Answer expect_error(const Context& context, const Op& op, const Outcome& seen, int error) {
  if (seen.value == -1 && seen.error == error) return Answer::kAccepted;
  return context.refuse(Verdict::kWrongErrno, kHostRule, -1, [&] {
    return to_text(op) + " returned " + std::to_string(seen.value) +
           (seen.value == -1 ? " " + errno_name(seen.error) : "") + " instead of failing with " +
           errno_name(error);
  });
}

Answer judge_object_op(const Context& context, const Op& op, const Outcome& seen) {
  context.state->tick++;
  if (op.kind == OpKind::kAwait) {
    settle(context);
    return Answer::kAccepted;
  }
  if (op.kind >= OpKind::kSignal && op.kind <= OpKind::kReap) {
    return judge_process_op(context, op, seen);
  }
  const Answer answer = judge_call(context, op, seen);
  if (answer == Answer::kAccepted) look_for_returned(context);
  return answer;
}

}  // namespace kqtorture::contract
