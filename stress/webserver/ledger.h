// The ledger: what was promised to every connection and request, and the first promise broken.
//
// Server and clients write down what they saw that may not be; nobody who accuses waits for
// anybody. The first accusation is the finding, the others are counted, because what follows the
// first is often only its consequence.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

namespace kqtorture::web {

struct Accusation {
  std::string verdict, rule, message;  // as in a finding: the same for every occurrence
  std::vector<std::string> facts;      // of this one
};

class Ledger {
 public:
  void accuse(Accusation accusation) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!first_) first_ = std::move(accusation);
    errors_.fetch_add(1, std::memory_order_relaxed);
  }
  bool guilty() const { return errors() != 0; }
  uint64_t errors() const { return errors_.load(std::memory_order_relaxed); }
  std::optional<Accusation> first() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return first_;
  }

 private:
  mutable std::mutex mutex_;
  std::optional<Accusation> first_;
  std::atomic<uint64_t> errors_{0};
};

}  // namespace kqtorture::web
