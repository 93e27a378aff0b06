// EVFILT_READ and EVFILT_WRITE: what the object says, asked at the moment of evaluation.
//
// The contract's filters are FreeBSD's filt_soread, filt_sowrite, filt_piperead, filt_pipewrite and
// filt_vfsread. Where Linux does not tell what they report, data is a bound; docs/contract.md says
// which. The end of file is never concluded from zero bytes: it is a hang-up that poll(2) reports.
#include <errno.h>
#include <fcntl.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

constexpr int kPipeBuf = 4096;  // one slot of a pipe, and Linux's PIPE_BUF

// What poll(2) says now. A number that is not open marks the registration stale.
uint32_t poll_now(Registration* registration, short events) {
  pollfd item{registration->fd, static_cast<short>(events | POLLRDHUP), 0};
  if (sys::poll_once(&item) < 0) return 0;
  if (item.revents & POLLNVAL) {
    registration->stale = true;
    return 0;
  }
  registration->poll_flags = static_cast<uint16_t>(item.revents & kHangup);
  return static_cast<uint32_t>(static_cast<unsigned short>(item.revents));
}

// The hang-up bits alone. During a scan the edges have told of every hang-up; they are asked for
// again only because a FIFO may have found a new writer since.
uint32_t hangup(Registration* registration, When when) {
  if (when != When::kNow && registration->poll_flags == 0) return 0;
  return poll_now(registration, 0) & kHangup;
}

// Has epoll said, since this scan began, that there is input? It asks the object when it hands the
// edge out. Afterwards the object may have been read.
bool edge_says_input(const Registration* registration, When when) {
  return when == When::kScan && registration->edge_in && registration->poll_flags == 0 &&
         registration->last_edge >= registration->kqueue->scan_began;
}

// ioctl(FIONREAD): bytes to be read, or -1 with errno.
int64_t readable_bytes(Registration* registration) {
  int bytes = 0;
  if (sys::ioctl(registration->fd, FIONREAD, &bytes) == 0) return bytes;
  if (errno == EBADF) registration->stale = true;
  return -1;
}

// A read over TCP ends before an urgent byte, and FIONREAD counts up to there: standing in front of
// one it says 0, whatever has come behind. How much that is a look tells that copies nothing.
// state: what poll(2) says.
int64_t bytes_behind_mark(const Registration* registration, uint32_t state) {
  if (!(state & POLLIN) || (state & kHangup)) return 0;
  const int64_t bytes = sys::count_behind_mark(registration->fd);
  return bytes > 0 ? bytes : 0;
}

void set_eof(Knote* knote, bool eof) {
  if (eof) {
    knote->event.flags |= EV_EOF;
  } else {
    knote->event.flags &= static_cast<uint16_t>(~EV_EOF);
  }
}

// FreeBSD shows so_error to every knote and leaves it to the user to collect; Linux shows it once.
// What is taken here is kept, and handed out by interpose_sockets.cpp.
uint32_t socket_error(Registration* registration) {
  Slot* slot = find_slot(registration->fd);
  int error = 0;
  socklen_t length = sizeof error;
  if (sys::getsockopt(registration->fd, SOL_SOCKET, SO_ERROR, &error, &length) == 0 && error != 0) {
    slot->owed_error = OwedError::word(registration->inode, error);
  }
  return static_cast<uint32_t>(OwedError::of(slot->owed_error, registration->inode));
}

bool is_listening(const Registration* registration) {
  int listening = 0;
  socklen_t length = sizeof listening;
  return sys::getsockopt(registration->fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) == 0 &&
         listening;
}

// Completed connections of a listening socket, or -1 when it is not listening. Linux tells the
// length of the queue for TCP; of a local socket only that there is one.
int64_t listen_backlog(Registration* registration) {
  if (!is_listening(registration)) return -1;
  if (registration->internet) {
    tcp_info info{};
    socklen_t length = sizeof info;
    if (sys::getsockopt(registration->fd, IPPROTO_TCP, TCP_INFO, &info, &length) == 0) {
      return info.tcpi_unacked;  // of a listening socket: the accept queue
    }
  }
  return poll_now(registration, POLLIN) & POLLIN ? 1 : 0;
}

