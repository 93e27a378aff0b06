// A worker of the server: takes events and handles the connection that each of them gives it.
#pragma once

#include <string_view>
#include <vector>

#include "server.h"

namespace kqtorture::web {

class Worker {
 public:
  explicit Worker(Server* server);
  void run();
  const Counts& counts() const { return counts_; }
  uint64_t progress() const { return progress_.load(std::memory_order_relaxed); }

 private:
  // False: the worker is to leave.
  bool handle(const Ready& ready);
  void handle_listener(size_t index, bool last);
  bool accept_one(Listener& listener);
  Connection* claim(const Ready& ready);
  void handle_last_event(Connection& c, const Ready& ready);

  void receive(Connection& c);
  void take(Connection& c, std::string_view data);
  void parse(Connection& c, std::string_view data);
  void refuse(Connection& c, int status);
  // Sends what can be sent. False: the connection is broken, and ended.
  bool send(Connection& c);
  void send_and_go_on(Connection& c);

  // The ways of giving a connection up: from here on it is somebody else's.
  void arm(Connection& c, Direction direction);
  void wait_until_writable(Connection& c);
  void end(Connection& c, Reason reason);
  void close(Connection& c);

  void new_deadline(Connection& c);
  Watched watched(Connection& c) { return {c.fd, c.name, &c.forced}; }

  Server& server_;
  const SubjectCalls& calls_;
  Poller& poller_;
  Ledger& ledger_;
  const bool opaque_;
  std::unique_ptr<Waiter> waiter_;
  Counts counts_;
  std::atomic<uint64_t> progress_{0};
  int64_t now_ = 0;
  std::vector<char> buffer_;
};

}  // namespace kqtorture::web
