// The numbers travel in a file rather than on stdout, because stdout belongs to GoogleTest, Google
// Benchmark or libFuzzer, and a file survives whatever they print.
#include "report/stats.h"

#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <random>

#include "report/files.h"
#include "report/text.h"

namespace kqtorture {
namespace {

constexpr size_t kMaxStatsBytes = size_t{1} << 20;
// A year: longer budgets are typing errors, and the product with 1000 stays exact.
constexpr double kMaxBudgetSeconds = 365.0 * 24 * 3600;

}  // namespace

bool write_stats(const Stats& stats) {
  const char* path = std::getenv("KQ_STATS");
  if (path == nullptr || *path == '\0') return true;
  nlohmann::ordered_json object;
  object["operations"] = stats.operations;
  object["deliveries"] = stats.deliveries;
  object["executions"] = stats.executions;
  for (const auto& [name, value] : stats.extra) object[to_utf8(name)] = value;
  std::string error;
  if (write_file(path, object.dump() + "\n", &error)) return true;
  std::fprintf(stderr, "KQ_STATS: %s\n", error.c_str());
  return false;
}

bool read_stats(const std::string& path, Stats* stats, std::string* error) {
  std::string text;
  if (!read_file(path, kMaxStatsBytes, &text, error)) return false;
  const auto object = nlohmann::json::parse(text, nullptr, false);
  if (!object.is_object()) {
    *error = path + ": not a JSON object";
    return false;
  }
  Stats result;
  for (const auto& [name, value] : object.items()) {
    if (!value.is_number_unsigned()) {
      *error = path + ": \"" + to_printable(name) + "\" is not an unsigned number";
      return false;
    }
    const auto number = value.get<uint64_t>();
    if (name == "operations") {
      result.operations = number;
    } else if (name == "deliveries") {
      result.deliveries = number;
    } else if (name == "executions") {
      result.executions = number;
    } else {
      result.extra[name] = number;
    }
  }
  *stats = result;
  return true;
}

uint64_t draw_seed() {
  std::random_device device;
  return uint64_t{device()} << 32 | device();
}

uint64_t seed_from_environment() {
  const char* text = std::getenv("KQ_SEED");
  if (text != nullptr && *text != '\0') {
    char* end = nullptr;
    errno = 0;
    const unsigned long long value = std::strtoull(text, &end, 0);
    if (errno == 0 && *end == '\0' && *text != '-') return value;
    std::fprintf(stderr, "KQ_SEED: not a number from 0 to 2^64-1, drawing a seed instead\n");
  }
  return draw_seed();
}

std::chrono::milliseconds budget_from_environment(std::chrono::milliseconds fallback) {
  const char* text = std::getenv("KQ_BUDGET");
  if (text == nullptr || *text == '\0') return fallback;
  char* end = nullptr;
  const double seconds = std::strtod(text, &end);
  if (*end != '\0' || !std::isfinite(seconds) || seconds <= 0 || seconds > kMaxBudgetSeconds) {
    return fallback;
  }
  return std::chrono::milliseconds(std::llround(seconds * 1000));
}

}  // namespace kqtorture
