// Findings that are known already: a kqueue with a bug that nobody can repair today can still be
// kept from getting a second one.
//
// A known finding is told by the rule that it breaks and by its signature: the verdict, and what
// the shrunk program is made of, whatever its names, numbers and the order that chance gave it. A
// finding that comes again tomorrow out of another seed has the same.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "cli/findings_folder.h"
#include "report/finding.h"

namespace kqtorture {

// What the program of a finding is made of, sorted: "READ ADD|DISPATCH, READ ENABLE, kevent,
// write". Of one without a litmus program the name of its scenario.
std::string shape_of(const Finding& finding);
// "duplicate/1a2b3c4d": the verdict, and eight digits that stand for the shape.
std::string signature_of(const Finding& finding);
// The rule as the file has it: "-" when the finding names none.
std::string rule_of(const Finding& finding);

// Did the run get to the end of that program or race? Of "" (an entry that names none): was it the
// whole of what this command runs? What is null did all.
using RanScenario = std::function<bool(const std::string& scenario)>;

class KnownFindings {
 public:
  // A file of lines
  //     RULE SIGNATURE [@SCENARIO] REASON
  // RULE "-" where a finding names none; SIGNATURE as reported, or VERDICT/* for every shape;
  // SCENARIO the program or the race that it is looked for in; REASON to the end of the line, for
  // those who read. '#' begins a comment line. False with *error
  // ("file:line: ...") when it cannot be read or is malformed.
  bool load(const std::string& path, std::string* error);

  // Why it is known; null when it is not.
  const std::string* reason(const Finding& finding);
  // Those that no finding was asked about, as in the file; only those that the run could have seen.
  std::vector<std::string> vanished(const RanScenario& ran) const;
  bool given() const { return given_; }

 private:
  struct Entry {
    std::string rule, signature, scenario, reason;
    bool met = false;
  };
  std::vector<Entry> entries_;
  bool given_ = false;
};

// Findings of one rule and one signature are one bug, as far as can be told from outside.
struct Bucket {
  std::string rule, signature, shape;
  std::string known;  // the reason; empty: it is new
  std::vector<std::string> files;
};
// In the order in which they were met.
std::vector<Bucket> buckets_of(const std::vector<std::pair<std::string, Finding>>& findings,
                               KnownFindings* known);
std::string to_text(const std::vector<Bucket>& buckets, const KnownFindings& known,
                    const RanScenario& ran);

// The findings that a command saves, from its construction on, and what they make of its exit code.
class KnownRun {
 public:
  // False with *error set when the file of known findings is malformed. path: may be empty.
  static std::unique_ptr<KnownRun> begin(const std::string& path, std::string* error);

  // The exit code of a command that ended with `code`: of kExitFinding, kExitClean when every
  // finding is known. *text: the findings by rule and shape, and the known ones that are gone.
  int conclude(int code, const RanScenario& ran, std::string* text);

 private:
  explicit KnownRun(std::string folder) : folder_(std::move(folder)) {}

  FindingsFolder folder_;
  KnownFindings known_;
};

}  // namespace kqtorture
