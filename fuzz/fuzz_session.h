// What every fuzzer of the suite needs around its TestOneInput: a subject, a supervisor, a way to
// report a violation, and numbers at the end.
//
// The process that libFuzzer (or the replayer) runs in is a worker under supervise()
// (subject/worker.h), so that a subject that crashes, hangs or exits is a finding and not the end
// of the campaign. KQ_WORKER=0 runs without a supervisor; then libFuzzer's own exit codes are
// made 1.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "report/finding.h"
#include "report/stats.h"
#include "subject/subject.h"

namespace kqtorture {

class FuzzSession {
 public:
  // The body of LLVMFuzzerInitialize. Does not return in the supervisor, nor when the subject
  // cannot be opened (exit code 2).
  // cold: makes no kqueue beforehand. What a subject opens once for the whole process is opened in
  // an input then.
  static void start(const char* name, int* argc, char*** argv, bool cold = false);
  static FuzzSession& get();

  const Subject& subject() const { return *subject_; }
  Stats& stats() { return stats_; }

  // Around one input: an exit() in between is the subject's doing.
  void begin_input(const uint8_t* data, size_t size);
  void end_input();

  // Saves the finding with the input beside it, and aborts; libFuzzer then saves the input too. A
  // finding with a schedule is complete in itself: one of the controlled engine.
  [[noreturn]] void violation(Finding finding);

 private:
  FuzzSession(const char* name, std::unique_ptr<Subject> subject);
  static void at_exit(int status);

  std::string name_;
  std::unique_ptr<Subject> subject_;
  Stats stats_;
  std::vector<uint8_t> input_;
  bool inside_input_ = false;
};

// The descriptors of the process that are open, as far as anybody has reason to open any: the first
// numbers, and those from 512, where libkq keeps its own.
class OpenDescriptors {
 public:
  OpenDescriptors();
  // The first number whose state differs, or -1.
  int first_difference(const OpenDescriptors& other) const;

 private:
  static constexpr int kRange = 64;
  static constexpr int kStarts[] = {0, 512};
  bool open_[2 * kRange];
};

}  // namespace kqtorture
