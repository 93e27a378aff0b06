// One round of a race: its threads start together, and always end.
//
// Waiting for quiescence, releasing waiters and naming those that will not be woken is the same for
// every race and lives here. No verdict depends on how long anything took: who sleeps is asked of
// the kernel (parking.h), who works for nothing is seen by the work done and the CPU time used.
#pragma once

#include <sys/types.h>

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "contract/checker/checker.h"
#include "lane.h"
#include "parking.h"
#include "runner.h"

namespace kqtorture {

class Round {
 public:
  // lanes: one per thread, the last one is the supervisor's.
  // recorder: their logs; spread: of their pauses.
  Round(const std::string& name, Race* race, std::vector<std::unique_ptr<Lane>>* lanes,
        const Recorder* recorder, Signals* signals, uint64_t spread);

  // Runs it to its end. Afterwards signals.guilty says whether somebody has accused the subject.
  void run();
  // Saves what the checker found, or else the earliest accusation, as a finding.
  void report() const;
  const contract::CheckReport& checked() const { return checked_; }

 private:
  enum class Rest { kBusy, kQuiescent, kDriverStuck };
  struct State {
    std::atomic<bool> ended{false};
    std::atomic<pid_t> id{-1};
    bool ended_at_last_look = false;
    int looks_parked = 0;
    uint64_t steps = 0;  // at the last look at which they had changed ...
    uint64_t cpu = 0;    // ... and the CPU time used by then, in nanoseconds
  };

  void start();
  void wait_for_slice() const;
  bool wait_for_quiescence();
  void reap();
  Rest look();
  void look_for_endless_calls();
  void accuse(const char* verdict, const char* rule, const char* message);
  [[noreturn]] void give_up();

  bool ended(size_t thread) const { return states_[thread].ended.load(std::memory_order_acquire); }
  bool all_ended() const;
  bool drivers_ended() const;
  uint64_t steps() const;
  void check();
  std::string alive() const;

  const std::string& name_;
  Race& race_;
  std::vector<std::unique_ptr<Lane>>& lanes_;
  const Recorder& recorder_;
  Signals& signals_;
  const uint64_t spread_;
  Lane& self_;
  contract::CheckReport checked_;
  std::vector<std::thread> threads_;
  std::unique_ptr<State[]> states_;
  std::atomic<bool> go_{false};
  ParkingLot parking_;
  uint64_t looks_ = 0;
};

}  // namespace kqtorture
