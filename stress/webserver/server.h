// The web server of the 2006 proposal: threads that share one kqueue and no locks.
//
// Nobody closes a connection except in response to its last event. Whoever has a reason to end one
// (its handler, the timeout thread, the shutdown) makes an atomic exchange on `ending`; only the
// winner asks for that event. While somebody waits for WRITE, the READ knote is disabled and with
// it the last event would be late: so the winner first forces the WRITE knote, whose handler then
// arms READ. Exactly one of the two is armed at any time, so one handler has the connection.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "connection.h"
#include "deadlines.h"
#include "ledger.h"
#include "poller.h"
#include "subject/subject.h"

namespace kqtorture::web {

struct ServerOptions {
  bool raw_epoll = false;
  int workers = 4;
  size_t most_connections = 4096;
  int port = 0;                  // of the patient listener on loopback; 0: any
  int64_t patience = 0;          // nanoseconds for a request or for fetching an answer; 0: for ever
  int64_t impatience = 0;        // the same of a second listener; 0: there is none
  int send_buffer = 0;           // SO_SNDBUF of connections; 0: the system's
  bool closes_directly = false;  // the wrong server, which the ledger must find
};

// What happened, one set per worker, added up when they have ended.
struct Counts {
  uint64_t accepted = 0, closed = 0, requests = 0, refusals = 0;
  uint64_t waits = 0, deliveries = 0;
  uint64_t last_events = 0, blocked_writes = 0, early = 0;
  std::array<uint64_t, kReasons> reasons{};
  void add(const Counts& other);
};

// A listening socket, which ends by a last event as well.
struct Listener {
  int fd = -1;
  int port = 0;
  int64_t patience = 0;
  std::atomic<bool> forced{false};
  std::atomic<bool> paused{false};  // nobody will arm it until there is room again
};

class Server {
 public:
  // Names of what is no connection; places are far below.
  static constexpr Name kWake = ~Name{0};
  static constexpr Name kFirstListener = kWake - 16;

  Server(const Subject& subject, const ServerOptions& options, Ledger* ledger);
  ~Server();

  // Empty, or why not.
  std::string start();
  int port() const { return listeners_[0].port; }
  int impatient_port() const { return listeners_[1].port; }
  // Ends the listeners and what is idle; what is being answered may go on for `grace` nanoseconds.
  void begin_shutdown(int64_t grace);
  // True when everything is closed.
  bool is_empty() const;
  // Tells the workers to end; only after is_empty(). Have they?
  void dismiss();
  bool is_dismissed() const { return working_.load() == 0; }
  // Dismisses them, waits for them, and checks that every account is settled.
  void stop();

  // After stop().
  const Counts& counts() const { return counts_; }
  // At any time: grows as long as something happens.
  uint64_t progress() const;
  size_t open_connections() const { return table_.open(); }
  bool kqueue_has_event() { return poller_->has_event(); }

 private:
  friend class Worker;
  std::string listen(Listener* listener, int port, int64_t patience);
  void end_from_outside(Connection& c);
  void resume_listeners();
  Watched watched(size_t listener) {
    return {listeners_[listener].fd, kFirstListener + listener, &listeners_[listener].forced};
  }

  const Subject& subject_;
  const ServerOptions options_;
  Ledger& ledger_;
  std::unique_ptr<Poller> poller_;
  Table table_;
  std::array<Listener, 2> listeners_;
  std::atomic<int> open_listeners_{0};
  std::atomic<bool> shutting_down_{false};
  std::atomic<int> working_{0};  // workers that have not ended
  std::unique_ptr<Deadlines> deadlines_;
  std::vector<std::unique_ptr<class Worker>> workers_;
  std::vector<std::thread> threads_;
  Counts counts_;
};

}  // namespace kqtorture::web
