// A client's connection with its account: what was asked, and what came back for it.
//
// Sockets block: a client needs no kqueue to watch another. What the account says of the server: an
// answer belongs to the first request that has none, byte for byte; no request is answered twice,
// nothing comes that nobody asked for; and unless the server had a reason to end the connection,
// every request is answered.
#pragma once

#include <cstdint>
#include <deque>
#include <stdexcept>
#include <string>
#include <string_view>

#include "answer_reader.h"
#include "ledger.h"
#include "subject/subject.h"

namespace kqtorture::web {

// No connection could be made, and not because the server shuts down: exit code 2.
struct NoConnection : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct Expected {
  int status = 200;
  uint64_t id = 0;   // 0: none
  std::string body;  // what the answer must be, unless any_body
  bool any_body = false;
  bool head = false;
};

class Session {
 public:
  enum class End {
    kAnswered,  // nothing is owed, the connection is open
    kClosed,    // the server closed it
    kReset,     // it was reset
  };

  Session(const Subject& subject, Ledger* ledger, std::string who);
  ~Session();
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // receive_buffer: SO_RCVBUF, 0 for the system's. source: number of the loopback address to come
  // from, so that ports do not run out; 0: any. False: refused or reset.
  bool connect(int port, int receive_buffer, int source);
  // False: the connection is broken (there may still be something to fetch).
  bool send(std::string_view bytes);
  void expect(Expected expected) { owed_.push_back(std::move(expected)); }
  // The server may say this, once, in place of an answer that it owes, or of none.
  void accept_status(int status) { accepted_status_ = status; }

  // Reads until nothing is owed, or the end.
  End fetch();
  // Reads until the server ends the connection. at_once: how much to take at a time.
  End fetch_until_closed(size_t at_once = 16384);
  // One read.
  End fetch_some(size_t at_once);
  bool owes() const { return !owed_.empty(); }
  bool was_last() const { return was_last_; }

  // Every request had to be answered: accuses when one was not.
  void must_be_settled();
  void shut_down_writing();
  void reset();
  void close();

  uint64_t answered() const { return answered_; }

 private:
  void settle(const Received& answer);
  void accuse(std::string verdict, std::string message, std::string fact);

  const Subject& subject_;
  Ledger& ledger_;
  const std::string who_;
  int fd_ = -1;
  AnswerReader reader_;
  std::deque<Expected> owed_;
  int accepted_status_ = 0;
  bool was_last_ = false;
  uint64_t answered_ = 0;
  std::string buffer_;
};

}  // namespace kqtorture::web
