// `kqtorture replay FINDING`: run again what was found, with the same program, seed and subject.
//
// Exit code 1 says that it was found again. Free-running threads need not repeat themselves: a
// finding of the stress engine is run for the whole budget, with the schedule left to chance.
#include <sys/wait.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <vector>

#include "cli/command_line.h"
#include "cli/finding_file.h"
#include "cli/litmus_finding.h"
#include "cli/programs.h"
#include "cli/replay_litmus.h"
#include "report/text.h"
#include "subject/child.h"
#include "subject/profiles.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

constexpr double kReplayBudget = 10;

struct Replay {
  std::vector<std::string> command;
  Variables variables;
};

bool ends_with(const std::string& text, const std::string& ending) {
  return text.size() >= ending.size() &&
         text.compare(text.size() - ending.size(), ending.size(), ending) == 0;
}

// The input lies where the finding says, or, when both were moved, beside it.
std::string find_input(const std::string& finding_path, const Finding& finding) {
  namespace fs = std::filesystem;
  std::error_code error;
  const fs::path named = finding.reproducer;
  const fs::path folder = fs::path(finding_path).parent_path();
  for (const fs::path& path :
       {named, folder / "inputs" / named.filename(), folder / named.filename()}) {
    if (fs::is_regular_file(path, error)) return path.string();
  }
  return "";
}

bool fuzzer_command(const std::string& path, const Finding& finding, Replay* replay,
                    std::string* error) {
  // The name becomes part of a path; a finding is anyone's file.
  if (to_file_name(finding.engine) != finding.engine) {
    *error = path + ": no fuzzer has such a name";
    return false;
  }
  std::string program = preset_program("fuzz", finding.engine);
  if (!is_program(program)) program = own_program(finding.engine + "_replay");
  const std::string input = find_input(path, finding);
  if (!is_program(program)) {
    *error = finding.engine + ": not built (preset fuzz)";
  } else if (finding.reproducer.empty()) {
    *error = path + ": the finding names no input";
  } else if (input.empty()) {
    *error = finding.reproducer + ": no such input";
  } else {
    replay->command = {program, input};
    return true;
  }
  return false;
}

bool stress_command(const Finding& finding, Replay* replay, std::string* error) {
  std::string program = own_program("kq_stress");
  if (finding.verdict == "race") {
    const std::string sanitized = preset_program("tsan", "kq_stress");
    if (is_program(sanitized)) program = sanitized;
  }
  if (!is_program(program)) {
    *error = "kq_stress: not built";
    return false;
  }
  const std::string cases = finding.scenario.empty() ? "*" : finding.scenario;
  replay->command = {program, "--gtest_filter=" + cases};
  return true;
}

bool find_command(const std::string& path, const Finding& finding, Replay* replay,
                  std::string* error) {
  const std::string& engine = finding.engine;
  if (ends_with(engine, "_fuzzer")) return fuzzer_command(path, finding, replay, error);
  if (engine == "stress" || engine == "kq_stress") return stress_command(finding, replay, error);
  if (engine == "check") {
    replay->command = {own_program("kqtorture"), "check"};
    return true;
  }
  *error = path + ": cannot replay findings of " + (engine.empty() ? "no engine" : engine);
  return false;
}

int run_command(const Replay& replay) {
  std::string shown;
  for (const std::string& word : replay.command) shown += " " + word;
  std::printf("replay:%s\n", to_printable(shown).c_str());
  std::fflush(stdout);
  if (!watch_signals()) return usage_error(std::strerror(errno));
  SpawnOptions options;
  options.environment = environment_with(replay.variables);
  Child child;
  if (const int error = child.start(replay.command[0], replay.command, options)) {
    return usage_error(replay.command[0] + ": " + std::strerror(error));
  }
  while (!child.wait_until(Child::Clock::now() + std::chrono::hours(1))) {
    if (const int number = pending_signal()) {
      child.end(number);
      die_of(number);
    }
  }
  if (!WIFEXITED(child.status())) return usage_error(replay.command[0] + ": was killed");
  const int code = WEXITSTATUS(child.status());
  if (code == kExitFinding) std::printf("replay: found again\n");
  if (code == kExitClean) std::printf("replay: not found this time\n");
  return code;
}

std::vector<std::string> dangerous_flag(bool dangerous) {
  return dangerous ? std::vector<std::string>{"--dangerous"} : std::vector<std::string>();
}

// Does `replay` run the program itself? Not what a fuzzer's own process crashed on: that may need
// the fuzzer's sanitizer to show again.
bool runs_litmus(const Finding& finding) {
  if (!has_litmus(finding)) return false;
  if (!ends_with(finding.engine, "_fuzzer")) return true;
  return finding.verdict != "crash" || !is_program(preset_program("fuzz", finding.engine));
}

int run_replay(const CommandLine& line, const CLI::App& subcommand, const std::string& path,
               bool dangerous) {
  Finding finding;
  std::string error;
  if (!load_finding(path, &finding, &error)) return usage_error(error);
  CommonOptions common = line.common();
  if (subcommand.count("--subject") == 0 && !finding.subject.empty()) {
    common.subject = finding.subject;
  }
  if (subcommand.count("--profile") == 0 && is_profile(finding.profile)) {
    common.profile = finding.profile;
  }
  const uint64_t seed = common.seed ? *common.seed : finding.seed;
  if (runs_litmus(finding)) {
    Scenario scenario;
    if (!litmus_of(path, finding, &scenario, &error)) return usage_error(error);
    export_subject(common);
    if (!finding.schedule.empty())
      return explore_finding("replay", path, dangerous_flag(dangerous));
    return replay_litmus(line, scenario, finding, seed, dangerous);
  }
  Replay replay;
  if (!find_command(path, finding, &replay, &error)) return usage_error(error);
  export_subject(common);
  replay.variables["KQ_SEED"] = std::to_string(seed);
  replay.variables["KQ_BUDGET"] = std::to_string(common.budget);
  return run_command(replay);
}

}  // namespace

void register_replay(CommandLine* line) {
  static std::string path;
  static bool dangerous = false;
  static CLI::App* subcommand = nullptr;
  subcommand = line->add("replay", "Run a saved finding again",
                         [line] { return run_replay(*line, *subcommand, path, dangerous); });
  subcommand->add_option("finding", path, "a file of out/findings/")->required();
  subcommand->add_flag("--dangerous", dangerous, kDangerousHelp);
  line->take_subject(subcommand);
  line->take_budget(subcommand, kReplayBudget);
  line->take_seed(subcommand);
}

}  // namespace kqtorture
