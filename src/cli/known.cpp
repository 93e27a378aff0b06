// The shape leaves out what shrinking cannot settle: which of two names, how many bytes, which of
// two threads.
#include "cli/known.h"

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <memory>
#include <set>
#include <sstream>

#include "cli/finding_file.h"
#include "report/files.h"
#include "report/text.h"
#include "scenario/parse.h"
#include "scenario/words.h"
#include "subject/subject.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

constexpr size_t kMostKnownBytes = 1 << 20;

std::string change_shape(const Change& change) {
  std::string text;
  append_filter(&text, change.filter);
  text += ' ';
  append_flags(&text, change.flags);
  if (change.filter == filter::kUser && (change.fflags & note::kTrigger) != 0) text += " TRIGGER";
  return text;
}

std::string program_shape(const Program& program) {
  std::set<std::string> parts;
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      if (op.kind != OpKind::kKevent || op.room != 0) parts.emplace(word_of_op(op.kind));
      for (const Change& change : op.changes) parts.insert(change_shape(change));
    }
  }
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? "" : ", ") + part;
  return text;
}

// FNV-1a, 32 bits: the same on every machine, and eight digits are told apart by eye.
uint32_t digits_of(const std::string& text) {
  uint32_t hash = 2166136261u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16777619u;
  return hash;
}

// A name without spaces, since a space ends it in the file.
std::string as_word(const std::string& text) { return text.empty() ? "-" : to_file_name(text); }

}  // namespace

std::string shape_of(const Finding& finding) {
  Program program;
  if (!finding.reproducer.empty() && !parse(finding.reproducer, &program)) {
    return program_shape(program);
  }
  return finding.scenario.empty() ? finding.engine : finding.scenario;
}

std::string signature_of(const Finding& finding) {
  char digits[9];
  std::snprintf(digits, sizeof digits, "%08" PRIx32, digits_of(shape_of(finding)));
  return as_word(finding.verdict) + "/" + digits;
}

std::string rule_of(const Finding& finding) {
  // Rules like I5' and "=>" stay as they are; only a space would end them.
  std::string rule = finding.rule.empty() ? "-" : to_line(finding.rule);
  std::replace(rule.begin(), rule.end(), ' ', '_');
  return rule;
}

bool KnownFindings::load(const std::string& path, std::string* error) {
  std::string text;
  if (!read_file(path, kMostKnownBytes, &text, error)) return false;
  given_ = true;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); number++) {
    std::istringstream words(line);
    Entry entry;
    if (!(words >> entry.rule) || entry.rule[0] == '#') continue;
    const auto malformed = [&](const char* what) {
      *error = path + ":" + std::to_string(number) + ": " + what;
      return false;
    };
    if (!(words >> entry.signature)) return malformed("a rule without a signature");
    if (entry.signature.find('/') == std::string::npos) {
      return malformed("a signature is VERDICT/DIGITS, as reported, or VERDICT/*");
    }
    std::getline(words >> std::ws, entry.reason);
    if (entry.reason.rfind('@', 0) == 0) {
      std::istringstream rest(entry.reason.substr(1));
      rest >> entry.scenario;
      entry.reason.clear();
      std::getline(rest >> std::ws, entry.reason);
    }
    if (entry.reason.empty()) return malformed("no reason is given: why is it known?");
    entries_.push_back(std::move(entry));
  }
  return true;
}

const std::string* KnownFindings::reason(const Finding& finding) {
  const std::string rule = rule_of(finding), signature = signature_of(finding);
  const std::string any_shape = as_word(finding.verdict) + "/*";
  const std::string* reason = nullptr;
  for (Entry& entry : entries_) {
    const bool meant = entry.signature == signature || entry.signature == any_shape;
    if (entry.rule != rule || !meant) continue;
    entry.met = true;
    if (reason == nullptr) reason = &entry.reason;
  }
  return reason;
}

std::vector<std::string> KnownFindings::vanished(const RanScenario& ran) const {
  std::vector<std::string> lines;
  for (const Entry& entry : entries_) {
    if (entry.met || (ran && !ran(entry.scenario))) continue;
    lines.push_back(entry.rule + " " + entry.signature + " " +
                    (entry.scenario.empty() ? "" : "@" + entry.scenario + " ") + entry.reason);
  }
  return lines;
}

std::vector<Bucket> buckets_of(const std::vector<std::pair<std::string, Finding>>& findings,
                               KnownFindings* known) {
  std::vector<Bucket> buckets;
  for (const auto& [file, finding] : findings) {
    const std::string rule = rule_of(finding), signature = signature_of(finding);
    auto bucket = std::find_if(buckets.begin(), buckets.end(), [&](const Bucket& one) {
      return one.rule == rule && one.signature == signature;
    });
    if (bucket == buckets.end()) {
      const std::string* reason = known->reason(finding);
      buckets.push_back({rule, signature, shape_of(finding), reason ? *reason : "", {}});
      bucket = buckets.end() - 1;
    }
    bucket->files.push_back(file);
  }
  return buckets;
}

std::string to_text(const std::vector<Bucket>& buckets, const KnownFindings& known,
                    const RanScenario& ran) {
  std::string text;
  for (const Bucket& bucket : buckets) {
    text += (bucket.known.empty() ? "new:      " : "known:    ") + bucket.rule + " " +
            bucket.signature + ", " + std::to_string(bucket.files.size()) +
            (bucket.files.size() == 1 ? " finding: " : " findings: ") + bucket.shape + "\n";
    if (!bucket.known.empty()) text += "          " + bucket.known + "\n";
    if (bucket.known.empty()) text += "          " + bucket.files.front() + "\n";
  }
  for (const std::string& line : known.vanished(ran)) text += "vanished: " + line + "\n";
  return to_printable(text);
}

std::unique_ptr<KnownRun> KnownRun::begin(const std::string& path, std::string* error) {
  std::unique_ptr<KnownRun> run(new KnownRun(output_directory() + "/findings"));
  if (!path.empty() && !run->known_.load(path, error)) return nullptr;
  return run;
}

int KnownRun::conclude(int code, const RanScenario& ran, std::string* text) {
  text->clear();
  if (code != kExitFinding && code != kExitClean) return code;
  std::vector<std::pair<std::string, Finding>> findings;
  for (const std::string& file : folder_.new_files()) {
    Finding finding;
    std::string error;
    // One that cannot be read is known to nobody.
    if (!load_finding(file, &finding, &error)) finding.verdict = "unreadable";
    if (finding.verdict != kNothingFound) findings.emplace_back(file, std::move(finding));
  }
  const auto buckets = buckets_of(findings, &known_);
  *text = to_text(buckets, known_, ran);
  if (code == kExitClean || buckets.empty()) return code;
  const bool all = std::all_of(buckets.begin(), buckets.end(),
                               [](const Bucket& one) { return !one.known.empty(); });
  return all ? kExitClean : kExitFinding;
}

}  // namespace kqtorture
