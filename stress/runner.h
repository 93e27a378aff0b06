// Runs a race: round after round of threads that start together and always end.
//
// A race is a small class: setup(), thread(lane), judge(), work(). The runner starts the threads
// at a barrier, winds them down after a slice of time, waits until those that drive the race have
// ended and those that wait on the kqueue are asleep (parking.h), lets the race judge what is still
// due, releases the waiters, and asks the checker of histories whether any legal order explains
// what all threads asked and were told. A thread that sleeps where it may not is a finding, a
// thread that cannot be woken too; no verdict depends on how long anything took.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "contract/host.h"
#include "contract/profile.h"
#include "lane.h"
#include "settings.h"
#include "subject/subject.h"

namespace kqtorture {

// What every race of the program runs with; set once by main().
struct Environment {
  Settings settings;
  std::unique_ptr<Subject> subject;
  const contract::Profile* profile = nullptr;
  const contract::Host* host = nullptr;
};
Environment& environment();

// The race could not be set up on this machine (no descriptors left): exit code 2, no finding.
struct EnvironmentError : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// The race needs what the subject does not have: its case is skipped, with what() as the reason.
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Opens the subject of the settings, with the contract that it is judged by. Empty, or why not.
std::string open_subject(Environment* env);

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
  // All threads have ended: what the checker of histories does not judge. By default it judges all.
  virtual void verify(Lane&) {}
  // The kinds of work that lanes count (Lane::count), by their number, at most Lane::kMostWork.
  // None may be zero by the end of the case, or it has exercised nothing.
  virtual std::vector<const char*> work() const = 0;
};

using RaceFactory = std::function<std::unique_ptr<Race>()>;

// Runs the case `name` until its seconds have passed or its rounds are done. Fails the current
// GoogleTest case on a finding, and when a kind of work was never done; skips it where
// setup() throws Unsupported.
void run_race(const std::string& name, const RaceFactory& make);

// The name of the GoogleTest case that is running, as --gtest_filter takes it.
std::string current_case();

// What main() needs to know at the end.
struct Outcome {
  uint64_t operations = 0, deliveries = 0, rounds = 0, cases = 0, findings = 0, undecided = 0;
  bool environment_trouble = false;
};
const Outcome& outcome();
void count_finding();

}  // namespace kqtorture
