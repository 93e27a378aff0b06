// What a person sees while a campaign runs: on a terminal one line that rewrites itself, elsewhere
// one line per piece of work.
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdio>
#include <string>

namespace kqtorture {

class Progress {
 public:
  // The clock starts here. budget in seconds.
  Progress(FILE* out, double budget);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  double elapsed() const;  // seconds

  // The state of things; shown on a terminal only.
  void show(const std::string& engine, uint64_t operations, size_t findings);
  // Something that stays: a piece of work done. Not shown on a terminal, where the line tells it.
  void done(const std::string& text);
  // Something that stays, everywhere.
  void say(const std::string& text);

 private:
  void clear();

  FILE* out_;
  double budget_;
  bool terminal_;
  bool line_shown_ = false;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace kqtorture
