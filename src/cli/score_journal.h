// What a score has found out so far, line by line, so that one that was interrupted goes on.
#pragma once

#include <cstdio>
#include <map>
#include <memory>
#include <string>
#include <utility>

#include "cli/score_run.h"

namespace kqtorture {

class ScoreJournal {
 public:
  // what: the conditions, which must be the same for lines to count. resume: reads what is there;
  // else it begins anew. A line cut off by a crash is dropped. False and *error when the file
  // cannot be used.
  bool open(const std::string& path, const std::string& what, bool resume, std::string* error);
  // hash: of the mutant, as MutantBuilder gives it. question: the engine, and how long it has.
  bool find(const std::string& hash, const std::string& question, ScoreCell* cell) const;
  void add(const std::string& hash, const std::string& question, const ScoreCell& cell);

 private:
  struct Close {
    void operator()(FILE* file) const { std::fclose(file); }
  };
  std::unique_ptr<FILE, Close> file_;
  std::map<std::pair<std::string, std::string>, ScoreCell> known_;
};

// A cell as JSON, on one line.
std::string to_json(const ScoreCell& cell);

}  // namespace kqtorture
