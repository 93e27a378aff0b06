// What a run has come to, kept outside of the processes that do it.
//
// A program may crash or hang the worker that runs it, and the programs after it are to be run all
// the same, by the next worker. So the record of a run is a file without a name, one line of JSON
// for each thing that happened, that every worker of the run inherits and adds to: from it a worker
// knows where to go on, and the supervisor what to report.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

namespace kqtorture {

class RunJournal {
 public:
  enum class Kind : uint8_t { kBegin, kResult, kEnd };
  struct Entry {
    Kind kind = Kind::kEnd;
    // Of kBegin and kResult: which scenario, and the how manieth time, from 0.
    uint64_t scenario = 0;
    uint64_t round = 0;
    // Of kResult.
    std::string word;  // "ok", "FINDING", "undecided" or "skipped"
    std::string verdict, rule;
    std::string note;     // of kEnd: the profile that everything was held to
    std::string finding;  // its file
    uint64_t iterations = 0, operations = 0, deliveries = 0;
  };

  // A new one, for this process and the workers that it starts. Null with errno set.
  static std::unique_ptr<RunJournal> create();
  // In a worker of a process that has one: that one. Null when there is none.
  static std::unique_ptr<RunJournal> inherited();

  ~RunJournal();
  RunJournal(const RunJournal&) = delete;
  RunJournal& operator=(const RunJournal&) = delete;

  void add(const Entry& entry);
  std::vector<Entry> read() const;
  // When it was made, by the clock that all processes share.
  std::chrono::steady_clock::time_point began() const;

 private:
  explicit RunJournal(int fd) : fd_(fd) {}

  void append(const std::string& line);
  std::vector<std::string> lines() const;

  int fd_;
};

}  // namespace kqtorture