// Nothing ever comes out of the write end of a pipe, but who asks hears that the reader has gone:
// so it is where both ends of a pipe(2) read and write. A FIFO open for writing only is silent
// there.
bool read_write_end(Knote* knote, Registration* registration, When when) {
  if (registration->kind == Kind::kFifo) return false;
  const bool eof = hangup(registration, when) & EPOLLERR;
  knote->event.data = 0;
  set_eof(knote, eof);
  return eof;
}

bool read_pipe(Knote* knote, Registration* registration, When when) {
  if (!registration->readable) return read_write_end(knote, registration, when);
  const int64_t bytes = readable_bytes(registration);
  const bool eof = hangup(registration, when) & EPOLLHUP;
  knote->event.data = bytes < 0 ? 0 : bytes;
  set_eof(knote, eof);
  return knote->event.data > 0 || eof;
}

bool read_socket(Knote* knote, Registration* registration, When when) {
  int64_t bytes = readable_bytes(registration);
  if (bytes < 0 && errno == EINVAL) {  // what a listening socket answers
    const int64_t backlog = listen_backlog(registration);
    if (backlog >= 0) {
      knote->event.data = backlog;
      return backlog > 0;
    }
  }
  if (bytes < 0) bytes = 0;
  uint32_t state;
  if (bytes == 0 && registration->internet) {
    state = poll_now(registration, POLLIN);
    bytes = bytes_behind_mark(registration, state);
  } else {
    state = hangup(registration, when);
  }
  knote->event.data = bytes;
  // Only EPOLLRDHUP is an end of file: EPOLLHUP alone is a socket that was never connected.
  const bool eof = state & EPOLLRDHUP;
  set_eof(knote, eof);
  if (eof) {
    knote->event.fflags = socket_error(registration);
    return true;
  }
  if (state & EPOLLERR) return true;
  if (knote->saved_fflags & NOTE_LOWAT) return bytes >= knote->saved_data;
  // A datagram may be empty, and SO_RCVLOWAT may ask TCP for more than one byte.
  if (edge_says_input(registration, when)) return true;
  if (registration->kind == Kind::kPacket || (registration->internet && bytes > 0)) {
    return poll_now(registration, POLLIN) & POLLIN;
  }
  return bytes > 0;
}

// size - offset, which may be negative.
bool read_file(Knote* knote, Registration* registration) {
  struct stat status;
  if (sys::fstat(registration->fd, &status) != 0) {
    registration->stale = true;
    return false;
  }
  knote->event.data = status.st_size - sys::lseek(registration->fd, 0, SEEK_CUR);
  return knote->event.data != 0 || (knote->saved_fflags & NOTE_FILE_POLL);
}

// The child's own queue, as of the last time anybody looked into the kernel for it; if it is empty
// the kernel may still have something. An upper bound, like FreeBSD's kq_count.
bool read_kqueue(Knote* knote, Registration* registration) {
  const size_t queued = registration->child()->queue.size();
  knote->event.data = static_cast<intptr_t>(queued);
  if (queued == 0 && (poll_now(registration, POLLIN) & POLLIN)) knote->event.data = 1;
  return knote->event.data > 0;
}

// Terminals and everything else that can be polled. What cannot count its bytes (an eventfd)
// reports 1. A terminal that is gone takes its knotes with it (FreeBSD's knlist_cleardel).
bool read_other(Knote* knote, Registration* registration, When when) {
  if (registration->countless && edge_says_input(registration, when)) {
    knote->event.data = 1;
    set_eof(knote, false);
    return true;
  }
  const uint32_t state = poll_now(registration, POLLIN);
  const bool ask = (state & (POLLIN | POLLHUP)) && !registration->countless;
  const int64_t bytes = ask ? readable_bytes(registration) : 0;
  if (bytes < 0 && errno == ENOTTY) registration->countless = true;
  const bool eof = state & POLLHUP;
  knote->event.data = bytes > 0 ? bytes : 0;
  if ((bytes < 0 || registration->countless) && (state & POLLIN)) knote->event.data = 1;
  set_eof(knote, eof);
  if (eof && registration->kind == Kind::kTty) knote->event.flags |= EV_ONESHOT;
  return eof || (state & (POLLIN | POLLERR)) != 0;
}

