// Runs a race: round after round of threads that start together and always end.
//
// A race is a small class: setup(), thread(lane), judge(), verify(). The runner starts the threads
// at a barrier, winds them down after a slice of time, waits until those that drive the race have
// ended and those that wait on the kqueue are asleep (parking.h), lets the race judge what is still
// due, releases the waiters and lets the race verify its ledger. A thread that sleeps where it may
// not is a finding, a thread that cannot be woken too; no verdict depends on how long anything
// took.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "lane.h"
#include "settings.h"
#include "subject/subject.h"
#include "traits.h"

namespace kqtorture {

// What every race of the program runs with; set once by main().
struct Environment {
  Settings settings;
  std::unique_ptr<Subject> subject;
  Traits traits;
};
Environment& environment();

// The race could not be set up on this machine (no descriptors left): exit code 2, no finding.
struct EnvironmentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// What a round did, by name: the verdict of a pass is these numbers.
using Tallies = std::vector<std::pair<std::string, uint64_t>>;

class Race {
 public:
  virtual ~Race() = default;
  virtual int threads() const = 0;
  // Thread i may sleep in kevent() until released; every other thread must end by itself.
  virtual bool waits(int thread) const = 0;
  virtual void setup(Lane& self) = 0;
  virtual void thread(Lane& self) = 0;
  // Quiescence: all drivers have ended, all waiters sleep. self belongs to the supervisor.
  virtual void judge(Lane& self) = 0;
  // Makes every waiter return. May be called more than once.
  virtual void release(Lane& self) = 0;
  // All threads have ended; lanes are in order of their index.
  virtual void verify(Lane& self, const std::vector<const Lane*>& lanes) = 0;
  // All numbers must be positive by the end of the case, or it has exercised nothing.
  virtual Tallies tallies() const = 0;
};

using RaceFactory = std::function<std::unique_ptr<Race>()>;

// Runs the case `name` until its seconds have passed or its rounds are done. Fails the current
// GoogleTest case on a finding, and when a tally is zero; skips nothing.
void run_race(const std::string& name, const RaceFactory& make);

// The name of the GoogleTest case that is running, as --gtest_filter takes it.
std::string current_case();

// What main() needs to know at the end.
struct Outcome {
  uint64_t operations = 0, deliveries = 0, rounds = 0, cases = 0, findings = 0;
  bool environment_trouble = false;
};
const Outcome& outcome();
void count_finding();

}  // namespace kqtorture
