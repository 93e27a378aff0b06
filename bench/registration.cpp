// What does it cost to register a descriptor and to remove it, and what does a change of a knote
// that exists? Lists of one and of 64 changes; on Linux beside epoll_ctl().
#include "bench.h"
#include "raw_epoll.h"

namespace kqtorture::bench {
namespace {

std::vector<Kevent> changes_of(const Objects& objects, uint16_t flags) {
  std::vector<Kevent> changes;
  for (int i = 0; i < objects.size(); ++i) {
    changes.push_back({static_cast<uintptr_t>(objects.fd(i)), filter::kRead, flags, 0, 0, nullptr});
  }
  return changes;
}

// Applies the lists in turn; each must be accepted whole.
void apply(benchmark::State& state, int list, uint16_t before, std::vector<uint16_t> steps) {
  Objects objects(ObjectKind::kPipe, list);
  const int kq = subject().kqueue();
  if (!objects.ok() || kq < 0) {
    state.SkipWithError("the objects cannot be created");
    return;
  }
  if (before) {
    const std::vector<Kevent> first = changes_of(objects, before);
    subject().kevent(kq, first.data(), list, nullptr, 0, nullptr);
  }
  std::vector<std::vector<Kevent>> lists;
  for (const uint16_t flags : steps) lists.push_back(changes_of(objects, flags));
  for (auto _ : state) {
    for (const auto& changes : lists) {
      if (subject().kevent(kq, changes.data(), list, nullptr, 0, nullptr) != 0) {
        wrong_answer(state, "a change was refused");
      }
    }
    work().operations += lists.size();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * list *
                          static_cast<int64_t>(lists.size()));
  subject().close(kq);
}

#ifdef __linux__
void epoll_add_delete(benchmark::State& state, int list) {
  Objects objects(ObjectKind::kPipe, list);
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  if (!objects.ok() || epoll < 0) {
    state.SkipWithError("the objects cannot be created");
    return;
  }
  for (auto _ : state) {
    for (const int operation : {EPOLL_CTL_ADD, EPOLL_CTL_DEL}) {
      for (int i = 0; i < list; ++i) {
        epoll_event event{};
        event.events = EPOLLIN;
        epoll_ctl(epoll, operation, objects.fd(i), &event);
      }
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * list * 2);
  ::close(epoll);
}
#endif

}  // namespace

void register_registration() {
  for (const int list : {1, 64}) {
    const std::string suffix = "/list:" + std::to_string(list);
    benchmark::RegisterBenchmark(("registration/kqueue/add+delete" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   apply(state, list, 0, {flag::kAdd, flag::kDelete});
                                 });
    benchmark::RegisterBenchmark(("registration/kqueue/disable+enable" + suffix).c_str(),
                                 [=](benchmark::State& state) {
                                   apply(state, list, flag::kAdd, {flag::kDisable, flag::kEnable});
                                 });
#ifdef __linux__
    if (subject().calls().read == ::read) {
      benchmark::RegisterBenchmark(("registration/epoll/add+delete" + suffix).c_str(),
                                   [=](benchmark::State& state) { epoll_add_delete(state, list); });
    }
#endif
  }
}

}  // namespace kqtorture::bench
