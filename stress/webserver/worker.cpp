// The handler: reads, parses, answers, and gives the connection back. Each path through it ends in
// exactly one of arm(), wait_until_writable(), end() and close().
#include "worker.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "../sanitizer.h"
#include "answer.h"
#include "limits.h"

namespace kqtorture::web {
namespace {

constexpr int kEventsPerWait = 64;
constexpr int kAcceptsPerEvent = 64;
constexpr size_t kReadAtOnce = 16 * 1024;
// A close that leaves one look in eight for the ledger: does the kqueue still know the name?
constexpr uint64_t kLooksAt = 8;

std::string text_of(const Ready& ready) {
  return "place " + std::to_string(static_cast<uint32_t>(ready.name)) + " generation " +
         std::to_string(ready.name >> 32) +
         (ready.direction == Direction::kWrite ? " WRITE" : " READ") + (ready.last ? " last" : "");
}

}  // namespace

Worker::Worker(Server* server)
    : server_(*server),
      calls_(server->subject_.calls()),
      poller_(*server->poller_),
      ledger_(server->ledger_),
      opaque_(poller_.is_opaque()),
      waiter_(poller_.waiter()),
      buffer_(kReadAtOnce) {}

void Worker::run() {
  Ready ready[kEventsPerWait];
  while (!ledger_.guilty()) {
    const int count = waiter_->wait(ready, kEventsPerWait);
    if (count < 0) {
      ledger_.accuse({"wrong-errno", "1.1", "a wait for events failed", {std::strerror(errno)}});
      return;
    }
    now_ = now_ns();
    ++counts_.waits;
    counts_.deliveries += static_cast<uint64_t>(count);
    progress_.fetch_add(1, std::memory_order_relaxed);
    bool goes_on = true;
    for (int i = 0; i < count && !ledger_.guilty(); ++i) goes_on &= handle(ready[i]);
    if (!goes_on) return;
  }
}

bool Worker::handle(const Ready& ready) {
  if (ready.name == Server::kWake) return false;
  if (ready.name >= Server::kFirstListener) {
    handle_listener(ready.name - Server::kFirstListener, ready.last);
    return true;
  }
  Connection* c = claim(ready);
  if (!c) return true;
  Ready event = ready;
  event.last |= c->forced.load(std::memory_order_acquire);
  if (event.last) {
    handle_last_event(*c, event);
  } else if (c->ending.load()) {
    // Somebody has won and has not asked for the last event yet, or only for that of WRITE.
    ++counts_.early;
    arm(*c, Direction::kRead);
  } else if (c->sent < c->output.size()) {
    send_and_go_on(*c);
  } else {
    receive(*c);
  }
  return true;
}

// The connection that the event gives this thread; null when there is none of that name.
Connection* Worker::claim(const Ready& ready) {
  Connection* c = server_.table_.find(ready.name);
  if (!c) {
    ledger_.accuse({"stale-generation",
                    "I2",
                    "an event of a connection that had been torn down",
                    {text_of(ready)}});
    return nullptr;
  }
  delivered(c, opaque_);
  if (c->handlers.fetch_add(1, std::memory_order_relaxed) != 0) {
    ledger_.accuse({"duplicate", "I5", "two handlers have one connection", {text_of(ready)}});
    return nullptr;
  }
  if (c->name != ready.name) {
    ledger_.accuse(
        {"wrong-udata", "I12", "an event with the udata of another connection", {text_of(ready)}});
    return nullptr;
  }
  // Before the first byte of an answer goes out, or a shutdown would cut it short.
  c->idle.store(false, std::memory_order_relaxed);
  return c;
}

void Worker::handle_last_event(Connection& c, const Ready& ready) {
  ++counts_.last_events;
  if (!c.ending.load()) {
    ledger_.accuse({"phantom", "I6", "a last event that nobody asked for", {text_of(ready)}});
    return;
  }
  if (ready.direction == Direction::kWrite && !c.forced.load(std::memory_order_relaxed)) {
    arm(c, Direction::kRead);  // whose last event ends the connection
    return;
  }
  if (c.reason.load(std::memory_order_relaxed) == Reason::kTimeout && c.parser.in_request() &&
      c.sent == c.output.size()) {
    append_refusal(408, &c.output);
    ++counts_.refusals;
  }
  while (c.sent < c.output.size()) {
    const ssize_t size = calls_.write(c.fd, c.output.data() + c.sent, c.output.size() - c.sent);
    if (size <= 0) break;  // it had its time
    c.sent += static_cast<size_t>(size);
  }
  if (counts_.last_events % kLooksAt == 0 && !poller_.is_gone(c.fd)) {
    ledger_.accuse({"after-delete", "I6", "a knote outlives its last event", {text_of(ready)}});
  }
  close(c);
}

void Worker::handle_listener(size_t index, bool last) {
  Listener& listener = server_.listeners_[index];
  const Watched what = server_.watched(index);
  if (last || listener.forced.load(std::memory_order_acquire)) {
    if (!server_.shutting_down_.load()) {
      ledger_.accuse({"phantom", "I6", "a last event that nobody asked for", {"a listener's"}});
    }
    calls_.close(listener.fd);
    server_.open_listeners_.fetch_sub(1);
    return;
  }
  for (int i = 0; i < kAcceptsPerEvent; ++i) {
    if (server_.table_.is_full()) {
      listener.paused.store(true);
      if (!server_.table_.is_full()) server_.resume_listeners();
      return;
    }
    if (accept_one(listener)) continue;
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      listener.paused.store(true);  // the timeout thread tries again
      return;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) break;  // others: that one connection is gone
  }
  waiter_->arm(what, Direction::kRead, false);
}

