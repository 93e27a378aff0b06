// Findings that are known already: a kqueue with a bug that nobody can repair today can still be
// kept from getting a second one.
//
// A known finding is told by the rule that it breaks and by its signature: the verdict, and what
// the shrunk program is made of, whatever its names, numbers and the order that chance gave it. A
// finding that comes again tomorrow out of another seed has the same.
#pragma once

#include <cstddef>
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

class KnownFindings {
 public:
  // A file of lines
  //     RULE SIGNATURE REASON
  // RULE "-" where a finding names none; SIGNATURE as reported, or VERDICT/* for every shape;
  // REASON to the end of the line, for those who read. '#' begins a comment line. False with *error
  // ("file:line: ...") when it cannot be read or is malformed.
  bool load(const std::string& path, std::string* error);

  // Why it is known; null when it is not.
  const std::string* reason(const Finding& finding);
  // Those that no finding was asked about, as in the file.
  std::vector<std::string> vanished() const;
  bool given() const { return given_; }

 private:
  struct Entry {
    std::string rule, signature, reason;
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
std::string to_text(const std::vector<Bucket>& buckets, const KnownFindings& known);

// The findings that a command saves, from its construction on, and what they make of its exit code.
class KnownRun {
 public:
  // False with *error set when the file of known findings is malformed. path: may be empty.
  static std::unique_ptr<KnownRun> begin(const std::string& path, std::string* error);

  // The exit code of a command that ended with `code`: of kExitFinding, kExitClean when every
  // finding is known. *text: what to say about it; empty without a file.
  int conclude(int code, std::string* text);

 private:
  explicit KnownRun(std::string folder) : folder_(std::move(folder)) {}

  FindingsFolder folder_;
  KnownFindings known_;
};

}  // namespace kqtorture
