// The frame of the `kqtorture` command: options that mean the same everywhere, and one place where
// a mistake becomes one line on stderr and exit code 2.
//
// Each subcommand is one file with one registration function, listed at the end of this header and
// called in main.cpp; adding a subcommand is adding these three.
#pragma once

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace kqtorture {

// What the common options were given; a subcommand sees those it asked for.
struct CommonOptions {
  std::optional<uint64_t> seed;
  double budget = 60;  // seconds
  bool json = false;
  std::string subject;  // KQ_SUBJECT or the platform's default unless given
  std::string profile;  // KQ_PROFILE, empty when the subject decides
};

class CommandLine {
 public:
  CommandLine(int argc, char** argv);

  // A subcommand; action returns the exit code, and runs after everything was parsed.
  CLI::App* add(const std::string& name, const std::string& description,
                std::function<int()> action);

  // The common options. budget: its default for this subcommand, in seconds; 0: as long as one turn
  // of everything takes.
  void take_seed(CLI::App* subcommand);
  void take_budget(CLI::App* subcommand, double budget);
  void take_json(CLI::App* subcommand);
  void take_subject(CLI::App* subcommand);  // --subject and --profile

  const CommonOptions& common() const { return common_; }
  // For supervise().
  int argc() const { return argc_; }
  char** argv() const { return argv_; }

  // Parses and runs; the exit code of the program.
  int run();

 private:
  int argc_;
  char** argv_;
  CLI::App app_;
  CommonOptions common_;
  std::function<int()> action_;
};

// One line on stderr, "kqtorture: ...", whatever the text holds; returns kExitUsage.
int usage_error(const std::string& text);

// Puts the choice of subject and profile into the environment, where every program of the suite
// looks for it. A path is made absolute.
void export_subject(const CommonOptions& common);

// The options that mean the same everywhere, for a program of its own (kq_explore): --seed,
// --budget,
// --json, --subject and --profile. budget: what common->budget is stands.
void take_common(CLI::App* app, CommonOptions* common);

// When the command is `explore`: becomes the program that does it, and does not return unless that
// fails. Null when it is another command.
std::optional<int> explore_instead(int argc, char** argv);
// Becomes that program, for a finding that has a schedule. `what`: "replay" or "shrink".
int explore_finding(const std::string& what, const std::string& path,
                    const std::vector<std::string>& options);

void register_check(CommandLine* line);
void register_diff(CommandLine* line);
void register_explain(CommandLine* line);
void register_explore(CommandLine* line);
void register_export(CommandLine* line);
void register_replay(CommandLine* line);
void register_run(CommandLine* line);
void register_score(CommandLine* line);
void register_shrink(CommandLine* line);
void register_survey(CommandLine* line);
void register_torture(CommandLine* line);
void register_triage(CommandLine* line);
void register_version(CommandLine* line);

}  // namespace kqtorture