// False: errno says why.
bool Worker::accept_one(Listener& listener) {
  const int fd = calls_.accept(listener.fd, nullptr, nullptr);
  if (fd < 0) return false;
  Connection* c = nullptr;
  const int flags = calls_.fcntl(fd, F_GETFL);
  if (flags < 0 || calls_.fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0 ||
      !(c = server_.table_.take(fd, listener.patience))) {
    calls_.close(fd);
    errno = EMFILE;
    return false;
  }
  // The knote first, silent, then the list: who finds the connection there can force its knote.
  if (const int error = poller_.attach(watched(*c), Direction::kRead)) {
    calls_.close(fd);
    server_.table_.give_back(*c);
    errno = error;
    return false;
  }
  ++counts_.accepted;
  new_deadline(*c);
  server_.deadlines_->insert(*c);
  const Watched what = watched(*c);
  armed(c, opaque_);
  waiter_->arm(what, Direction::kRead, true);
  return true;
}

void Worker::receive(Connection& c) {
  const ssize_t size = calls_.read(c.fd, buffer_.data(), buffer_.size());
  if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR)) {
    arm(c, Direction::kRead);
    return;
  }
  if (size < 0) {
    end(c, Reason::kError);
    return;
  }
  c.client_done |= size == 0;
  take(c, {buffer_.data(), static_cast<size_t>(size)});
  send_and_go_on(c);
}

// What has come: parsed, or kept while too many answers wait to be fetched.
void Worker::take(Connection& c, std::string_view data) {
  if (c.last_answer || c.lingering) return;  // nobody asked for it
  if (c.input.empty()) {
    parse(c, data);
  } else {
    c.input.append(data);
    std::string waiting;
    waiting.swap(c.input);
    parse(c, waiting);
  }
}

void Worker::parse(Connection& c, std::string_view data) {
  while (!data.empty() && !c.last_answer) {
    if (c.output.size() - c.sent > kMostUnsent) {
      c.input.assign(data);
      return;
    }
    size_t taken = 0;
    const RequestParser::Result result = c.parser.execute(data, &taken);
    data.remove_prefix(taken);
    switch (result) {
      case RequestParser::Result::kMore:
        break;
      case RequestParser::Result::kContinue:
        append_continue(&c.output);
        break;
      case RequestParser::Result::kRequest: {
        const bool close = !c.parser.request().keep_alive || server_.shutting_down_.load();
        append_answer(c.parser.request(), close, &c.output);
        c.last_answer = close;
        ++counts_.requests;
        new_deadline(c);
        break;
      }
      case RequestParser::Result::kRefused:
        append_refusal(c.parser.status(), &c.output);
        c.last_answer = true;
        ++counts_.refusals;
        new_deadline(c);
        break;
    }
  }
}

