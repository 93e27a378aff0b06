#include "deadlines.h"

#include <chrono>

namespace kqtorture::web {
namespace {

// With nobody to end, only a listener that ran out of descriptors waits for a look.
constexpr std::chrono::seconds kEmptyTick{1};

}  // namespace

int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

Deadlines::Deadlines(int64_t tick, std::function<void(Connection&)> end,
                     std::function<void()> idle_work)
    : tick_(tick), end_(std::move(end)), idle_work_(std::move(idle_work)) {
  thread_ = std::thread([this] { run(); });
}

Deadlines::~Deadlines() { stop(); }

void Deadlines::insert(Connection& c) {
  const std::lock_guard<std::mutex> lock(mutex_);
  list_.insert(&c);
  // An idle server sleeps; the first connection that may time out wakes this thread.
  if (list_.size() == 1) changed_.notify_one();
}

void Deadlines::remove(Connection& c) {
  const std::lock_guard<std::mutex> lock(mutex_);
  list_.erase(&c);
}

void Deadlines::shut_down(int64_t grace) {
  const std::lock_guard<std::mutex> lock(mutex_);
  shutting_down_ = true;
  grace_ends_ = now_ns() + grace;
  changed_.notify_one();
}

void Deadlines::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
    changed_.notify_one();
  }
  if (thread_.joinable()) thread_.join();
}

// Under the lock an entry is alive and the exchange says whose its end is; what is won stays alive
// until end_() has been called, which needs no lock.
void Deadlines::end_what_is_due(Reason reason, bool idle_only) {
  const int64_t now = now_ns();
  due_.clear();
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    for (Connection* c : list_) {
      const int64_t deadline = c->deadline.load(std::memory_order_relaxed);
      const bool expired = deadline != 0 && deadline <= now;
      const bool unwanted = shutting_down_ && (!idle_only || c->idle.load());
      if ((!expired && !unwanted) || c->ending.exchange(true)) continue;
      c->reason.store(expired ? Reason::kTimeout : reason, std::memory_order_relaxed);
      due_.push_back(c);
    }
    ended_ += due_.size();
  }
  for (Connection* c : due_) end_(*c);
}

void Deadlines::run() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    if (list_.empty()) {
      changed_.wait_for(lock, kEmptyTick, [this] { return stopping_ || !list_.empty(); });
    } else {
      changed_.wait_for(lock, std::chrono::nanoseconds(tick_), [this] { return stopping_; });
    }
    if (stopping_) return;
    const bool grace_is_over = shutting_down_ && now_ns() >= grace_ends_;
    lock.unlock();
    end_what_is_due(Reason::kShutdown, !grace_is_over);
    idle_work_();
    lock.lock();
  }
}

}  // namespace kqtorture::web
