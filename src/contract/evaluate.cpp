// One small function per filter and kind of object, each the row of the contract's table that it
// cites; nested kqueues recurse, to a bounded depth.
#include "contract/evaluate.h"

#include <cerrno>

#include "contract/vnode.h"

namespace kqtorture::contract {
namespace {

constexpr int64_t kMost = INT64_MAX;
// How deep the model follows nested kqueues before it says maybe. Kqueues that all watch each other
// cost (kqueues - 1)^depth evaluations, and no real program nests deeper.
constexpr int kDeepest = 4;

// data >= limit
Tri reaches(Range data, int64_t limit) {
  if (data.lo >= limit) return Tri::kYes;
  return data.hi >= limit ? Tri::kMaybe : Tri::kNo;
}

int64_t low_water(const Interest& interest, int64_t otherwise) {
  return (interest.sfflags & note::kLowat) != 0 ? interest.sdata : otherwise;
}

void set_error(ObjectKind kind, Tri reset, Evaluation* now) {
  if (!possible(reset)) return;
  // What the network has to say differs: ECONNRESET, EPIPE, ETIMEDOUT.
  now->fflags_or = kind == ObjectKind::kTcp ? kAnyErrno : ECONNRESET;
}

// A WRITE knote that is ready, and not because of an end, has at least this much space; one that is
// not ready may have been evaluated to anything, and a ONESHOT event may tell of that.
void set_ready_data(Tri ended, int64_t least, Evaluation* now) {
  if (possible(ended)) return;
  now->ready_data = least;
  if (certain(now->ready)) now->data.lo = least;
}

Evaluation pipe_read(const Profile& profile, const Host& host, const Object& pipe, uint8_t end,
                     const Interest& interest) {
  Evaluation now;
  const bool mine = end == 0 || host.pipe_bidirectional;
  const End& other = pipe.end[1 - end];
  now.eof = tri(other.closed);
  if (!mine) {  // nothing ever comes, but the end
    now.ready = now.shows = now.eof;
    return now;
  }
  now.data = pipe.end[end].inbox;
  const int64_t limit = profile.pipe_low_water ? low_water(interest, 1) : 1;
  now.ready = tri_or(reaches(now.data, limit), now.eof);
  now.shows = tri_or(reaches(now.data, 1), now.eof);
  return now;
}

Evaluation pipe_write(const Host& host, const Object& pipe, uint8_t end) {
  Evaluation now;
  const bool mine = end == 1 || host.pipe_bidirectional;
  if (!mine) return now;
  now.eof = tri(pipe.end[1 - end].closed);
  now.ready = tri_or(has_space(host, pipe, end), now.eof);
  const int64_t most = host.pipe_capacity_max - pipe.end[1 - end].inbox.lo;
  now.data = {0, std::max(most, host.pipe_buf)};
  set_ready_data(now.eof, std::min(host.pipe_buf, most), &now);
  return now;
}

Evaluation socket_read(const Object& socket, uint8_t end, const Interest& interest) {
  Evaluation now;
  const End& here = socket.end[end];
  now.data = here.inbox;
  now.eof = here.no_receive;
  set_error(socket.kind, here.reset, &now);
  const Tri ended = tri_or(now.eof, here.reset);
  now.ready = tri_or(reaches(now.data, low_water(interest, 1)), ended);
  now.shows = tri_or(reaches(now.data, 1), ended);
  return now;
}

Evaluation socket_write(const Host& host, const Object& socket, uint8_t end,
                        const Interest& interest) {
  Evaluation now;
  const End& here = socket.end[end];
  now.eof = here.no_send;
  set_error(socket.kind, here.reset, &now);
  now.ready = has_space(host, socket, end);
  now.shows = tri_or(now.ready, tri_or(now.eof, here.reset));
  if ((interest.sfflags & note::kLowat) != 0) {
    const Range space = {0, host.socket_free_max};
    now.ready = reaches(space, interest.sdata);
  }
  now.ready = tri_or(now.ready, tri_or(now.eof, here.reset));
  now.data = {0, host.socket_free_max};
  if ((interest.sfflags & note::kLowat) == 0) {
    set_ready_data(tri_or(now.eof, here.reset), host.socket_write_low_water, &now);
  }
  return now;
}

Evaluation datagram_read(const Host& host, const Object& socket, uint8_t end,
                         const Interest& interest) {
  Evaluation now;
  const End& here = socket.end[end];
  const int64_t first = here.datagrams > 0 ? here.sizes[0] : 0;
  const int64_t all = here.inbox.lo;
  now.data = {host.datagram_count == DatagramCount::kAllBytes ? all : first,
              host.datagram_count == DatagramCount::kFirstDatagram ? first : all};
  now.ready = reaches(now.data, low_water(interest, 1));
  now.shows = tri(here.datagrams > 0);
  // What the other end's close means to a datagram socket is the host's affair.
  // It may even throw away what was sent before.
  if (socket.end[1 - end].closed) {
    now.ready = now.eof = now.shows = Tri::kMaybe;
    now.fflags_or = ECONNRESET;
    now.data.lo = 0;
  }
  return now;
}

Evaluation datagram_write(const Host& host, const Object& socket, uint8_t end,
                          const Interest& interest) {
  Evaluation now = socket_write(host, socket, end, interest);
  if (socket.end[1 - end].datagrams > 0) {
    now.ready = now.shows = Tri::kMaybe;
    now.data.lo = 0;
  }
  if (socket.end[1 - end].closed) {
    now.ready = now.eof = now.shows = Tri::kMaybe;
    now.fflags_or = ECONNREFUSED;
    now.data.lo = 0;
    now.ready_data = INT64_MIN;
  }
  return now;
}

Evaluation listener_read(const Host& host, const Object& listener) {
  Evaluation now;
  now.data = listener.end[0].inbox;
  now.ready = reaches(now.data, 1);
  if (!host.backlog_exact) now.data.lo = std::min<int64_t>(now.data.lo, 1);
  return now;
}

Evaluation eventfd_read(const Host& host, const Object& eventfd) {
  Evaluation now;
  now.ready = tri(eventfd.counter != 0);
  const int64_t value = static_cast<int64_t>(std::min<uint64_t>(eventfd.counter, kMost));
  now.data = Range::exactly(value);
  if (!host.eventfd_exact && value != 0) now.data = Range::at_least(host.eventfd_read_min);
  return now;
}

Evaluation eventfd_write(const Host& host, const Object& eventfd) {
  Evaluation now;
  now.ready = tri(eventfd.counter < kEventfdMost);
  const uint64_t space = kEventfdMost - eventfd.counter;
  now.data = Range::exactly(static_cast<int64_t>(std::min<uint64_t>(space, kMost)));
  if (!host.eventfd_exact && space != 0) now.data = Range::at_least(1);
  return now;
}

Evaluation file_read(const Object& file, const Interest& interest) {
  Evaluation now;
  const int64_t left = static_cast<int64_t>(file.counter) - file.offset;
  now.data = Range::exactly(left);
  now.ready = tri(left != 0 || (interest.sfflags & note::kFilePoll) != 0);
  return now;
}

Evaluation file_write() {
  Evaluation now;
  now.ready = Tri::kYes;
  now.data = Range::at_least(0);
  return now;
}

// EMPTY: what was sent from here and not taken by the other side. Over a network the other side's
// kernel takes it, and says so when it likes.
Evaluation send_queue(const Object& socket, uint8_t end) {
  Evaluation now;
  const End& there = socket.end[1 - end];
  now.ready = now.shows = Tri::kYes;
  if (socket.kind == ObjectKind::kTcp || there.closed) now.ready = Tri::kMaybe;
  if (socket.kind == ObjectKind::kStream && !there.closed && there.inbox.hi > 0) {
    now.ready = there.inbox.lo > 0 ? Tri::kNo : Tri::kMaybe;
  }
  if (socket.kind == ObjectKind::kDgram && !there.closed) now.ready = tri(there.datagrams == 0);
  if (now.ready != Tri::kYes) now.data = Range::at_least(0);
  now.shows = now.ready;
  now.ready_data = 0;
  return now;
}

Evaluation evaluate_deep(const Profile& profile, const Host& host, const State& state,
                         const Knote& knote, int depth);

// Surely deliverable: kYes. In the queue, however uselessly: kMaybe.
struct Queue {
  Tri deliverable = Tri::kNo;
  int surely_queued = 0;
  int perhaps_queued = 0;
};

Queue look_into(const Profile& profile, const Host& host, const State& state, uint8_t kqueue,
                int depth) {
  Queue queue;
  for (int i = 0; i < state.knotes; i++) {
    const Knote& knote = state.knote[i];
    if (knote.kqueue != kqueue) continue;
    queue.perhaps_queued += possible(knote.queued) || host.queues_unready;
    if (!possible(knote.queued)) continue;
    if (certain(knote.queued)) queue.surely_queued++;
    if (certain(queue.deliverable) || knote.disabled) continue;
    if (depth == 0) {
      queue.deliverable = Tri::kMaybe;
      continue;
    }
    const Evaluation now = evaluate_deep(profile, host, state, knote, depth - 1);
    Knote seen = knote;
    begin_scan(now, 0, &seen);
    queue.deliverable = tri_or(queue.deliverable, contract::deliverable(profile, seen, now));
  }
  return queue;
}

Evaluation kqueue_read(const Profile& profile, const Host& host, const State& state, uint8_t kqueue,
                       int depth) {
  Evaluation now;
  const Queue queue = look_into(profile, host, state, kqueue, depth);
  const Object& inner = state.object[kqueue];
  const int perhaps = queue.perhaps_queued + (inner.stale_hint || inner.watches_left ? 1 : 0);
  if (perhaps == 0) return now;
  // I17: it may be readable with nothing deliverable, and must be with something deliverable.
  now.ready = certain(queue.deliverable) ? Tri::kYes : Tri::kMaybe;
  now.data = {certain(now.ready) ? 1 : 0, perhaps};
  if (host.nested_count_exact) {
    if (queue.surely_queued > 0) now.ready = Tri::kYes;
    now.data.lo = queue.surely_queued;
    now.ready_data = 1;  // though what a ONESHOT stored may tell of none
  }
  return now;
}

Evaluation evaluate_object_deep(const Profile& profile, const Host& host, const State& state,
                                uint8_t index, uint8_t end, int16_t filter,
                                const Interest& interest, int depth) {
  const Object& object = state.object[index];
  const bool reads = filter == filter::kRead;
  if (filter == filter::kVnode || filter == filter::kProcdesc) return {};  // the knote knows
  if (filter == filter::kEmpty) return send_queue(object, end);
  switch (object.kind) {
    case ObjectKind::kPipe:
      return reads ? pipe_read(profile, host, object, end, interest)
                   : pipe_write(host, object, end);
    case ObjectKind::kStream:
    case ObjectKind::kTcp:
      return reads ? socket_read(object, end, interest) : socket_write(host, object, end, interest);
    case ObjectKind::kDgram:
      return reads ? datagram_read(host, object, end, interest)
                   : datagram_write(host, object, end, interest);
    case ObjectKind::kListener:
      return reads ? listener_read(host, object) : Evaluation{};
    case ObjectKind::kEventfd:
      return reads ? eventfd_read(host, object) : eventfd_write(host, object);
    case ObjectKind::kFile:
      return reads ? file_read(object, interest) : file_write();
    case ObjectKind::kKqueue:
      return kqueue_read(profile, host, state, index, depth);
    case ObjectKind::kProcdesc:
    case ObjectKind::kDirectory:
    case ObjectKind::kFree:
      break;
  }
  return {};
}

Evaluation evaluate_deep(const Profile& profile, const Host& host, const State& state,
                         const Knote& knote, int depth) {
  if (knote.object == Knote::kNoObject) return evaluate_self(knote);
  if (knote.filter == filter::kProcdesc) return evaluate_self(knote);
  if (knote.filter == filter::kVnode) return evaluate_vnode(knote);
  Evaluation now = evaluate_object_deep(profile, host, state, knote.object, knote.end, knote.filter,
                                        {knote.sfflags, knote.sdata}, depth);
  if (knote.converted) now.ready = now.eof = Tri::kYes;
  return now;
}

}  // namespace

Tri has_space(const Host& host, const Object& object, uint8_t end) {
  const End& inbox_end = object.end[1 - end];  // what is written here waits there
  if (inbox_end.full == Tri::kYes) return object.kind == ObjectKind::kTcp ? Tri::kMaybe : Tri::kNo;
  const int64_t bytes = inbox_end.inbox.hi;
  if (bytes == 0 && !inbox_end.under_way) return Tri::kYes;
  if (object.kind == ObjectKind::kPipe) {
    const int64_t capacity = end == 0 ? host.pipe_back_capacity_min : host.pipe_capacity_min;
    const int64_t slots = capacity / host.pipe_slot;
    const bool fits = host.pipe_slot == 1 || inbox_end.charge < slots;
    return fits && bytes + host.pipe_buf <= capacity ? Tri::kYes : Tri::kMaybe;
  }
  return inbox_end.charge < host.socket_sure_bytes ? Tri::kYes : Tri::kMaybe;
}

Evaluation evaluate_object(const Profile& profile, const Host& host, const State& state,
                           uint8_t object, uint8_t end, int16_t filter, const Interest& interest) {
  return evaluate_object_deep(profile, host, state, object, end, filter, interest, kDeepest);
}

Evaluation evaluate(const Profile& profile, const Host& host, const State& state,
                    const Knote& knote) {
  return evaluate_deep(profile, host, state, knote, kDeepest);
}

Tri pending_events(const Profile& profile, const Host& host, const State& state, uint8_t kqueue) {
  const Queue queue = look_into(profile, host, state, kqueue, kDeepest);
  return queue.deliverable;
}

}  // namespace kqtorture::contract
