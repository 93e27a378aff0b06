// `kqtorture version`: what a report has to say about the suite that made it.
#include "cli/version.h"

#include <cstdio>
#include <nlohmann/json.hpp>

#include "cli/command_line.h"
#include "report/format.h"
#include "subject/worker.h"

namespace kqtorture {

std::string version() { return KQT_VERSION; }

void register_version(CommandLine* line) {
  CLI::App* subcommand = line->add("version", "Print the version", [line] {
    if (line->common().json) {
      const nlohmann::ordered_json answer = {{"format", kVersionFormat.name},
                                             {"format_version", kVersionFormat.version},
                                             {"version", version()}};
      std::printf("%s\n", answer.dump().c_str());
    } else {
      std::printf("kqtorture %s\n", version().c_str());
    }
    return kExitClean;
  });
  line->take_json(subcommand);
}

}  // namespace kqtorture
