#include "bench.h"

#include <unistd.h>

#include <atomic>
#include <mutex>

namespace kqtorture::bench {
namespace {

const Subject* current = nullptr;
const Subject* second = nullptr;

std::mutex complaint_lock;
std::string complaint;

std::atomic<uint64_t> operations_done{0}, deliveries_done{0}, cycles_done{0};

}  // namespace

const Subject& subject() { return *current; }
const Subject* peer() { return second; }

void set_subjects(const Subject* subject, const Subject* peer) {
  current = subject;
  second = peer;
}

std::vector<Contender> kqueues() {
  std::vector<Contender> result{{"kqueue", current}, {"kqueue.again", current}};
  if (second != nullptr) result.push_back({"peer", second});
  return result;
}

bool has_host_descriptors() { return !current->has_own_descriptors(); }

std::string by(const std::string& question, const std::string& contender) {
  return question + "/by:" + contender;
}

namespace {
std::vector<std::string>& names() {
  static std::vector<std::string> all;
  return all;
}
}  // namespace

benchmark::internal::Benchmark* declare(const std::string& name,
                                        const std::function<void(benchmark::State&)>& measure) {
  names().push_back(name);
  return benchmark::RegisterBenchmark(name.c_str(), measure);
}

const std::vector<std::string>& declared() { return names(); }

void add_work(uint64_t operations, uint64_t deliveries, uint64_t cycles) {
  operations_done.fetch_add(operations, std::memory_order_relaxed);
  deliveries_done.fetch_add(deliveries, std::memory_order_relaxed);
  cycles_done.fetch_add(cycles, std::memory_order_relaxed);
}

Work work_done() { return {operations_done.load(), deliveries_done.load(), cycles_done.load()}; }

void wrong_answer(benchmark::State& state, const Subject* guilty, const std::string& what) {
  if (guilty == current) {
    const std::lock_guard<std::mutex> guard(complaint_lock);
    if (complaint.empty()) complaint = what;
  }
  state.SkipWithError(what.c_str());
}

std::string first_wrong_answer() {
  const std::lock_guard<std::mutex> guard(complaint_lock);
  return complaint;
}

}  // namespace kqtorture::bench
