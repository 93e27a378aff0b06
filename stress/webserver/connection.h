// A connection, its place in the table of all, and the name under which the kqueue knows it.
//
// No lock protects a connection. Everything in its first part is plain data, written by whoever got
// its event: EV_DISPATCH promises that this is one thread at a time, and ThreadSanitizer sees when
// it is not. The second part is what others may touch, each field for one purpose.
//
// Places are used again, memory is never given back while the server runs; so the name that goes
// into udata carries a generation, and an event of a connection that is gone is recognised instead
// of being believed.
#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "request_parser.h"

namespace kqtorture::web {

// Why a connection ended: whoever made the exchange on `ending` says so.
enum class Reason : uint8_t { kNone, kClient, kError, kTimeout, kShutdown };
inline constexpr size_t kReasons = 5;

// A place in the table (low half) and the generation of what is in it (high half).
using Name = uint64_t;

struct Connection {
  // Whose it is: the accepting thread's until it is armed, then that of whoever got the event.
  int fd = -1;
  Name name = 0;
  int64_t patience = 0;  // of its listener, in nanoseconds; 0: for ever
  RequestParser parser;
  std::string input;   // received, waiting until answers have been fetched
  std::string output;  // answers, sent up to `sent`
  size_t sent = 0;
  bool client_done = false;  // it will send no more
  bool last_answer = false;  // nothing is parsed after what is in output
  bool lingering = false;    // everything was sent; waiting for the client to close
  bool has_write_knote = false;

  // Anybody's.
  std::atomic<bool> ending{false};  // one exchange to true per connection: the end of it
  std::atomic<Reason> reason{Reason::kNone};
  std::atomic<bool> forced{false};      // raw epoll's substitute for the mark on the last event
  std::atomic<bool> idle{true};         // relaxed: no request is being answered
  std::atomic<int64_t> deadline{0};     // relaxed; 0: none
  std::atomic<uint32_t> generation{0};  // relaxed: odd while the place is in use
  std::atomic<uint32_t> handlers{0};    // relaxed, so that it orders nothing: for the ledger
};

// All connections that the server can have.
class Table {
 public:
  explicit Table(size_t capacity) : places_(capacity) {
    for (size_t i = 0; i < capacity; ++i) free_.push_back(static_cast<uint32_t>(i));
  }

  // A free place with a new name, cleared; null when there is none.
  Connection* take(int fd, int64_t patience) {
    uint32_t place;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (free_.empty()) return nullptr;
      place = free_.front();
      free_.pop_front();
    }
    if (!places_[place]) places_[place] = std::make_unique<Connection>();
    Connection& c = *places_[place];
    const uint32_t generation = c.generation.load(std::memory_order_relaxed) + 1;
    c.fd = fd;
    c.name = (Name{generation} << 32) | place;
    c.patience = patience;
    clear(c);
    c.generation.store(generation, std::memory_order_relaxed);
    return &c;
  }

  // The connection is gone; its name means nothing from now on.
  void give_back(Connection& c) {
    const auto place = static_cast<uint32_t>(c.name);
    c.generation.fetch_add(1, std::memory_order_relaxed);
    const std::lock_guard<std::mutex> lock(mutex_);
    free_.push_back(place);
  }

  // Null when the name is nobody's (any more).
  Connection* find(Name name) const {
    const auto place = static_cast<uint32_t>(name);
    if (place >= places_.size() || !places_[place]) return nullptr;
    Connection& c = *places_[place];
    const auto generation = static_cast<uint32_t>(name >> 32);
    return c.generation.load(std::memory_order_relaxed) == generation ? &c : nullptr;
  }

  bool is_full() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return free_.empty();
  }
  size_t open() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return places_.size() - free_.size();
  }

 private:
  static void clear(Connection& c) {
    c.parser.reset();
    c.input.clear();
    c.output.clear();
    c.sent = 0;
    c.client_done = c.last_answer = c.lingering = c.has_write_knote = false;
    c.ending.store(false, std::memory_order_relaxed);
    c.reason.store(Reason::kNone, std::memory_order_relaxed);
    c.forced.store(false, std::memory_order_relaxed);
    c.idle.store(true, std::memory_order_relaxed);
    c.deadline.store(0, std::memory_order_relaxed);
  }

  std::vector<std::unique_ptr<Connection>> places_;
  mutable std::mutex mutex_;
  std::deque<uint32_t> free_;  // the one unused for longest first, so that late events find it gone
};

}  // namespace kqtorture::web
