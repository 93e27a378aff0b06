// `kqtorture explain FINDING`: a saved finding as the text that was printed when it was found, as a
// page, or as the drawing of its threads.
#include <cstdio>
#include <string>
#include <utility>

#include "cli/command_line.h"
#include "cli/finding_file.h"
#include "report/files.h"
#include "report/summary.h"
#include "report/trace.h"
#include "subject/worker.h"

namespace kqtorture {

void register_explain(CommandLine* line) {
  static std::string path, page, drawing, trace;
  CLI::App* subcommand = line->add("explain", "Show a saved finding", [line] {
    Finding finding;
    std::string error;
    if (!load_finding(path, &finding, &error)) return usage_error(error);
    if ((!drawing.empty() || !trace.empty()) && finding.lanes.empty()) {
      return usage_error(path + ": the finding has no history of several threads to draw");
    }
    const std::pair<std::string, std::string> files[] = {{page, to_html({finding, path})},
                                                         {drawing, to_svg(finding.lanes)},
                                                         {trace, to_trace(finding)}};
    for (const auto& [file, text] : files) {
      if (!file.empty() && !write_file(file, text, &error)) return usage_error(error);
    }
    const std::string text = line->common().json ? to_json(finding) + "\n" : to_text(finding);
    std::fwrite(text.data(), 1, text.size(), stdout);
    return kExitClean;
  });
  subcommand->add_option("finding", path, "a file of out/findings/")->required();
  subcommand->add_option("--html", page, "write the finding as a page to this file");
  subcommand->add_option("--svg", drawing, "write the drawing of its threads to this file");
  subcommand->add_option("--trace", trace,
                         "write its history to this file as a Chrome trace, for Perfetto");
  line->take_json(subcommand);
}

}  // namespace kqtorture
