// What does it cost to wake oneself up? EVFILT_USER from trigger to delivery, one and 64 at a time.
#include "bench.h"

namespace kqtorture::bench {
namespace {

void trigger(benchmark::State& state, int list) {
  const int kq = subject().kqueue();
  std::vector<Kevent> changes, events(static_cast<size_t>(list));
  for (int i = 0; i < list; ++i) {
    changes.push_back({static_cast<uintptr_t>(i), filter::kUser,
                       static_cast<uint16_t>(flag::kAdd | flag::kClear), 0, 0, nullptr});
  }
  if (kq < 0 || subject().kevent(kq, changes.data(), list, nullptr, 0, nullptr) != 0) {
    state.SkipWithError("EVFILT_USER cannot be registered");
    return;
  }
  for (Kevent& change : changes) {
    change.flags = 0;
    change.fflags = note::kTrigger;
  }
  for (auto _ : state) {
    subject().kevent(kq, changes.data(), list, nullptr, 0, nullptr);
    for (int seen = 0; seen < list;) {
      const int n = subject().kevent(kq, nullptr, 0, events.data(), list, nullptr);
      if (n <= 0 || n > list - seen) {
        wrong_answer(state, "triggers were lost or delivered twice");
        subject().close(kq);
        return;
      }
      seen += n;
    }
    work().operations += 2;
    work().deliveries += static_cast<uint64_t>(list);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * list);
  subject().close(kq);
}

}  // namespace

void register_user_trigger() {
  for (const int list : {1, 64}) {
    benchmark::RegisterBenchmark(("user_trigger/kqueue/list:" + std::to_string(list)).c_str(),
                                 [=](benchmark::State& state) { trigger(state, list); });
  }
}

}  // namespace kqtorture::bench