// The kind is needed now. A number that is not open any more has none.
bool know_kind(Registration* registration) {
  registration->stale |= classify(registration) != 0;
  return !registration->stale;
}

bool evaluate_read(Kqueue*, Knote* knote, When when) {
  Registration* registration = knote->registration;
  if (registration->kind == Kind::kUnknown && !know_kind(registration)) return false;
  switch (registration->kind) {
    case Kind::kPipe:
    case Kind::kFifo:
      return read_pipe(knote, registration, when);
    case Kind::kStream:
    case Kind::kPacket:
      return read_socket(knote, registration, when);
    case Kind::kFile:
      return read_file(knote, registration);
    case Kind::kKqueue:
      return read_kqueue(knote, registration);
    default:
      return read_other(knote, registration, when);
  }
}

// A writable pipe has a free slot, and one slot takes PIPE_BUF bytes. How many slots are taken,
// Linux does not tell; at worst each unread byte has one of its own, and none needs more.
int64_t pipe_space(const Registration* registration) {
  int bytes = 0;
  const int capacity = sys::fcntl(registration->fd, F_GETPIPE_SZ, 0);
  if (capacity < 0 || sys::ioctl(registration->fd, FIONREAD, &bytes) != 0) return kPipeBuf;
  const int64_t slots = capacity / kPipeBuf;
  return (slots - bytes > 1 ? slots - bytes : 1) * kPipeBuf;
}

bool write_pipe(Knote* knote, Registration* registration) {
  if (!registration->writable) return false;  // the read end: accepted, never fires
  const uint32_t state = poll_now(registration, POLLOUT);
  const bool eof = state & POLLERR;
  set_eof(knote, eof);
  if (eof) {
    knote->event.data = 0;
    // The pipe is dead: delivered once more, then gone (pipeclose()). A FIFO may be reopened.
    if (registration->kind == Kind::kPipe) knote->event.flags |= EV_ONESHOT;
    return true;
  }
  knote->event.data = state & POLLOUT ? pipe_space(registration) : 0;
  return state & POLLOUT;
}

// What one write accepts at least, given that poll(2) says it accepts something: the send buffer is
// charged for more than the bytes in it, so this is a bound. A local stream takes one buffer of up
// to 32 KiB; TCP is charged at most four times what it carries; a datagram must fit whole.
int64_t socket_space(const Registration* registration) {
  uint32_t memory[SK_MEMINFO_VARS] = {};
  socklen_t length = sizeof memory;
  if (sys::getsockopt(registration->fd, SOL_SOCKET, SO_MEMINFO, memory, &length) != 0) {
    return 1;
  }
  const int64_t buffer = memory[SK_MEMINFO_SNDBUF];
  int64_t space;
  if (registration->kind == Kind::kPacket) {
    space = buffer / 4 < 9216 ? buffer / 4 : 9216;
  } else if (registration->internet) {
    space = (buffer - static_cast<int64_t>(memory[SK_MEMINFO_WMEM_QUEUED])) / 4;
  } else {
    space = buffer / 2 - 64 < 32768 ? buffer / 2 - 64 : 32768;
  }
  return space > 1 ? space : 1;
}

// Has this side stopped sending? poll(2) shows only both sides together; sending nothing asks.
bool send_shut_down(const Registration* registration) {
  return sys::send_nothing(registration->fd) < 0 && errno == EPIPE;
}

