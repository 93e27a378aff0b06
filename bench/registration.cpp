// What does it cost to begin and to end watching?
//
// EV_ADD and EV_DELETE of a descriptor, of a USER and of a TIMER knote; one at a time, and 64 in
// one changelist, which epoll has no way to do. Beside it epoll_ctl's ADD and DEL. close() of a
// watched descriptor has to take its knote along, so a dup, ADD and close stands beside a dup and
// close. The time per knote, both halves, is the inverse of items_per_second.
#include <errno.h>
#include <string.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <unistd.h>
#endif

#include <memory>

#include "bench.h"

namespace kqtorture::bench {

namespace {

void set_flags(std::vector<Kevent>& changes, uint16_t flags) {
  for (Kevent& change : changes) change.flags = flags;
}

void add_and_delete(benchmark::State& state, int16_t filter, size_t count) {
  std::vector<std::unique_ptr<Object>> objects;
  std::vector<Kevent> changes;
  for (size_t i = 0; i < count; i++) {
    uintptr_t ident = i;
    if (filter == filter::kRead) {
      objects.push_back(std::make_unique<Object>(ObjectKind::kPipe, subject_calls()));
      ident = static_cast<uintptr_t>(objects.back()->fd());
    }
    // A timer that is not going to fire: an hour, in milliseconds.
    changes.push_back({ident, filter, 0, 0, filter == filter::kTimer ? 3600000 : 0, nullptr});
  }
  Kqueue kq;
  for (auto _ : state) {
    set_flags(changes, flag::kAdd);
    kq.call(changes.data(), static_cast<int>(count), nullptr, 0);
    set_flags(changes, flag::kDelete);
    kq.call(changes.data(), static_cast<int>(count), nullptr, 0);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
}

// watched: with an ADD before the close.
void dup_and_close(benchmark::State& state, bool watched) {
  const Object object(ObjectKind::kPipe, subject_calls());
  Kqueue kq;
  for (auto _ : state) {
    const int fd = subject().calls().dup(object.fd());
    if (fd < 0) wrong_answer(std::string("dup: ") + strerror(errno));
    const Kevent change{static_cast<uintptr_t>(fd), filter::kRead, flag::kAdd, 0, 0, nullptr};
    if (watched) kq.call(&change, 1, nullptr, 0);
    subject().close(fd);
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
}

#ifdef __linux__
void epoll_add_and_delete(benchmark::State& state) {
  const Object object(ObjectKind::kPipe, host_calls());
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event item{};
  item.events = EPOLLIN;
  for (auto _ : state) {
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, object.fd(), &item) != 0 ||
        epoll_ctl(epoll, EPOLL_CTL_DEL, object.fd(), &item) != 0) {
      wrong_answer(std::string("epoll_ctl: ") + strerror(errno));
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()));
  close(epoll);
}
#endif

int add_all() {
  const struct {
    const char* name;
    int16_t filter;
  } filters[] = {{"pipe", filter::kRead}, {"user", filter::kUser}, {"timer", filter::kTimer}};
  for (const auto& [name, filter] : filters) {
    for (const size_t count : {size_t{1}, size_t{64}}) {
      add({std::string("registration/") + name + "/" + std::to_string(count) + "/kqueue_add_delete",
           [=, number = filter](benchmark::State& state) {
             add_and_delete(state, number, count);
           }});
    }
  }
#ifdef __linux__
  add({"registration/pipe/1/epoll_add_delete", epoll_add_and_delete});
#endif
  add({"registration/pipe/1/dup_add_close",
       [](benchmark::State& state) { dup_and_close(state, true); }});
  add({"registration/pipe/1/dup_close",
       [](benchmark::State& state) { dup_and_close(state, false); }});
  return 0;
}

[[maybe_unused]] const int kAdded = add_all();

}  // namespace

}  // namespace kqtorture::bench
