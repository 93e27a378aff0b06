// `kqtorture explore`: the program kq_explore, which lies beside this one. It has a runtime in it
// that takes the place of pthreads, so it is not this program.
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <vector>

#include "cli/command_line.h"
#include "cli/programs.h"

namespace kqtorture {
namespace {

int become_explorer(const std::vector<std::string>& arguments) {
  const std::string program = own_program("kq_explore");
  if (!is_program(program)) {
    return usage_error("explore: not built here: kq_explore (Linux, without sanitizers)");
  }
  std::vector<char*> pointers = {const_cast<char*>(program.c_str())};
  for (const std::string& one : arguments) pointers.push_back(const_cast<char*>(one.c_str()));
  pointers.push_back(nullptr);
  execv(program.c_str(), pointers.data());
  return usage_error(program + ": " + std::strerror(errno));
}

}  // namespace

std::optional<int> explore_instead(int argc, char** argv) {
  if (argc < 2 || std::strcmp(argv[1], "explore") != 0) return std::nullopt;
  return become_explorer({argv + 2, argv + argc});
}

int explore_finding(const std::string& what, const std::string& path,
                    const std::vector<std::string>& options) {
  std::vector<std::string> arguments = {what, path};
  arguments.insert(arguments.end(), options.begin(), options.end());
  return become_explorer(arguments);
}

void register_explore(CommandLine* line) {
  // For the list of subcommands: it is never run (explore_instead()).
  line->add("explore", "Choose every switch between the threads of litmus programs",
            [] { return usage_error("explore: comes first on the command line"); });
}

}  // namespace kqtorture