bool write_socket(Knote* knote, Registration* registration) {
  const uint32_t state = poll_now(registration, POLLOUT);
  const bool stream = registration->kind == Kind::kStream;
  const bool closed = (state & POLLHUP) && (state & POLLRDHUP);
  if (stream && (state & POLLHUP) && !(state & POLLRDHUP)) return false;  // never connected
  const bool writable = state & POLLOUT;
  const bool eof =
      closed || (stream && writable && !(state & POLLERR) && send_shut_down(registration));
  set_eof(knote, eof);
  knote->event.data = writable && !eof ? socket_space(registration) : 0;
  if (eof) {
    knote->event.fflags = socket_error(registration);
    return true;
  }
  if (state & POLLERR) return true;
  if (knote->saved_fflags & NOTE_LOWAT) {
    if (writable) return knote->event.data >= knote->saved_data;
    // A mark of nothing is met by a full buffer, but not by a socket that is still connecting or
    // that listens; and who has stopped sending is at the end.
    if (knote->saved_data > 0) return false;
    if (stream && is_listening(registration)) return false;
    if (!stream || sys::send_nothing(registration->fd) == 0) return true;
    set_eof(knote, errno == EPIPE);
    return errno == EPIPE;
  }
  return writable;
}

bool write_other(Knote* knote, Registration* registration) {
  const uint32_t state = poll_now(registration, POLLOUT);
  const bool eof = state & POLLHUP;
  set_eof(knote, eof);
  if (eof && registration->kind == Kind::kTty) knote->event.flags |= EV_ONESHOT;
  knote->event.data = state & POLLOUT ? 1 : 0;
  return eof || (state & (POLLOUT | POLLERR)) != 0;
}

bool evaluate_write(Kqueue*, Knote* knote, When) {
  Registration* registration = knote->registration;
  switch (registration->kind) {
    case Kind::kPipe:
    case Kind::kFifo:
      return write_pipe(knote, registration);
    case Kind::kStream:
    case Kind::kPacket:
      return write_socket(knote, registration);
    case Kind::kFile:
      knote->event.data = 0;
      return true;
    default:
      return write_other(knote, registration);
  }
}

bool is_pipe(const Registration* registration) {
  return registration->kind == Kind::kPipe || registration->kind == Kind::kFifo;
}

int watch_pollable(Registration* registration, Direction direction) {
  const int error = watch_direction(registration, direction);
  return error == EPERM ? EINVAL : error;
}

int attach_read(Kqueue*, Knote* knote) {
  Registration* registration = knote->registration;
  if (registration->kind == Kind::kUnknown) {
    const int error = watch_direction(registration, kIn);
    if (error != EPERM) return error;
    // It cannot be polled.
    if (const int failure = classify(registration)) return failure;
  }
  if (registration->kind == Kind::kFile) {
    take_in_file_events(registration->kqueue);  // a watch that has ended is found out
    return watch_file(registration, knote);
  }
  if (registration->kind == Kind::kFifo && !registration->readable) return 0;
  return watch_pollable(registration, kIn);
}

int attach_write(Kqueue*, Knote* knote) {
  Registration* registration = knote->registration;
  if (const int error = classify(registration)) return error;
  if (registration->kind == Kind::kKqueue) return EINVAL;
  if (registration->kind == Kind::kFile) return 0;
  if (is_pipe(registration) && !registration->writable) return 0;
  if (registration->kind == Kind::kPipe && (poll_now(registration, POLLOUT) & POLLERR)) {
    return EPIPE;
  }
  return watch_pollable(registration, kOut);
}

// The item stays: the registration may get another knote at once (a ONESHOT that is re-added).
// change.cpp takes it out when a DELETE says so, take_in() when an edge finds no knote.
void detach(Kqueue*, Knote*) {}

}  // namespace

const FilterOps kReadFilter = {true, attach_read, detach, evaluate_read, nullptr, nullptr};
const FilterOps kWriteFilter = {true, attach_write, detach, evaluate_write, nullptr, nullptr};

}  // namespace kq
