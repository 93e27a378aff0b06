// Who is told of what is all here: a transfer tells the other end, and so does the last close.
#include "endpoint.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "kernel.h"
#include "kqueue.h"

namespace vkernel {
namespace {

constexpr size_t kCapacity = 65536;  // of an inbox, of all kinds
constexpr size_t kAtomic = 512;      // PIPE_BUF
constexpr size_t kLowWater = 2048;   // a socket is writable with that much space
constexpr size_t kLongestDatagram = 9216;
// An inbox of datagrams holds so many; it would be without bound for empty ones.
constexpr size_t kMostDatagrams = 256;

}  // namespace

std::pair<std::shared_ptr<Endpoint>, std::shared_ptr<Endpoint>> Endpoint::pair(Kind kind) {
  auto near = std::make_shared<Endpoint>(kind);
  auto far = std::make_shared<Endpoint>(kind);
  near->peer_ = far.get();
  far->peer_ = near.get();
  return {std::move(near), std::move(far)};
}

Endpoint::~Endpoint() {
  if (peer_ == nullptr) return;
  peer_->peer_ = nullptr;
  peer_->changed_.notify_all();
  if (kind_ == Kind::kPipe) {
    // Nobody will read any more: the WRITE knotes of the other end have one event left.
    for (Knote* knote : peer_->knotes) {
      if (knote->event.filter != kWrite) continue;
      knote->event.flags |= kEof | kOneshot;
    }
  }
  kernel().activity(*peer_, kRead);
  kernel().activity(*peer_, kWrite);
  kernel().activity(*peer_, kEmpty);
}

size_t Endpoint::waiting() const { return bytes_; }

size_t Endpoint::space() const {
  const Endpoint& there = *peer_;
  return there.bytes_ < kCapacity ? kCapacity - there.bytes_ : 0;
}

Result Endpoint::take(void* to, size_t size) {
  size_t done = 0;
  while (!inbox_.empty() && (done < size || kind_ == Kind::kDatagram)) {
    const std::string& first = inbox_.front();
    const size_t part = std::min(size - done, first.size() - taken_);
    if (!copy_out(static_cast<char*>(to) + done, first.data() + taken_, part)) return -EFAULT;
    done += part;
    taken_ += part;
    bytes_ -= part;
    if (taken_ < first.size() && kind_ != Kind::kDatagram) break;
    bytes_ -= first.size() - taken_;  // the rest of a datagram is lost
    inbox_.pop_front();
    taken_ = 0;
    if (kind_ == Kind::kDatagram) break;
  }
  if (peer_ != nullptr) {
    peer_->changed_.notify_all();
    kernel().activity(*peer_, kWrite);
    kernel().activity(*peer_, kEmpty);
  }
  return static_cast<Result>(done);
}

Result Endpoint::read(Lock& lock, void* to, size_t size) {
  while (inbox_.empty()) {
    if (ended()) return 0;
    if (nonblocking) return -EAGAIN;
    if (kernel().sleep(lock, changed_, kNever) == Wake::kInterrupted) return -EINTR;
  }
  if (size == 0 && kind_ != Kind::kDatagram) return 0;
  return take(to, size);
}

Result Endpoint::put(const void* from, size_t size) {
  std::string piece(size, '\0');
  if (!copy_in(piece.data(), from, size)) return -EFAULT;
  peer_->inbox_.push_back(std::move(piece));
  peer_->bytes_ += size;
  peer_->changed_.notify_all();
  kernel().activity(*peer_, kRead);
  return static_cast<Result>(size);
}

Result Endpoint::write(Lock& lock, const void* from, size_t size) {
  if (kind_ == Kind::kDatagram && size > kLongestDatagram) return -EMSGSIZE;
  size_t done = 0;
  while (true) {
    if (peer_ == nullptr && kind_ == Kind::kDatagram) return -ECONNREFUSED;
    if (broken()) return done > 0 ? static_cast<Result>(done) : -EPIPE;
    if (size == 0 && kind_ != Kind::kDatagram) return 0;
    const size_t rest = size - done;
    const bool whole = kind_ == Kind::kDatagram || (kind_ == Kind::kPipe && rest <= kAtomic);
    const bool crowded = kind_ == Kind::kDatagram && peer_->inbox_.size() >= kMostDatagrams;
    const size_t room = crowded ? 0 : space();
    if (!crowded && (rest == 0 || (room > 0 && (!whole || room >= rest)))) {
      const Result put_now = put(static_cast<const char*>(from) + done, std::min(room, rest));
      if (put_now < 0) return done > 0 ? static_cast<Result>(done) : put_now;
      done += static_cast<size_t>(put_now);
      if (done == size) return static_cast<Result>(done);
      continue;
    }
    if (nonblocking) return done > 0 ? static_cast<Result>(done) : -EAGAIN;
    if (kernel().sleep(lock, changed_, kNever) == Wake::kInterrupted) {
      return done > 0 ? static_cast<Result>(done) : -EINTR;
    }
  }
}

Result Endpoint::shut_down(int how) {
  if (!is_socket()) return -ENOTSOCK;
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR) return -EINVAL;
  if (peer_ == nullptr) return -ENOTCONN;
  if (how != SHUT_WR) {
    no_receive_ = true;
    inbox_.clear();
    bytes_ = taken_ = 0;
    changed_.notify_all();
    kernel().activity(*this, kRead);
    kernel().activity(*peer_, kWrite);
  }
  if (how != SHUT_RD) {
    no_send_ = true;
    peer_->no_receive_ = true;
    changed_.notify_all();
    peer_->changed_.notify_all();
    kernel().activity(*this, kWrite);
    kernel().activity(*peer_, kRead);
  }
  return 0;
}

int Endpoint::accepts(int filter) const {
  if (filter == kRead) return 0;
  if (filter == kWrite) return kind_ == Kind::kPipe && peer_ == nullptr ? EPIPE : 0;
  return filter == kEmpty && is_socket() ? 0 : EINVAL;
}

bool Endpoint::evaluate(Knote& knote) {
  const bool has_mark = is_socket() && (knote.interest & kLowat) != 0;
  if (knote.event.filter == kRead) {
    knote.event.data = static_cast<int64_t>(waiting());
    if (ended()) {
      knote.event.flags |= kEof;
      return true;
    }
    if (has_mark) return knote.event.data >= knote.wanted;
    return !inbox_.empty();
  }
  if (knote.event.filter == kEmpty) {
    knote.event.data = peer_ != nullptr ? static_cast<int64_t>(peer_->waiting()) : 0;
    return knote.event.data == 0;
  }
  if (broken()) {
    knote.event.data = kind_ == Kind::kPipe ? static_cast<int64_t>(kAtomic) : 0;
    knote.event.flags |= kEof;
    return true;
  }
  const auto room = static_cast<int64_t>(space());
  knote.event.data = room;
  if (has_mark) return room >= knote.wanted;
  return room >= static_cast<int64_t>(kind_ == Kind::kPipe ? kAtomic : kLowWater);
}

}  // namespace vkernel
