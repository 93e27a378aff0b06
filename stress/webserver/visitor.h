// A client thread: one visit after the other, each in another role.
//
// A visit to the patient port is strict: the server has no reason to end the connection, so every
// request must be answered. One to the impatient port races the server's timeouts: there the server
// may end the connection, but what it answers must be in order all the same.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string>

#include "ledger.h"
#include "scenario/random.h"
#include "session.h"
#include "subject/subject.h"

namespace kqtorture::web {

struct VisitOptions {
  int port = 0;            // patient
  int impatient_port = 0;  // 0: there is none, and no visit of that kind
  int64_t impatience = 0;  // nanoseconds after which that one ends connections
};

// What all visitors see. Relaxed but the first: it is set before the server is told.
struct Doorway {
  std::atomic<bool> shutting_down{false};
  std::atomic<uint64_t> visits{0}, answers{0};
};

class Visitor {
 public:
  Visitor(const Subject& subject, const VisitOptions& options, Ledger* ledger, Doorway* doorway,
          int number, uint64_t seed);

  // False: the door is closed.
  bool visit();

  struct Role {
    const char* name;
    int weight;
    bool impatient;
    void (Visitor::*play)(Session&);
  };
  static constexpr size_t kRoles = 14;
  static const std::array<Role, kRoles>& roles();
  const std::array<uint64_t, kRoles>& played() const { return played_; }

 private:
  // The strict ones.
  void polite(Session& session);
  void pipelined(Session& session);
  void half_closed(Session& session);
  void slow_but_complete(Session& session);
  void resets(Session& session);
  void abrupt(Session& session);
  void malformed(Session& session);
  void oversized(Session& session);
  // Those that the server has to get rid of.
  void silent(Session& session);
  void lazy(Session& session);
  void dribbling(Session& session);
  void never_reading(Session& session);
  void racing(Session& session);
  void leaving(Session& session);

  const Role& choose();
  // A request that is answered with 200, 404 or 405; what is expected goes into the account.
  std::string request(Session& session, bool last);
  std::string download(Session& session, size_t size);
  std::string upload(Session& session, const std::string& head, uint64_t id);
  void settle(Session& session);
  void refused(Session& session, const std::string& bytes, int status);
  void sleep(int64_t ns);
  // About as long as the server is patient, so that its timeout meets what comes next.
  void sleep_about_as_long();

  const Subject& subject_;
  const VisitOptions options_;
  Ledger& ledger_;
  Doorway& doorway_;
  const int number_;
  Random random_;
  uint64_t serial_ = 0;
  std::array<uint64_t, kRoles> played_{};
};

}  // namespace kqtorture::web
