// What a campaign of schedules has come to, in memory that all of its processes share.
//
// A schedule may crash or hang the worker that runs it, a deadlock leaves it unusable, and several
// workers run side by side. So everything that must outlive a worker stands here: the counts of
// each program, how it was judged, the schedule that each worker is at with every decision taken so
// far, and which interleavings were seen. Each worker writes its own lane; counts are atomic sums.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

namespace kqtorture {

// Text of a bounded length that another process may read; cut where it is too long.
template <size_t kBytes>
class SharedText {
 public:
  void set(const std::string& text) {
    size_t i = 0;
    for (; i < kBytes - 1 && i < text.size(); i++) {
      bytes_[i].store(text[i], std::memory_order_relaxed);
    }
    bytes_[i].store('\0', std::memory_order_release);
  }
  std::string get() const {
    std::string text;
    for (const std::atomic<char>& byte : bytes_) {
      const char value = byte.load(std::memory_order_relaxed);
      if (value == '\0') break;
      text += value;
    }
    return text;
  }

 private:
  std::atomic<char> bytes_[kBytes];
};

class ExploreBoard {
 public:
  static constexpr size_t kStrategies = 8;
  static constexpr size_t kMostJobs = 64;

  enum class Verdict : uint8_t { kNotRun, kClean, kUndecided, kSkipped, kFinding };

  struct Tally {
    std::atomic<Verdict> verdict;
    std::atomic<uint64_t> schedules[kStrategies];  // by strategy of the plan
    std::atomic<uint64_t> nanoseconds;             // of all workers together
    std::atomic<uint64_t> processor_nanoseconds;   // likewise, in schedules: nothing saved or shown
    std::atomic<uint64_t> distinct;                // interleavings
    std::atomic<uint64_t> most_steps, most_choices, most_threads;
    std::atomic<uint64_t> steps, operations, deliveries, judged, undecided, repeated, kept;
    // Of the depth-first search: the bound that was finished, plus 1, and its schedules.
    std::atomic<uint64_t> finished_bound, finished_schedules;
    std::atomic<bool> search_ended;
    std::atomic<bool> uncontrolled;  // the subject is not instrumented
    SharedText<64> finding_verdict;
    SharedText<32> rule;
    SharedText<1024> note, finding;  // why, and the finding's file
  };

  struct Lane {
    static constexpr size_t kDecisions = size_t{1} << 20;
    std::atomic<bool> running;  // a schedule
    // Where it is; `next` is the number, in the turn, of the schedule after the one that runs.
    std::atomic<uint64_t> program, round, strategy, next, seed;
    std::atomic<uint64_t> decisions;  // taken in this schedule
    std::atomic<bool> done;           // everything that was asked for
    // A finding that a worker could not run again itself, for the next one.
    SharedText<1024> unverified;
    uint8_t decided[kDecisions];
  };

  // A new one, for this process and those it starts. Null with errno set.
  static std::unique_ptr<ExploreBoard> create(size_t programs, size_t jobs);
  // Of the process that started this one. Null when there is none; *lane is this process's.
  static std::unique_ptr<ExploreBoard> inherited(size_t programs, size_t* lane);
  // The environment that hands it to a process of that lane: "NAME=value".
  std::string variable(size_t lane) const;
  static constexpr char kVariable[] = "KQ_EXPLORE_BOARD";

  ~ExploreBoard();
  ExploreBoard(const ExploreBoard&) = delete;
  ExploreBoard& operator=(const ExploreBoard&) = delete;

  Tally& program(size_t index) { return programs_[index]; }
  const Tally& program(size_t index) const { return programs_[index]; }
  Lane& lane(size_t index) { return lanes_[index]; }
  size_t programs() const { return program_count_; }
  size_t jobs() const { return job_count_; }
  // Counts the interleaving as one of the program's when it is new. When the table is full (some
  // millions), nothing is new any more.
  void met(size_t program, uint64_t interleaving);
  bool full() const;

  // Since it was made, by the clock that all processes share.
  std::chrono::nanoseconds elapsed() const;

 private:
  struct Head;
  ExploreBoard(int fd, void* memory, size_t programs, size_t jobs);
  static size_t bytes(size_t programs, size_t jobs);

  int fd_;
  void* memory_;
  size_t program_count_, job_count_;
  Head* head_;
  Tally* programs_;
  Lane* lanes_;
  std::atomic<uint64_t>* table_;
};

// The largest of what was there and the value.
void raise_to(std::atomic<uint64_t>* most, uint64_t value);

}  // namespace kqtorture
