// Findings of the engines carry their program; those of a fuzzer name the file of the input, which
// lies beside them when both were moved.
#include "cli/litmus_finding.h"

#include <filesystem>

#include "report/files.h"
#include "report/text.h"
#include "scenario/parse.h"

namespace kqtorture {
namespace {

namespace fs = std::filesystem;

constexpr char kFuzzer[] = "changelist_fuzzer";

bool litmus_text(const std::string& finding_path, const Finding& finding, std::string* text,
                 std::string* error) {
  if (!has_litmus(finding)) {
    *error =
        finding_path + ": a finding of " + to_printable(finding.engine) + " has no litmus program";
    return false;
  }
  if (finding.reproducer.empty()) {
    *error = finding_path + ": the finding has no program";
    return false;
  }
  if (finding.engine != kFuzzer) {
    *text = finding.reproducer;
    return true;
  }
  const fs::path named = finding.reproducer;
  const fs::path folder = fs::path(finding_path).parent_path();
  for (const fs::path& path :
       {named, folder / "inputs" / named.filename(), folder / named.filename()}) {
    std::error_code ignored;
    if (!fs::is_regular_file(path, ignored)) continue;
    return read_file(path.string(), limit::kTextBytes, text, error);
  }
  *error = to_printable(finding.reproducer) + ": no such input";
  return false;
}

}  // namespace

bool has_litmus(const Finding& finding) {
  return finding.engine == "sequential" || finding.engine == "free-running" ||
         finding.engine == "controlled" || finding.engine == kFuzzer;
}

bool litmus_of(const std::string& finding_path, const Finding& finding, Scenario* scenario,
               std::string* error) {
  std::string text;
  if (!litmus_text(finding_path, finding, &text, error)) return false;
  scenario->path = finding_path;
  scenario->name = finding.scenario;
  const auto complaint = parse(text, &scenario->program);
  if (complaint) *error = complaint->text(finding_path);
  return !complaint;
}

}  // namespace kqtorture
