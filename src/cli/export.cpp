// `kqtorture export FINDING --c`: the program of a finding as one C file, for a bug report.
//
// Nothing of the suite is needed to compile it or to read it.
#include <cstdio>
#include <filesystem>

#include "cli/command_line.h"
#include "cli/finding_file.h"
#include "cli/finding_in_c.h"
#include "cli/litmus_finding.h"
#include "report/files.h"
#include "report/text.h"
#include "scenario/parse.h"
#include "subject/profiles.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

struct ExportArguments {
  std::string path;
  std::string output;
  bool c = false;
  uint32_t rounds = 0;
};

bool load_what(const std::string& path, Program* program, Finding* finding, std::string* error) {
  if (path.ends_with(".litmus")) {
    auto loaded = load_program(path, error);
    if (!loaded) return false;
    *program = std::move(*loaded);
    finding->profile = program->profile;
    return true;
  }
  if (!load_finding(path, finding, error)) return false;
  // Engines that are not known here may carry a program as well.
  if (!has_litmus(*finding) && !finding->reproducer.empty() &&
      !parse(finding->reproducer, program)) {
    return true;
  }
  Scenario scenario;
  if (!litmus_of(path, *finding, &scenario, error)) return false;
  *program = std::move(scenario.program);
  return true;
}

int run_export(const CommandLine& line, const CLI::App& subcommand,
               const ExportArguments& arguments) {
  if (!arguments.c) return usage_error("export: as what? --c is the only form there is");
  Program program;
  Finding finding;
  std::string error;
  finding.seed = 1;
  if (!load_what(arguments.path, &program, &finding, &error)) return usage_error(error);
  if (subcommand.count("--profile") != 0) finding.profile = line.common().profile;
  if (finding.profile.empty()) finding.profile = "strict-2006";
  if (line.common().seed) finding.seed = *line.common().seed;
  CProgram c;
  if (!to_c_program(finding, program, &c, &error)) {
    return usage_error(arguments.path + ": " + error);
  }
  if (arguments.rounds > 0 && (!is_sequential(program) || c.ends)) {
    return usage_error("export: --rounds is for programs of one thread whose answers are wrong");
  }
  c.rounds = arguments.rounds;
  const std::string text = print_c(c);
  if (arguments.output.empty()) {
    std::fwrite(text.data(), 1, text.size(), stdout);
  } else if (!write_file(arguments.output, text, &error)) {
    return usage_error(error);
  }
  return kExitClean;
}

}  // namespace

void register_export(CommandLine* line) {
  static ExportArguments arguments;
  static CLI::App* subcommand = nullptr;
  subcommand = line->add("export", "Write the program of a finding as a C file for a bug report",
                         [line] { return run_export(*line, *subcommand, arguments); });
  subcommand->add_option("finding", arguments.path, "a file of out/findings/, or a litmus file")
      ->required();
  subcommand->add_flag("--c", arguments.c, "as C that needs <sys/event.h> and pthreads alone");
  subcommand
      ->add_option("--rounds", arguments.rounds,
                   "a program of one thread is tried so often, each time in a process of its own")
      ->check(CLI::Range(1, 1000000));
  subcommand->add_option("-o,--output", arguments.output, "to this file, not to standard output");
  line->take_subject(subcommand);
  line->take_seed(subcommand);
}

}  // namespace kqtorture
