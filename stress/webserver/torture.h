// The server and its visitors in one process, with both halves of the ledger: round after round,
// each with a new kqueue, each ended by a shutdown while visitors are still coming.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "server.h"
#include "subject/subject.h"

namespace kqtorture::web {

struct TortureOptions {
  std::string subject;
  uint64_t connections = 20'000;  // all rounds together; 0: the budget decides
  double budget = 0;              // seconds; 0: the connections decide
  uint64_t round = 10'000;        // visits of a round: hundreds of timeouts, and many shutdowns
  uint64_t seed = 0;
  int visitors = 32;
  // Between two looks for a standstill (standstill.h). Two seconds tell a machine that is busy with
  // something else from one on which nothing happens any more.
  std::chrono::microseconds look{2'000'000};
  ServerOptions server;
};

// Prints what was done. Returns an exit code; a finding has been saved. When it is not
// kExitClean threads may still run: leave by _exit().
int torture(const TortureOptions& options);

}  // namespace kqtorture::web
