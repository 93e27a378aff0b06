// The exit code says that something was found, the files in findings/ say what; both are collected,
// and what one of them lacks is taken from the other, or from the log.
#include "cli/job.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>

#include "cli/findings_folder.h"
#include "report/files.h"
#include "report/text.h"
#include "subject/child.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Clock = Child::Clock;

// How often the campaign looks up from waiting, for its progress line.
constexpr std::chrono::milliseconds kWatchInterval{200};

constexpr size_t kMaxLog = size_t{64} << 20;

std::string budget_text(double seconds) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.3f", seconds);
  return buffer;
}

SpawnOptions spawn_options(const Job& job, const std::string& stats_file, int log) {
  Variables variables = job.variables;
  variables["KQ_SEED"] = std::to_string(job.seed);
  variables["KQ_BUDGET"] = budget_text(job.seconds);
  variables["KQ_STATS"] = stats_file;
  variables["KQ_OUT"] = job.out;
  SpawnOptions options;
  options.environment = environment_with(variables);
  options.output = log;
  options.no_input = true;
  return options;
}

void wait_for(Child* child, const Job& job, const std::function<bool()>& watch, JobResult* result) {
  const auto limit = Clock::now() + job.overrun +
                     std::chrono::milliseconds(static_cast<long long>(job.seconds * 1000));
  while (!child->wait_until(Clock::now() + kWatchInterval)) {
    if (const int number = pending_signal()) {
      child->end(number);
      result->end = JobResult::End::kInterrupted;
      result->code = number;
      return;
    }
    if (Clock::now() > limit) {
      child->end(SIGTERM);
      result->end = JobResult::End::kStopped;
      result->problem = "did not end within " + std::to_string(job.overrun.count()) +
                        " s of its budget and was stopped";
      return;
    }
    if (!watch()) {
      child->end(SIGTERM);
      result->end = JobResult::End::kEnough;
      return;
    }
  }
  const int status = child->status();
  if (WIFEXITED(status)) {
    result->end = JobResult::End::kExited;
    result->code = WEXITSTATUS(status);
  } else {
    result->problem = std::string("its supervisor died: ") + strsignal(WTERMSIG(status));
  }
}

Finding unsaved_finding(const Job& job, const std::vector<std::string>& log) {
  Finding finding;
  finding.verdict = "wrong-answer";
  finding.engine = job.name;
  const auto subject = job.variables.find("KQ_SUBJECT");
  if (subject != job.variables.end() && subject->second) finding.subject = *subject->second;
  finding.seed = job.seed;
  finding.message = "the program reports a finding by its exit code, and saved none";
  finding.detail = log;
  return finding;
}

}  // namespace

JobResult run_job(const Job& job, const std::function<bool()>& watch) {
  JobResult result;
  const std::string stats_file = job.out + "/jobs/" + to_file_name(job.name) + ".json";
  make_directories(job.out + "/jobs");
  unlink(stats_file.c_str());
  FindingsFolder findings(job.out + "/findings");
  const int log = open(job.log.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  if (log < 0) {
    result.problem = job.log + ": " + std::strerror(errno);
    return result;
  }
  const off_t log_begin = lseek(log, 0, SEEK_END);
  std::vector<std::string> arguments = {job.program};
  arguments.insert(arguments.end(), job.arguments.begin(), job.arguments.end());

  const auto begin = Clock::now();
  Child child;
  const int error = child.start(job.program, arguments, spawn_options(job, stats_file, log));
  close(log);
  if (error != 0) {
    result.problem = job.program + ": " + std::strerror(error);
    return result;
  }
  wait_for(&child, job, watch, &result);
  result.seconds = std::chrono::duration<double>(Clock::now() - begin).count();

  std::string ignored;
  result.has_work = read_stats(stats_file, &result.work, &ignored);
  const LogText text(job.log, static_cast<size_t>(log_begin), kMaxLog);
  if (result.problem.empty()) result.problem = text.last_line();
  result.found = findings.new_ones(text);
  if (result.found.empty() && result.end == JobResult::End::kExited &&
      result.code == kExitFinding) {
    result.saved_none = true;
    result.found.push_back(findings.add(unsaved_finding(job, text.interesting_part())));
  }
  return result;
}

}  // namespace kqtorture
