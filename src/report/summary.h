// What a campaign did and what it found, in the formats that people and machines read.
//
// One value, several writers: results.json for scripts, junit.xml and results.sarif for CI,
// index.html for a person without network. All of them say how much work stands behind a result,
// because "nothing found" means nothing without it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "report/finding.h"
#include "report/stats.h"

namespace kqtorture {

enum class EngineStatus {
  kClean,    // worked, nothing found
  kFound,    // a finding
  kSkipped,  // not run; the note says why
  kFailed    // could not do its work; the note says why
};
const char* to_word(EngineStatus status);

struct EngineSummary {
  std::string name;  // "stress", "stress under ThreadSanitizer", "flags_fuzzer", ...
  EngineStatus status = EngineStatus::kClean;
  std::string note;    // why skipped or failed; otherwise may be empty
  double seconds = 0;  // of its own time, start-up included
  uint64_t slices = 0;
  Stats work;
  struct Found {
    Finding finding;
    std::string file;            // relative to the output directory
    std::string signature = {};  // what it is known by: verdict and shape; may be empty
    std::string known = {};      // why it is known, and does not count; empty: it is new
  };
  std::vector<Found> found;

  size_t new_findings() const;  // those that are not known
  double executions_per_second() const { return seconds > 0 ? work.executions / seconds : 0; }
};

struct CampaignSummary {
  std::string version;
  std::string started;  // ISO 8601, UTC
  std::string subject;
  std::string profile;  // empty: what the subject says itself
  uint64_t seed = 0;
  double budget_seconds = 0;
  double elapsed_seconds = 0;
  int exit_code = 0;
  std::vector<EngineSummary> engines;
  std::vector<std::string> problems;  // why a run without findings is no pass

  std::vector<std::string> vanished;  // known findings that were not found

  size_t findings() const;      // all of them
  size_t new_findings() const;  // those that are not known
};

std::string to_results_json(const CampaignSummary& campaign);
std::string to_junit_xml(const CampaignSummary& campaign);
std::string to_sarif(const CampaignSummary& campaign);     // SARIF 2.1.0
std::string to_markdown(const CampaignSummary& campaign);  // the summary of a CI job
// The page of a campaign: with charts of bench.json and the table of score.json when their texts
// are given.
std::string to_html(const CampaignSummary& campaign, const std::string& bench = "",
                    const std::string& score = "");
// The page of one finding.
std::string to_html(const EngineSummary::Found& found);
// "2 found, 1 known", "clean", "skipped".
std::string result_of(const EngineSummary& engine);
// The table that ends a campaign on the terminal.
std::string to_table(const CampaignSummary& campaign);

// The page of each finding that is saved, and its history as a trace, into directory/pages/: where
// the links of to_html() lead. False with *error set to one line when one could not be written.
bool write_finding_pages(const CampaignSummary& campaign, const std::string& directory,
                         std::string* error);

// Writes results.json, junit.xml, results.sarif, index.html and the findings' pages into directory;
// the page shows the bench.json there when the bench was run, and the score/score.json that a
// count of planted bugs has left. Returns false and sets *error to one line when one of them could
// not be written.
bool write_reports(const CampaignSummary& campaign, const std::string& directory,
                   std::string* error);

// "known: duplicate (I5) in stress: scenario", for the heads of reports; not yet escaped.
std::string title_of(const EngineSummary::Found& found);

}  // namespace kqtorture
