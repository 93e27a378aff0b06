// Every candidate runs in a process forked for it alone: a deadlock leaves its process unusable,
// and a crash ends it. The fork is the bare system call: the threads that fibers borrow their
// stacks from do not exist in the child, and are not needed there, but their stacks and variables
// are.
//
// First the switches, which need no luck; then the program, whose candidates get the switches that
// are left, and if that does not do, some hundred schedules of their own; then the switches again.
#include <fcntl.h>
#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "cli/command_line.h"
#include "cli/explore_again.h"
#include "cli/explore_worker.h"
#include "engine/deviations.h"
#include "engine/parting.h"
#include "report/files.h"
#include "report/text.h"
#include "scenario/print.h"
#include "scenario/shrink.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Clock = std::chrono::steady_clock;
using Status = SequentialResult::Status;

// Schedules that a smaller program has to show the fault in: what one in a hundred shows is met
// with 95 % probability.
constexpr uint64_t kSchedulesOfACandidate = 300;
constexpr int kMostDeviationsTried = 2000;
constexpr int kMostProgramsTried = 2000;
// After which a child that does nothing is ended. It decides nothing: the candidate is dropped.
constexpr int kMostLooks = 500;
constexpr useconds_t kBetweenChildLooksUs = 10'000;

// What a child says: how it went, in as many bytes as it takes.
struct Shown {
  Finding finding;
  std::vector<Deviation> deviations;
};

void write_fully(int fd, const void* data, size_t size) {
  const auto* at = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = write(fd, at, size);
    if (n <= 0) return;
    at += n;
    size -= static_cast<size_t>(n);
  }
}

class ScheduleShrinker {
 public:
  ScheduleShrinker(ControlledEngine* engine, const Finding& finding, const Scenario& scenario,
                   Clock::time_point deadline)
      : engine_(*engine),
        wanted_(finding),
        scenario_(scenario),
        best_program_(scenario.program),
        deadline_(deadline) {}

  // False when the finding is not found again.
  bool go() {
    Shown shown;
    if (!replays(&shown)) return false;
    best_ = shown.deviations;
    before_ = {count_threads(best_program_), count_ops(best_program_), best_.size()};
    shrink_switches();
    best_program_ = shrink(
        best_program_, [this](const Program& program) { return still_fails(program); },
        kMostProgramsTried);
    shrink_switches();
    return last_look();
  }

  const Finding& finding() const { return result_; }
  std::string text() const {
    return std::to_string(before_.threads) + " threads, " + std::to_string(before_.operations) +
           " operations, " + std::to_string(before_.switches) + " switches became " +
           std::to_string(count_threads(best_program_)) + ", " +
           std::to_string(count_ops(best_program_)) + ", " + std::to_string(best_.size());
  }

 private:
  struct Size {
    size_t threads, operations, switches;
  };

  void shrink_switches() {
    best_ = fewest(
        best_,
        [this](const std::vector<Deviation>& less) {
          Shown shown;
          return !late() && with(best_program_, less, false, &shown);
        },
        kMostDeviationsTried);
  }

  bool still_fails(const Program& program) {
    if (late()) return false;
    Shown shown;
    if (!with(program, best_, false, &shown) && !by_chance(program, &shown)) return false;
    best_ = std::move(shown.deviations);
    return true;
  }

  bool last_look() {
    Shown shown;
    if (!with(best_program_, best_, true, &shown)) return false;
    result_ = std::move(shown.finding);
    return true;
  }

  bool late() const { return Clock::now() > deadline_; }

  bool replays(Shown* shown) {
    const auto replay = sched::make_replay(wanted_.schedule.decisions);
    DeviatingStrategy strategy(replay.get());
    return apart(best_program_, &strategy, 1, false, shown);
  }
  bool with(const Program& program, const std::vector<Deviation>& deviations, bool record,
            Shown* shown) {
    DeviatingStrategy strategy(deviations);
    return apart(program, &strategy, 1, record, shown);
  }
  bool by_chance(const Program& program, Shown* shown) {
    std::string ignored;
    for (const char* name : {"random", "pct:3"}) {
      const auto chance = sched::strategy_named(name, &ignored);
      DeviatingStrategy strategy(chance.get());
      if (apart(program, &strategy, kSchedulesOfACandidate, false, shown)) return true;
    }
    return false;
  }

  // In a child. True when a schedule draws the verdict that is wanted.
  bool apart(const Program& program, DeviatingStrategy* strategy, uint64_t schedules, bool record,
             Shown* shown) {
    int ends[2];
    if (pipe(ends) != 0) return false;
    const long pid = syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (pid == 0) {
      close(ends[0]);
      run_child(program, strategy, schedules, record, ends[1]);
      _exit(0);
    }
    close(ends[1]);
    const bool good = pid > 0 && listen_to(static_cast<pid_t>(pid), ends[0], shown);
    close(ends[0]);
    note_progress();
    return good;
  }

