// `kqtorture explain FINDING`: a saved finding as the text that was printed when it was found.
#include <cstdio>

#include "cli/command_line.h"
#include "cli/finding_file.h"
#include "subject/worker.h"

namespace kqtorture {

void register_explain(CommandLine* line) {
  static std::string path;
  CLI::App* subcommand = line->add("explain", "Show a saved finding as text", [line] {
    Finding finding;
    std::string error;
    if (!load_finding(path, &finding, &error)) return usage_error(error);
    const std::string text = line->common().json ? to_json(finding) + "\n" : to_text(finding);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kExitClean;
  });
  subcommand->add_option("finding", path, "a file of out/findings/")->required();
  line->take_json(subcommand);
}

}  // namespace kqtorture
