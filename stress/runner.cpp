// A case: rounds of one race until its time is up or its rounds are done, each with its own seed.
#include "runner.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <map>

#include "round.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

Outcome total;

uint64_t mix(uint64_t a, uint64_t b) { return Random(a ^ (b * 0x9e3779b97f4a7c15)).next(); }

uint64_t hash_of(const std::string& text) {
  uint64_t hash = 1469598103934665603u;
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211u;
  return hash;
}

std::string describe_work(const std::string& name, uint64_t rounds, uint64_t operations,
                          const std::map<std::string, uint64_t>& tallies) {
  std::string text = "[ work     ] " + name + ": " + std::to_string(rounds) + " rounds, " +
                     std::to_string(operations) + " operations";
  for (const auto& [what, count] : tallies) text += ", " + std::to_string(count) + " " + what;
  return text;
}

}  // namespace

Environment& environment() {
  static Environment instance;
  return instance;
}

const Outcome& outcome() { return total; }

void count_finding() { ++total.findings; }

std::string current_case() {
  const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
  return std::string(info->test_suite_name()) + "." + info->name();
}

void run_race(const std::string& name, const RaceFactory& make) {
  const Environment& env = environment();
  const uint64_t seed = mix(env.settings.seed, hash_of(name));
  const std::string activity = name + " seed " + std::to_string(env.settings.seed);
  note_activity(activity.c_str());

  const int threads = make()->threads();
  Signals signals;
  std::vector<std::unique_ptr<Lane>> lanes;
  for (int i = 0; i <= threads; ++i) {
    lanes.push_back(std::make_unique<Lane>(i, *env.subject, &signals));
  }
  std::map<std::string, uint64_t> tallies;
  const auto until =
      std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(
                                             std::chrono::duration<double>(env.settings.seconds));
  uint64_t rounds = 0;
  while (!signals.guilty) {
    if (env.settings.iterations ? rounds >= env.settings.iterations
                                : rounds && std::chrono::steady_clock::now() >= until) {
      break;
    }
    ++rounds;
    signals.stop = signals.released = false;
    for (size_t i = 0; i < lanes.size(); ++i) {
      lanes[i]->begin_round(rounds, mix(seed, rounds * 256 + i));
    }
    try {
      const auto race = make();
      Round round(name, race.get(), &lanes, &signals);
      round.run();
      for (const auto& [what, count] : race->tallies()) tallies[what] += count;
      if (signals.guilty) round.report();
    } catch (const EnvironmentError& error) {
      std::fprintf(stderr, "kq_stress: %s: %s\n", name.c_str(), error.what());
      total.environment_trouble = true;
      FAIL() << error.what();
    }
    note_progress();
  }
  uint64_t operations = 0;
  for (const auto& lane : lanes) {
    operations += lane->operations();
    total.deliveries += lane->deliveries();
  }
  total.operations += operations;
  total.rounds += rounds;
  ++total.cases;
  std::printf("%s\n", describe_work(name, rounds, operations, tallies).c_str());
  std::fflush(stdout);
  if (signals.guilty) FAIL() << "the subject broke its contract: the finding is on stderr";
  for (const auto& [what, count] : tallies) {
    EXPECT_GT(count, 0u) << name << " exercised nothing: no " << what;
  }
}

}  // namespace kqtorture
