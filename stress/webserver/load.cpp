#include "load.h"

namespace kqtorture::web {

Load::Load(const Subject& subject, const VisitOptions& options, Ledger* ledger)
    : subject_(subject), options_(options), ledger_(*ledger) {}

Load::~Load() { join(); }

void Load::start(int visitors, uint64_t visits, uint64_t seed) {
  left_.store(static_cast<int64_t>(visits));
  running_.store(visitors);
  Random random(seed);
  for (int i = 0; i < visitors; ++i) {
    threads_.emplace_back([this, i, own = random.next()] {
      run(i, own);
      running_.fetch_sub(1);
    });
  }
}

void Load::run(int number, uint64_t seed) {
  Visitor visitor(subject_, options_, &ledger_, &doorway_, number, seed);
  std::string trouble;
  try {
    while (!ledger_.guilty() && left_.fetch_sub(1, std::memory_order_relaxed) > 0) {
      if (!visitor.visit()) break;
    }
  } catch (const NoConnection& error) {
    trouble = error.what();
    left_.store(0);
  }
  const std::lock_guard<std::mutex> lock(mutex_);
  if (trouble_.empty()) trouble_ = trouble;
  for (size_t i = 0; i < Visitor::kRoles; ++i) played_[i] += visitor.played()[i];
}

void Load::join() {
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

}  // namespace kqtorture::web
