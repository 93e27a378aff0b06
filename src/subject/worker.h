// How a program survives the kqueue it tests.
//
// A stranger's native code may crash, hang or exit, in its constructor already. So every program of
// the suite is two processes: the supervisor, which loads nothing, and a worker, the same program
// re-executed (never a bare fork of a threaded process), which loads the subject and does the work.
// The two share a page of memory: the worker's progress, and whether it ended by its own decision.
#pragma once

#include <chrono>
#include <optional>
#include <string>

namespace kqtorture {

// The exit codes of every program of the suite.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFinding = 1;
inline constexpr int kExitUsage = 2;  // usage or environment: one clear line on stderr
inline constexpr int kExitSkipped = 77;

struct SupervisorOptions {
  std::string program;  // for messages: "kq_stress"
  // A worker is hung when it made no progress and used no CPU between two looks this far apart.
  std::chrono::seconds look_interval{10};
};

// Call first in main(). In the supervisor: runs the worker to its end and returns the exit code for
// main() to return; a crash, a hang, or an exit that the worker did not announce is written as a
// finding (report/finding.h) and makes it 1. In the worker: returns nothing, and main() goes on.
// KQ_WORKER=0 in the environment runs everything in one process, for debuggers.
std::optional<int> supervise(int argc, char** argv, const SupervisorOptions& options);

// In the worker: call before leaving, with the code main() is about to return. An exit without it
// is the subject's doing, and a finding.
void announce_exit(int code);

// In the worker: something was done. Lock-free, async-signal-safe, a plain increment.
void note_progress();

// In the worker: what is being run, for the message of a crash or hang ("dispatch_ownership seed 7").
// Truncated to 200 bytes.
void note_activity(const char* what);

}  // namespace kqtorture
