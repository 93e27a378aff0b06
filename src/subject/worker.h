// How a program survives the kqueue it tests.
//
// A stranger's native code may crash, hang or exit, in its constructor already. So every program of
// the suite is two processes: the supervisor, which loads nothing, and a worker, the same program
// re-executed (never a bare fork of a threaded process), which loads the subject and does the work.
// The two share a page of memory: the worker's progress, and whether it ended by its own decision.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

namespace kqtorture {

struct Finding;

// The exit codes of every program of the suite.
inline constexpr int kExitClean = 0;
inline constexpr int kExitFinding = 1;
inline constexpr int kExitUsage = 2;  // usage or environment: one clear line on stderr
inline constexpr int kExitSkipped = 77;

struct SupervisorOptions {
  std::string program;  // for messages: "kq_stress"
  // The path of a library that the worker, and nothing it starts, is loaded with before all others
  // (LD_PRELOAD, where the system has that). Empty: none.
  std::string preload;
  // A worker is hung when it made no progress and used no CPU between two looks this far apart.
  std::chrono::seconds look_interval{10};
  // And one that uses the CPU is, too, when it and what it started have used more than this without
  // any progress: a loop without end. CPU time, so a loaded machine judges as an idle one does, to
  // the precision of the looks. 0: it may compute for as long as it likes.
  std::chrono::seconds most_cpu{0};
  // For programs that leave by themselves without announcing it (libFuzzer: 0 done, 77 crash, 70
  // timeout, 71 out of memory, 72 interrupted): what such an exit status means. Null, or no answer,
  // means that the subject called exit().
  struct Meaning {
    int code;             // the code to return from supervise()
    std::string verdict;  // when code is 1: the finding's verdict, "crash" or "hang"
    std::string message;  // and what happened: "the input took too long"
  };
  std::function<std::optional<Meaning>(int status)> map_exit_code;
  // In the supervisor, before the finding about an abnormal end is saved: adds what this program
  // knows of what was run. Null: it is saved as it is.
  std::function<void(Finding* finding)> complete;
};

// Call first in main(). In the supervisor: runs the worker to its end and returns the exit code for
// main() to return (LLVMFuzzerInitialize calls exit() with it, giving *argc and *argv); a crash, a
// hang, or an exit that the worker did not announce is written as a finding (report/finding.h) and
// makes it 1. In the worker: returns nothing, and main() goes on. The worker inherits stdin, stdout
// and stderr, but not the terminal's foreground: it cannot read from one. SIGINT, SIGTERM, SIGHUP
// and SIGQUIT are passed on to it and everything it started. KQ_WORKER=0 in the environment runs
// everything in one process, for debuggers.
std::optional<int> supervise(int argc, char** argv, const SupervisorOptions& options);

// In the worker: call before leaving, with the code main() is about to return. An exit without it
// is the subject's doing, and a finding.
void announce_exit(int code);

// In the worker: something was done. Lock-free, async-signal-safe, a plain increment.
void note_progress();

// In the worker: the seed that a finding about a crash or hang will name. Until then it is KQ_SEED.
void note_seed(uint64_t seed);

// In the worker: what is being run, for the message of a crash or hang ("dispatch_ownership seed
// 7"). The first word is taken as the name of the scenario. Truncated to 200 bytes.
void note_activity(const char* what);

}  // namespace kqtorture
