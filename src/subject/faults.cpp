// The environment is read once: it does not change while a program runs, and engines ask often.
#include "subject/faults.h"

#include <cerrno>
#include <cstdlib>

#include "report/text.h"

namespace kqtorture {
namespace {

constexpr unsigned long kMillion = 1'000'000;

// Digits and nothing else, up to where `end` then points; false if there are none or too many.
bool number_at(const char* text, const char** end, unsigned long long* value) {
  if (*text < '0' || *text > '9') return false;
  char* after = nullptr;
  errno = 0;
  *value = std::strtoull(text, &after, 10);
  *end = after;
  return errno == 0;
}

const FaultRate& fault_rate() {
  static const FaultRate rate = [] {
    std::string ignored;  // Subject::open has refused what means nothing
    return faults_asked_for(&ignored).value_or(FaultRate{});
  }();
  return rate;
}

}  // namespace

std::optional<FaultRate> faults_asked_for(std::string* error) {
  FaultRate rate;
  const char* text = std::getenv("KQ_FAULTS");
  if (text == nullptr || *text == '\0') return rate;
  unsigned long long value = 0;
  const char* end = text;
  bool good = number_at(text, &end, &value) && value <= kMillion;
  rate.per_million = static_cast<unsigned>(value);
  if (good && *end == ':') {
    good = number_at(end + 1, &end, &value);
    rate.seed = value;
  }
  if (good && *end == '\0') return rate;
  *error = "KQ_FAULTS: \"" + to_line(text) + "\" is not RATE or RATE:SEED, a rate of a million";
  return std::nullopt;
}

bool FaultsStrike::at_all(const Subject& subject) {
  return subject.hooks().set_faults != nullptr && fault_rate().per_million > 0;
}

FaultsStrike::FaultsStrike(const Subject& subject, uint64_t run)
    : subject_(subject), at_all_(at_all(subject)) {
  if (!at_all_) return;
  // Apart by an odd constant, the golden ratio's, so that neighbours share no sequence.
  const uint64_t seed = fault_rate().seed + run * 0x9e3779b97f4a7c15;
  subject_.hooks().set_faults(fault_rate().per_million, seed);
}

FaultsStrike::~FaultsStrike() {
  if (at_all_) subject_.hooks().set_faults(0, 1);
}

}  // namespace kqtorture
