#include "server.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "subject/socket_flags.h"
#include "worker.h"

namespace kqtorture::web {
namespace {

// Deadlines are looked at this often: a quarter of the shortest, not more than a hundred times a
// second on behalf of a patient server nor for less than a millisecond.
int64_t tick_of(const ServerOptions& options) {
  int64_t shortest = 40'000'000;
  for (const int64_t patience : {options.patience, options.impatience}) {
    if (patience != 0) shortest = std::min(shortest, patience);
  }
  return std::max<int64_t>(shortest / 4, 1'000'000);
}

std::string failed(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

}  // namespace

void Counts::add(const Counts& other) {
  accepted += other.accepted, closed += other.closed, requests += other.requests;
  refusals += other.refusals, waits += other.waits, deliveries += other.deliveries;
  last_events += other.last_events, blocked_writes += other.blocked_writes, early += other.early;
  for (size_t i = 0; i < kReasons; ++i) reasons[i] += other.reasons[i];
}

Server::Server(const Subject& subject, const ServerOptions& options, Ledger* ledger)
    : subject_(subject), options_(options), ledger_(*ledger), table_(options.most_connections) {}

Server::~Server() = default;

std::string Server::listen(Listener* listener, int port, int64_t patience) {
  const SubjectCalls& calls = subject_.calls();
  listener->fd = calls.socket(AF_INET, SOCK_STREAM | kSocketNonblock | kSocketCloexec, 0);
  if (listener->fd < 0 || !finish_socket(calls, listener->fd, true)) return failed("socket");
  const int yes = 1;
  calls.setsockopt(listener->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  calls.setsockopt(listener->fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);  // inherited
  if (options_.send_buffer != 0) {
    calls.setsockopt(listener->fd, SOL_SOCKET, SO_SNDBUF, &options_.send_buffer, sizeof(int));
  }
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(static_cast<uint16_t>(port));
  socklen_t length = sizeof address;
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  if (calls.bind(listener->fd, generic, length) != 0) return failed("bind");
  if (calls.listen(listener->fd, 1024) != 0) return failed("listen");
  if (calls.getsockname(listener->fd, generic, &length) != 0) return failed("getsockname");
  listener->port = ntohs(address.sin_port);
  listener->patience = patience;
  const Watched what = watched(static_cast<size_t>(listener - listeners_.data()));
  if (const int error = poller_->attach(what, Direction::kRead)) {
    return std::string("cannot watch a listening socket: ") + std::strerror(error);
  }
  open_listeners_.fetch_add(1);
  if (const int error = poller_->arm_now(what)) {
    return std::string("cannot enable a listening socket: ") + std::strerror(error);
  }
  return "";
}

std::string Server::start() {
  std::string error;
  poller_ = options_.raw_epoll ? make_epoll_poller(subject_, &error)
                               : make_kqueue_poller(subject_, &ledger_, &error);
  if (!poller_) return error;
  deadlines_ = std::make_unique<Deadlines>(
      tick_of(options_), [this](Connection& c) { end_from_outside(c); },
      [this] { resume_listeners(); });
  if (error = listen(&listeners_[0], options_.port, options_.patience); !error.empty()) {
    return error;
  }
  if (options_.impatience != 0) {
    if (error = listen(&listeners_[1], 0, options_.impatience); !error.empty()) return error;
  }
  for (int i = 0; i < options_.workers; ++i) workers_.push_back(std::make_unique<Worker>(this));
  for (const auto& worker : workers_) {
    working_.fetch_add(1);
    threads_.emplace_back([this, &worker] {
      worker->run();
      working_.fetch_sub(1);
    });
  }
  return "";
}

// The exchange was won: until the last event has been asked for, nobody can close the connection.
void Server::end_from_outside(Connection& c) {
  const Watched what{c.fd, c.name, &c.forced};
  if (options_.closes_directly) {
    // What the 2006 post warns of: a handler may be at work, and the number may be somebody
    // else's before that handler is done.
    deadlines_->remove(c);
    subject_.close(c.fd);
    table_.give_back(c);
    return;
  }
  // Whoever waits for WRITE arms READ; ENOENT: nobody has, so far.
  const int writing = poller_->force(what, Direction::kWrite);
  const int reading = poller_->force(what, Direction::kRead);
  if ((writing != 0 && writing != ENOENT) || reading != 0) {
    ledger_.accuse({"wrong-errno",
                    "I6",
                    "EV_FORCEONESHOT was refused though nobody can have ended the connection",
                    {"READ: " + std::string(std::strerror(reading)),
                     "WRITE: " + std::string(std::strerror(writing))}});
  }
}

// Whoever clears `paused` has the right to arm the listener.
void Server::resume_listeners() {
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (!listeners_[i].paused.load(std::memory_order_relaxed)) continue;
    if (!listeners_[i].paused.exchange(false)) continue;
    if (const int error = poller_->arm_now(watched(i))) {
      ledger_.accuse({"wrong-errno",
                      "I18",
                      "EV_ENABLE of a listening socket was refused",
                      {std::strerror(error)}});
    }
  }
}

void Server::begin_shutdown(int64_t grace) {
  shutting_down_.store(true);
  for (size_t i = 0; i < listeners_.size(); ++i) {
    if (listeners_[i].fd < 0) continue;
    if (const int error = poller_->force(watched(i), Direction::kRead)) {
      ledger_.accuse({"wrong-errno",
                      "I6",
                      "EV_FORCEONESHOT of a listening socket was refused",
                      {std::strerror(error)}});
    }
  }
  resume_listeners();
  deadlines_->shut_down(grace);
}

bool Server::is_empty() const { return open_listeners_.load() == 0 && table_.open() == 0; }

uint64_t Server::progress() const {
  uint64_t sum = 0;
  for (const auto& worker : workers_) sum += worker->progress();
  return sum;
}

void Server::dismiss() { poller_->wake_all(kWake); }

void Server::stop() {
  dismiss();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
  deadlines_->stop();
  for (const auto& worker : workers_) counts_.add(worker->counts());
  if (counts_.accepted != counts_.closed) {
    ledger_.accuse({"lost",
                    "I6",
                    "not every connection was torn down exactly once",
                    {std::to_string(counts_.accepted) + " accepted, " +
                     std::to_string(counts_.closed) + " torn down"}});
  }
  poller_.reset();
}

}  // namespace kqtorture::web
