// What does it cost to wake an event loop by hand: NOTE_TRIGGER and its delivery?
//
// Trigger and wait are two calls, as they are when another thread triggers. The usual way without
// EVFILT_USER, an eventfd in an epoll instance, stands beside it.
#ifdef __linux__
#include <sys/epoll.h>
#include <unistd.h>
#endif

#include "bench.h"

namespace kqtorture::bench {

namespace {

void trigger_and_wait(benchmark::State& state, uint16_t create, uint16_t rearm) {
  Kqueue kq;
  Kevent change{1, filter::kUser, create, 0, 0, nullptr};
  kq.call(&change, 1, nullptr, 0);
  const Kevent trigger{1, filter::kUser, 0, note::kTrigger, 0, nullptr};
  // Without EV_CLEAR the latch stays set, so what is armed again must be cleared as well.
  const Kevent again{1, filter::kUser, static_cast<uint16_t>(rearm | flag::kClear), 0, 0, nullptr};
  Kevent event;
  for (auto _ : state) {
    kq.call(&trigger, 1, nullptr, 0);
    kq.call(nullptr, 0, &event, 1);
    if (rearm != 0) kq.call(&again, 1, nullptr, 0);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

#ifdef __linux__
void eventfd_in_epoll(benchmark::State& state) {
  const Object object(ObjectKind::kEventfd, host_calls());
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event item{};
  item.events = EPOLLIN;
  epoll_ctl(epoll, EPOLL_CTL_ADD, object.fd(), &item);
  for (auto _ : state) {
    object.make_ready();
    if (epoll_wait(epoll, &item, 1, -1) == 1) object.drain();
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  close(epoll);
}
#endif

int add_all() {
  add({"user/kqueue_clear",
       [](benchmark::State& state) { trigger_and_wait(state, flag::kAdd | flag::kClear, 0); }});
  add({"user/kqueue_dispatch", [](benchmark::State& state) {
         trigger_and_wait(state, flag::kAdd | flag::kDispatch, flag::kEnable);
       }});
  add({"user/kqueue_oneshot", [](benchmark::State& state) {
         trigger_and_wait(state, flag::kAdd | flag::kOneshot, flag::kAdd | flag::kOneshot);
       }});
#ifdef __linux__
  add({"user/epoll_eventfd", eventfd_in_epoll});
#endif
  return 0;
}

[[maybe_unused]] const int kAdded = add_all();

}  // namespace

}  // namespace kqtorture::bench
