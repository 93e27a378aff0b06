// How bytes go in and out of objects: read, write, seek, truncate.
#include <cerrno>

#include "contract/evaluate.h"
#include "contract/object_ops.h"
#include "contract/objects.h"
#include "contract/vnode.h"

namespace kqtorture::contract {
namespace {

Answer refuse_bytes(const Context& context, const Op& op, const Outcome& seen, Range allowed) {
  return context.refuse(Verdict::kWrongAnswer, kHostRule, -1, [&] {
    return to_text(op) + " returned " + std::to_string(seen.value) +
           (seen.value == -1 ? " " + errno_name(seen.error) : "") + "; there were " +
           std::to_string(allowed.lo) +
           (allowed.exact() ? "" : " to " + std::to_string(allowed.hi)) + " bytes";
  });
}

bool failed_with(const Outcome& seen, int error) { return seen.value == -1 && seen.error == error; }

void remove_bytes(int64_t bytes, End* here) {
  here->inbox.hi -= bytes;
  here->inbox.lo = std::max<int64_t>(here->inbox.lo - bytes, 0);
  if (here->inbox.hi == 0) {
    here->charge = 0;
    here->full = Tri::kNo;
  } else if (here->full == Tri::kYes) {
    here->full = Tri::kMaybe;
  }
}

// A byte stream with `seen` bytes read from `end`.
Answer read_stream(const Context& context, const Op& op, const Outcome& seen, int index, int end,
                   Tri eof) {
  Object& object = context.state->object[index];
  End& here = object.end[end];
  const bool errors =
      possible(here.reset) && (failed_with(seen, ECONNRESET) || failed_with(seen, EPIPE));
  if (errors) {
    // Told once; but a connection that was reset stays dead, whatever was on its way.
    here.inbox.lo = 0;
    if (object.kind != ObjectKind::kTcp) here.reset = Tri::kNo;
    return Answer::kAccepted;
  }
  const Range allowed = {std::min(op.amount, here.inbox.lo), std::min(op.amount, here.inbox.hi)};
  if (failed_with(seen, EAGAIN)) {
    if (allowed.lo > 0 || certain(eof)) return refuse_bytes(context, op, seen, allowed);
    return Answer::kAccepted;
  }
  if (seen.value == 0 && op.amount > 0) {
    if (allowed.lo > 0 || !possible(eof)) return refuse_bytes(context, op, seen, allowed);
    return Answer::kAccepted;
  }
  if (seen.value < 0 || !Range{allowed.lo, allowed.hi}.holds(seen.value)) {
    return refuse_bytes(context, op, seen, allowed);
  }
  const Tri had_space = has_space(context.host, object, static_cast<uint8_t>(1 - end));
  remove_bytes(seen.value, &here);
  if (seen.value > 0) taken_out(context, index, end, had_space);
  return Answer::kAccepted;
}

Answer read_datagram(const Context& context, const Op& op, const Outcome& seen, int index,
                     int end) {
  Object& object = context.state->object[index];
  End& here = object.end[end];
  const bool nothing = seen.value == 0 || seen.value == -1;
  if (object.end[1 - end].closed && nothing) return Answer::kAccepted;
  if (here.datagrams == 0) return expect_error(context, op, seen, EAGAIN);
  const int64_t first = here.sizes[0];
  const Answer returned = expect_value(context, op, seen, std::min(op.amount, first));
  if (returned != Answer::kAccepted) return returned;
  for (int i = 1; i < here.datagrams; i++) here.sizes[i - 1] = here.sizes[i];
  here.datagrams--;
  const Tri had_space = has_space(context.host, object, static_cast<uint8_t>(1 - end));
  remove_bytes(first, &here);
  taken_out(context, index, end, had_space);
  return Answer::kAccepted;
}

Answer read_eventfd(const Context& context, const Op& op, const Outcome& seen, int index) {
  Object& eventfd = context.state->object[index];
  if (op.amount < 8) return expect_error(context, op, seen, EINVAL);
  if (eventfd.counter == 0) return expect_error(context, op, seen, EAGAIN);
  const Answer returned = expect_value(context, op, seen, 8);
  if (returned != Answer::kAccepted) return returned;
  if (seen.counter != eventfd.counter) {
    return context.refuse(Verdict::kWrongAnswer, kHostRule, -1, [&] {
      return "the eventfd held " + std::to_string(eventfd.counter) + " and gave " +
             std::to_string(seen.counter);
    });
  }
  const bool was_full = eventfd.counter == kEventfdMost;
  eventfd.counter = 0;
  activity(context, index, 0, filter::kRead, Tri::kNo);
  activity(context, index, 0, filter::kWrite, was_full ? Tri::kYes : Tri::kMaybe);
  return Answer::kAccepted;
}

// A file is moved in by its reader: no activity, but what looks again finds something else.
Tri unseen_change(const Context& context) {
  return context.host.activation == Observed::kAtScan ? Tri::kMaybe : Tri::kNo;
}

Answer read_file(const Context& context, const Op& op, const Outcome& seen, int index) {
  Object& file = context.state->object[index];
  const int64_t left = std::max<int64_t>(static_cast<int64_t>(file.counter) - file.offset, 0);
  const Answer returned = expect_value(context, op, seen, std::min(op.amount, left));
  if (returned != Answer::kAccepted) return returned;
  file.offset += seen.value;
  if (seen.value > 0) file_event(context, index, FileAct::kRead);
  activity(context, index, 0, filter::kRead, unseen_change(context));
  return Answer::kAccepted;
}

// Bytes came into the inbox of `to`.
void add_bytes(const Context& context, int64_t bytes, int64_t asked, int index, int to) {
  Object& object = context.state->object[index];
  End& there = object.end[to];
  const Host& host = context.host;
  if (bytes > 0) {
    there.inbox.hi += bytes;
    if (object.kind == ObjectKind::kTcp) {
      there.under_way = true;
    } else {
      there.inbox.lo += bytes;
    }
    if (object.kind == ObjectKind::kPipe) {
      there.charge =
          std::min(there.charge + (bytes + host.pipe_slot - 1) / host.pipe_slot, there.inbox.hi);
    } else {
      there.charge += 2 * bytes + host.socket_overhead;
    }
  }
  if (bytes < asked) there.full = Tri::kYes;
}

Answer write_stream(const Context& context, const Op& op, const Outcome& seen, int index, int end) {
  Object& object = context.state->object[index];
  const End& here = object.end[end];
  const bool pipe = object.kind == ObjectKind::kPipe;
  const Tri broken = pipe ? tri(object.end[1 - end].closed)
                          : tri_or(tri(here.sent_all), tri_or(here.no_send, here.reset));
  const bool refused = failed_with(seen, EPIPE) || failed_with(seen, ECONNRESET);
  if (refused && possible(broken)) return Answer::kAccepted;
  if (pipe && certain(broken)) return expect_error(context, op, seen, EPIPE);
  if (!pipe && here.sent_all) return expect_error(context, op, seen, EPIPE);
  // Whether there was room is the host's word. A pipe wakes its readers even so, Linux's because
  // epoll relies on that, FreeBSD's because it has something to offer: no single write of at most
  // PIPE_BUF bytes that was fully accepted, so I9(b) has nothing against it.
  if (failed_with(seen, EAGAIN)) {
    add_bytes(context, 0, op.amount, index, 1 - end);
    if (pipe) activity(context, index, 1 - end, filter::kRead, Tri::kMaybe);
    activity(context, index, end, filter::kWrite, own_end_told(context, object));
    return Answer::kAccepted;
  }
  if (seen.value < 0 || seen.value > op.amount) {
    return refuse_bytes(context, op, seen, {0, op.amount});
  }
  add_bytes(context, seen.value, op.amount, index, 1 - end);
  // Nobody reads any more: the answer will be a reset.
  const End& there = object.end[1 - end];
  if (object.kind == ObjectKind::kTcp && (there.closed || possible(there.no_receive))) {
    may_reset(context, index);
  }
  if (seen.value > 0) activity(context, index, 1 - end, filter::kRead, Tri::kYes);
  activity(context, index, end, filter::kWrite, own_end_told(context, object));
  return Answer::kAccepted;
}

Answer write_datagram(const Context& context, const Op& op, const Outcome& seen, int index,
                      int end) {
  Object& object = context.state->object[index];
  if (object.end[1 - end].closed) {
    if (seen.value != -1) return context.undecided();
    activity(context, index, end, filter::kRead, Tri::kMaybe);
    activity(context, index, end, filter::kWrite, Tri::kMaybe);
    return Answer::kAccepted;
  }
  if (seen.value == -1) return Answer::kAccepted;  // no room: EAGAIN, ENOBUFS, EMSGSIZE
  const Answer returned = expect_value(context, op, seen, op.amount);
  if (returned != Answer::kAccepted) return returned;
  End& there = object.end[1 - end];
  // An empty datagram is ready for some hosts and not for others.
  if (op.amount == 0 || op.amount > UINT16_MAX || there.datagrams == kMaxDatagrams) {
    return context.undecided();
  }
  there.sizes[there.datagrams++] = static_cast<uint16_t>(op.amount);
  add_bytes(context, op.amount, op.amount, index, 1 - end);
  activity(context, index, 1 - end, filter::kRead, Tri::kYes);
  activity(context, index, end, filter::kWrite, Tri::kNo);
  return Answer::kAccepted;
}

Answer write_eventfd(const Context& context, const Op& op, const Outcome& seen, int index) {
  Object& eventfd = context.state->object[index];
  const uint64_t added = static_cast<uint64_t>(op.amount);
  if (added == UINT64_MAX) return expect_error(context, op, seen, EINVAL);
  if (added > kEventfdMost - eventfd.counter) return expect_error(context, op, seen, EAGAIN);
  const Answer returned = expect_value(context, op, seen, 8);
  if (returned != Answer::kAccepted) return returned;
  eventfd.counter += added;
  activity(context, index, 0, filter::kRead, added == 0 ? Tri::kMaybe : Tri::kYes);
  activity(context, index, 0, filter::kWrite, Tri::kNo);
  return Answer::kAccepted;
}

Answer write_file(const Context& context, const Op& op, const Outcome& seen, int index) {
  Object& file = context.state->object[index];
  const Answer returned = expect_value(context, op, seen, op.amount);
  if (returned != Answer::kAccepted) return returned;
  file.offset += seen.value;
  const bool extends = static_cast<uint64_t>(file.offset) > file.counter && seen.value > 0;
  file.counter = std::max(file.counter, static_cast<uint64_t>(file.offset));
  if (seen.value > 0) file_event(context, index, extends ? FileAct::kExtend : FileAct::kWrite);
  activity(context, index, 0, filter::kRead,
           context.host.file_activity_seen ? Tri::kYes : Tri::kMaybe);
  return Answer::kAccepted;
}

}  // namespace

Answer judge_read(const Context& context, const Op& op, const Outcome& seen) {
  const Descriptor target = *context.state->find_descriptor(op.fd);
  const Object& object = context.state->object[target.object];
  const int end = target.end;
  switch (object.kind) {
    case ObjectKind::kPipe:
      if (end == 1 && !context.host.pipe_bidirectional) {
        return expect_error(context, op, seen, EBADF);
      }
      return read_stream(context, op, seen, target.object, end, tri(object.end[1 - end].closed));
    case ObjectKind::kStream:
    case ObjectKind::kTcp:
      return read_stream(context, op, seen, target.object, end, object.end[end].no_receive);
    case ObjectKind::kDgram:
      return read_datagram(context, op, seen, target.object, end);
    case ObjectKind::kEventfd:
      return read_eventfd(context, op, seen, target.object);
    case ObjectKind::kFile:
      return read_file(context, op, seen, target.object);
    default:
      // A kqueue or a listener is not for reading; with which errno is the host's affair.
      return seen.value == -1 ? Answer::kAccepted : expect_error(context, op, seen, EINVAL);
  }
}

Answer judge_write(const Context& context, const Op& op, const Outcome& seen) {
  const Descriptor target = *context.state->find_descriptor(op.fd);
  const Object& object = context.state->object[target.object];
  switch (object.kind) {
    case ObjectKind::kPipe:
      if (target.end == 0 && !context.host.pipe_bidirectional) {
        return expect_error(context, op, seen, EBADF);
      }
      return write_stream(context, op, seen, target.object, target.end);
    case ObjectKind::kStream:
    case ObjectKind::kTcp:
      return write_stream(context, op, seen, target.object, target.end);
    case ObjectKind::kDgram:
      return write_datagram(context, op, seen, target.object, target.end);
    case ObjectKind::kEventfd:
      return write_eventfd(context, op, seen, target.object);
    case ObjectKind::kFile:
      return write_file(context, op, seen, target.object);
    default:
      return seen.value == -1 ? Answer::kAccepted : expect_error(context, op, seen, EINVAL);
  }
}

Answer judge_seek(const Context& context, const Op& op, const Outcome& seen) {
  const Descriptor target = *context.state->find_descriptor(op.fd);
  Object& file = context.state->object[target.object];
  if (file.kind != ObjectKind::kFile) return expect_error(context, op, seen, ESPIPE);
  if (op.amount < 0) return expect_error(context, op, seen, EINVAL);
  const Answer returned = expect_value(context, op, seen, op.amount);
  if (returned != Answer::kAccepted) return returned;
  file.offset = op.amount;
  activity(context, target.object, 0, filter::kRead, unseen_change(context));
  return Answer::kAccepted;
}

Answer judge_truncate(const Context& context, const Op& op, const Outcome& seen) {
  const Descriptor target = *context.state->find_descriptor(op.fd);
  Object& file = context.state->object[target.object];
  if (file.kind != ObjectKind::kFile || op.amount < 0) {
    return expect_error(context, op, seen, EINVAL);
  }
  const Answer returned = expect_value(context, op, seen, 0);
  if (returned != Answer::kAccepted) return returned;
  const uint64_t before = file.counter;
  file.counter = static_cast<uint64_t>(op.amount);
  // Linux tells of a change of the contents, and leaves it to the size to say which.
  const FileAct act = file.counter > before    ? FileAct::kExtend
                      : file.counter == before ? FileAct::kWrite
                      : file.counter == 0      ? FileAct::kEmpty
                                               : FileAct::kCut;
  file_event(context, target.object, act);
  activity(context, target.object, 0, filter::kRead, Tri::kMaybe);
  return Answer::kAccepted;
}

}  // namespace kqtorture::contract