  void run_child(const Program& program, DeviatingStrategy* strategy, uint64_t schedules,
                 bool record, int out) {
    std::string why_not;
    if (!engine_.load(program, &why_not)) return;
    ControlledEngine::Options options = options_of(wanted_.schedule);
    options.record = record;
    Scenario scenario{scenario_.path, scenario_.name, program};
    for (uint64_t i = 0; i < schedules; i++) {
      strategy->begin(wanted_.seed + i);
      const ControlledResult& result = engine_.run(strategy, options);
      const bool found = result.status == Status::kFinding;
      if (found && result.verdict == wanted_.verdict && result.rule == wanted_.rule) {
        ScheduleRecord schedule = wanted_.schedule;
        schedule.strategy = "shrink";
        schedule.trace = result.trace;
        schedule.decisions = result.schedule.decisions;
        schedule.steps = marks_of_last_run();
        const std::vector<Deviation>& happened = strategy->happened();
        const uint64_t count = happened.size();
        write_fully(out, &count, sizeof count);
        write_fully(out, happened.data(), count * sizeof(Deviation));
        const std::string text =
            to_json(finding_of(result, engine_, scenario, schedule, wanted_.seed));
        write_fully(out, text.data(), text.size());
        return;
      }
      if (found || result.schedule.dirty || result.status == Status::kSkipped) return;
    }
  }

  static bool listen_to(pid_t pid, int in, Shown* shown) {
    std::string text;
    char buffer[65536];
    fcntl(in, F_SETFL, O_NONBLOCK);
    int status = 0;
    bool ended = false;
    for (int looks = 0; !ended && looks < kMostLooks;) {
      ssize_t n;
      bool any = false;
      while ((n = read(in, buffer, sizeof buffer)) > 0) {
        text.append(buffer, static_cast<size_t>(n));
        any = true;
      }
      ended = waitpid(pid, &status, WNOHANG) == pid;
      if (ended || any) continue;
      pollfd readable{in, POLLIN, 0};
      if (n == 0) usleep(kBetweenChildLooksUs / 100);
      if (n < 0) poll(&readable, 1, kBetweenChildLooksUs / 1000);
      looks++;
    }
    if (!ended) {
      kill(pid, SIGKILL);
      waitpid(pid, &status, 0);
      return false;
    }
    for (ssize_t n; (n = read(in, buffer, sizeof buffer)) > 0;) {
      text.append(buffer, static_cast<size_t>(n));
    }
    uint64_t count = 0;
    if (text.size() < sizeof count) return false;
    std::memcpy(&count, text.data(), sizeof count);
    const size_t bytes = count * sizeof(Deviation);
    if (count > kMostDecisions || text.size() < sizeof count + bytes) return false;
    shown->deviations.resize(count);
    if (count > 0) std::memcpy(shown->deviations.data(), text.data() + sizeof count, bytes);
    std::string ignored;
    return from_json(text.substr(sizeof count + bytes), &shown->finding, &ignored);
  }

  ControlledEngine& engine_;
  const Finding& wanted_;
  const Scenario& scenario_;
  Program best_program_;
  std::vector<Deviation> best_;
  Size before_{};
  const Clock::time_point deadline_;
  Finding result_;
};

int shrink_in_worker(const AgainArguments& arguments, const Finding& finding,
                     const Scenario& scenario) {
  std::string error;
  std::unique_ptr<Subject> subject;
  const auto deadline =
      Clock::now() + std::chrono::milliseconds(static_cast<int64_t>(arguments.budget * 1000));
  // Only fibers survive a fork, and decisions are the same for both.
  const auto engine = open_controlled("fibers", &subject, &error);
  if (!engine) return usage_error(error);
  note_activity(to_file_name(scenario.name).c_str());
  note_seed(finding.seed);
  ScheduleShrinker shrinker(engine.get(), finding, scenario, deadline);
  if (!shrinker.go()) {
    std::printf("shrink: not found this time\n");
    return kExitClean;
  }
  save_finding(shrinker.finding());
  const std::string& program = shrinker.finding().reproducer;
  std::fputs(program.c_str(), stdout);
  for (const std::string& line : to_lines(shrinker.finding().lanes)) {
    std::printf("# %s\n", to_printable(line).c_str());
  }
  std::printf("# shrink: %s\n", shrinker.text().c_str());
  if (!arguments.output.empty() && !write_file(arguments.output, program, &error)) {
    return usage_error(error);
  }
  return kExitFinding;
}

}  // namespace

int shrink_schedule(const AgainArguments& arguments, const Finding& finding,
                    const Scenario& scenario) {
  SupervisorOptions options;
  options.program = "shrink";
  options.complete = [&](Finding* broken) {
    broken->engine = "controlled";
    broken->scenario = scenario.name;
    broken->reproducer = finding.reproducer;
    broken->schedule = finding.schedule;
  };
  if (const auto code = supervise(arguments.argc, arguments.argv, options)) return *code;
  const int code = shrink_in_worker(arguments, finding, scenario);
  std::fflush(nullptr);
  announce_exit(code);
  _exit(code);
}

}  // namespace kqtorture