bool Worker::send(Connection& c) {
  while (c.sent < c.output.size()) {
    const ssize_t size = calls_.write(c.fd, c.output.data() + c.sent, c.output.size() - c.sent);
    if (size < 0 && errno == EINTR) continue;
    if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return true;
    if (size < 0) {
      end(c, Reason::kError);
      return false;
    }
    c.sent += static_cast<size_t>(size);
  }
  c.output.clear();
  c.sent = 0;
  return true;
}

void Worker::send_and_go_on(Connection& c) {
  for (;;) {
    if (!send(c)) return;
    if (c.sent < c.output.size()) {
      wait_until_writable(c);
      return;
    }
    if (c.input.empty() || c.last_answer) break;
    std::string waiting;
    waiting.swap(c.input);
    parse(c, waiting);
  }
  if (c.client_done) {
    end(c, Reason::kClient);
    return;
  }
  if (c.last_answer && !c.lingering) {
    // Closed while bytes of the client are unread, the connection would be reset and the answer
    // with it: say that this was all, and wait for the client to close (RFC 9112, 9.6).
    c.lingering = true;
    new_deadline(c);
    calls_.shutdown(c.fd, SHUT_WR);
  }
  arm(c, Direction::kRead);
}

void Worker::arm(Connection& c, Direction direction) {
  c.idle.store(!c.parser.in_request() && direction == Direction::kRead, std::memory_order_relaxed);
  c.handlers.store(0, std::memory_order_relaxed);
  // Looked up first: once it is armed, the next handler may have given the place to another.
  const Watched what = watched(c);
  armed(&c, opaque_);
  waiter_->arm(what, direction, false);
}

// The WRITE knote has to be there before `ending` is looked at: either whoever ends the connection
// finds the knote, or its `ending` is found here.
void Worker::wait_until_writable(Connection& c) {
  ++counts_.blocked_writes;
  if (!c.has_write_knote) {
    if (const int error = poller_.attach(watched(c), Direction::kWrite)) {
      ledger_.accuse({"wrong-errno",
                      "I18",
                      "EVFILT_WRITE of an open socket was refused",
                      {std::strerror(error)}});
      return;
    }
    c.has_write_knote = true;
    if (c.ending.load()) {
      arm(c, Direction::kRead);
      return;
    }
  }
  arm(c, Direction::kWrite);
}

void Worker::end(Connection& c, Reason reason) {
  if (c.ending.exchange(true)) {
    arm(c, Direction::kRead);  // somebody else's last event is on its way
    return;
  }
  c.reason.store(reason, std::memory_order_relaxed);
  if (server_.options_.closes_directly) {
    close(c);
    return;
  }
  c.handlers.store(0, std::memory_order_relaxed);
  const Watched what = watched(c);
  armed(&c, opaque_);
  if (waiter_->force_own(what)) return;
  c.handlers.store(1, std::memory_order_relaxed);
  ++counts_.last_events;
  close(c);
}

void Worker::close(Connection& c) {
  ++counts_.closed;
  ++counts_.reasons[static_cast<size_t>(c.reason.load(std::memory_order_relaxed))];
  server_.deadlines_->remove(c);
  c.handlers.store(0, std::memory_order_relaxed);
  calls_.close(c.fd);
  server_.table_.give_back(c);
  server_.resume_listeners();
}

void Worker::new_deadline(Connection& c) {
  c.deadline.store(c.patience == 0 ? 0 : now_ + c.patience, std::memory_order_relaxed);
}

}  // namespace kqtorture::web
