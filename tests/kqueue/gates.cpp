// GoogleTest has no "expected failure"; its interceptor for tests of tests serves.
#include "gates.h"

#include <gtest/gtest-spi.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>

namespace kqtorture {
namespace {

using Interceptor = ::testing::ScopedFakeTestPartResultReporter;

struct Gate {
  std::string reason;
  ::testing::TestPartResultArray results;
  std::unique_ptr<Interceptor> interceptor;
};

std::unique_ptr<Gate>& current() {
  static std::unique_ptr<Gate> gate;
  return gate;
}

// What came of the cases behind the gates with one reason.
struct Tally {
  int passed = 0;
  int failed = 0;
  int skipped = 0;  // for want of something else
  std::string example;
};

std::map<std::string, Tally>& tallies() {
  static std::map<std::string, Tally> by_reason;
  return by_reason;
}

bool gates_are_open() {
  const char* text = std::getenv("KQ_GATES");
  return text != nullptr && std::strcmp(text, "open") == 0;
}

}  // namespace

bool gate_is_open(const std::string& reason) {
  if (!gates_are_open()) return false;
  std::unique_ptr<Gate>& gate = current();
  if (gate != nullptr) {
    gate->reason += "; " + reason;
    return true;
  }
  ::testing::Test::RecordProperty("gate", reason);
  gate = std::make_unique<Gate>();
  gate->reason = reason;
  gate->interceptor =
      std::make_unique<Interceptor>(Interceptor::INTERCEPT_ALL_THREADS, &gate->results);
  return true;
}

void close_gate(const ::testing::TestInfo& test) {
  std::unique_ptr<Gate> gate = std::move(current());
  if (gate == nullptr) return;
  gate->interceptor.reset();
  bool failed = false, skipped = false;
  for (int i = 0; i < gate->results.size(); ++i) {
    failed = failed || gate->results.GetTestPartResult(i).failed();
    skipped = skipped || gate->results.GetTestPartResult(i).skipped();
  }
  Tally& tally = tallies()[gate->reason];
  (failed ? tally.failed : skipped ? tally.skipped : tally.passed)++;
  if (failed || skipped) return;
  tally.example = std::string(test.test_suite_name()) + "." + test.name();
}

void report_gates() {
  for (const auto& [reason, tally] : tallies()) {
    const int ran = tally.passed + tally.failed;
    const char* what = ran == 0            ? "not tried"
                       : tally.passed == 0 ? "rightly closed"
                       : tally.failed == 0 ? "unexpectedly passes"
                                           : "passes in part";
    std::printf("gate %s: %s: %d of %d cases pass", what, reason.c_str(), tally.passed, ran);
    if (tally.passed > 0) std::printf(", such as %s", tally.example.c_str());
    std::printf("\n");
  }
  std::fflush(stdout);
}

}  // namespace kqtorture
