// The load generator: many visitors at once, and the sum of their accounts.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>
#include <thread>
#include <vector>

#include "ledger.h"
#include "visitor.h"

namespace kqtorture::web {

class Load {
 public:
  Load(const Subject& subject, const VisitOptions& options, Ledger* ledger);
  ~Load();

  // Starts visitors that make about `visits` visits together, or as many as there is time for.
  void start(int visitors, uint64_t visits, uint64_t seed);
  bool is_done() const { return running_.load() == 0; }
  void join();
  // From now on it is nobody's fault that a request is not answered. Call before the server knows.
  void expect_shutdown() { doorway_.shutting_down.store(true); }

  // After join(): why no connection could be made; empty when all could.
  const std::string& trouble() const { return trouble_; }
  uint64_t visits() const { return doorway_.visits.load(std::memory_order_relaxed); }
  uint64_t answers() const { return doorway_.answers.load(std::memory_order_relaxed); }
  const std::array<uint64_t, Visitor::kRoles>& played() const { return played_; }

 private:
  void run(int number, uint64_t seed);

  const Subject& subject_;
  const VisitOptions options_;
  Ledger& ledger_;
  Doorway doorway_;
  std::atomic<int64_t> left_{0};
  std::atomic<int> running_{0};
  std::vector<std::thread> threads_;
  std::mutex mutex_;  // of what follows
  std::string trouble_;
  std::array<uint64_t, Visitor::kRoles> played_{};
};

}  // namespace kqtorture::web
