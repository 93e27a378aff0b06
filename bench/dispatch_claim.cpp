// Is it cheaper to enable a knote again than to add it again? The claim of 2006, as a ratio.
//
// "We don't have to go through the expense of reallocing the knote each time": EV_DISPATCH with
// EV_ENABLE against EV_ONESHOT with EV_ADD. A ratio of two figures from two moments says little on
// a machine that does other things, too. So both are measured in pairs, one right after the other
// and in alternating order, and the median of the pairs' ratios is reported with its quartiles.
// Time is the thread's CPU time: waiting for a processor is not the kqueue's cost.
//
//   rearm   the object stays ready, and one call arms the knote and returns its event: nothing but
//           the claim itself
//   cycle   with the write and the read of a real event
//
// Raw epoll's pair (EPOLLONESHOT with MOD against DEL and ADD) is measured in the same way. The
// ratio is how many times as many events the first of the pair delivers in the same time.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#ifdef __linux__
#include <sys/epoll.h>
#include <unistd.h>
#endif

#include <algorithm>
#include <chrono>
#include <functional>

#include "bench.h"

namespace kqtorture::bench {

namespace {

// A median of nine leaves out four on each side; a second's worth of pairs gives far more.
constexpr size_t kMinimumPairs = 9;
constexpr size_t kMaximumPairs = 999;
// One side of a pair: long against the clock's own cost, short against what disturbs a machine.
constexpr int kEventsPerSide = 200;

double cpu_seconds() {
  timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) * 1e-9;
}

using Side = std::function<void()>;  // delivers one event

double measure(const Side& side) {
  const double start = cpu_seconds();
  for (int i = 0; i < kEventsPerSide; i++) side();
  return cpu_seconds() - start;
}

double quantile(const std::vector<double>& sorted, double part) {
  return sorted[static_cast<size_t>(part * static_cast<double>(sorted.size() - 1) + 0.5)];
}

void compare(benchmark::State& state, const Side& first, const Side& second) {
  using Clock = std::chrono::steady_clock;
  measure(first);
  measure(second);
  std::vector<double> ratios;
  for (auto _ : state) {
    const auto start = Clock::now();
    const auto end = start + std::chrono::duration<double>(own_seconds());
    while (ratios.size() < kMinimumPairs || (Clock::now() < end && ratios.size() < kMaximumPairs)) {
      double first_time, second_time;
      if (ratios.size() % 2 == 0) {
        first_time = measure(first);
        second_time = measure(second);
      } else {
        second_time = measure(second);
        first_time = measure(first);
      }
      ratios.push_back(second_time / first_time);
    }
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
  std::sort(ratios.begin(), ratios.end());
  const auto ahead = std::count_if(ratios.begin(), ratios.end(), [](double r) { return r > 1; });
  state.counters["ratio"] = quantile(ratios, 0.5);
  state.counters["q1"] = quantile(ratios, 0.25);
  state.counters["q3"] = quantile(ratios, 0.75);
  state.counters["pairs"] = static_cast<double>(ratios.size());
  state.counters["ahead"] = static_cast<double>(ahead);
  state.SetItemsProcessed(static_cast<int64_t>(ratios.size()) * 2 * kEventsPerSide);
  char label[120];
  snprintf(label, sizeof label,
           "%.2f times as many events (quartiles %.2f to %.2f, ahead in %d of %d)",
           quantile(ratios, 0.5), quantile(ratios, 0.25), quantile(ratios, 0.75),
           static_cast<int>(ahead), static_cast<int>(ratios.size()));
  state.SetLabel(label);
}

// A knote on an object of its own.
class Knote {
 public:
  Knote(uint16_t create, uint16_t rearm, bool keep_ready)
      : object_(ObjectKind::kPipe, subject_calls()), keep_ready_(keep_ready) {
    change_ = {static_cast<uintptr_t>(object_.fd()), filter::kRead, create, 0, 0, nullptr};
    if (keep_ready) object_.make_ready();
    kq_.call(&change_, 1, nullptr, 0);
    // The first event, so that from now on each call arms first.
    if (!keep_ready) object_.make_ready();
    kq_.call(nullptr, 0, &event_, 1);
    if (!keep_ready) object_.drain();
    change_.flags = rearm;
  }

  void event() {
    if (!keep_ready_) object_.make_ready();
    kq_.call(&change_, 1, &event_, 1);
    if (!keep_ready_) object_.drain();
  }

 private:
  Object object_;
  Kqueue kq_;
  Kevent change_{}, event_{};
  const bool keep_ready_;
};

void compare_kqueue(benchmark::State& state, bool keep_ready) {
  Knote dispatch(flag::kAdd | flag::kDispatch, flag::kEnable, keep_ready);
  Knote oneshot(flag::kAdd | flag::kOneshot, flag::kAdd | flag::kOneshot, keep_ready);
  compare(
      state, [&] { dispatch.event(); }, [&] { oneshot.event(); });
}

#ifdef __linux__
// As Knote, for epoll; arming is a call of its own there.
class Item {
 public:
  Item(bool modify, bool keep_ready)
      : object_(ObjectKind::kPipe, host_calls()),
        epoll_(epoll_create1(EPOLL_CLOEXEC)),
        modify_(modify),
        keep_ready_(keep_ready) {
    if (keep_ready) object_.make_ready();
    control(EPOLL_CTL_ADD, modify ? 0u : uint32_t{EPOLLIN});
  }
  ~Item() { close(epoll_); }
  Item(const Item&) = delete;
  Item& operator=(const Item&) = delete;

  void event() {
    if (!keep_ready_) object_.make_ready();
    if (modify_) {
      control(EPOLL_CTL_MOD, EPOLLIN | EPOLLONESHOT);
    } else {
      control(EPOLL_CTL_DEL, 0);
      control(EPOLL_CTL_ADD, EPOLLIN);
    }
    epoll_event event;
    if (epoll_wait(epoll_, &event, 1, -1) != 1) wrong_answer("epoll_wait returned no event");
    if (!keep_ready_) object_.drain();
  }

 private:
  void control(int operation, uint32_t events) {
    epoll_event item{};
    item.events = events;
    if (epoll_ctl(epoll_, operation, object_.fd(), &item) != 0) {
      wrong_answer(std::string("epoll_ctl: ") + strerror(errno));
    }
  }

  Object object_;
  const int epoll_;
  const bool modify_;
  const bool keep_ready_;
};

void compare_epoll(benchmark::State& state, bool keep_ready) {
  Item modify(true, keep_ready), replace(false, keep_ready);
  compare(
      state, [&] { modify.event(); }, [&] { replace.event(); });
}
#endif

int add_all() {
  for (const bool keep_ready : {true, false}) {
    const std::string name = keep_ready ? "claim_2006/rearm/" : "claim_2006/cycle/";
    add({name + "dispatch_against_oneshot",
         [=](benchmark::State& state) { compare_kqueue(state, keep_ready); }, true});
#ifdef __linux__
    add({name + "epoll_mod_against_del_add",
         [=](benchmark::State& state) { compare_epoll(state, keep_ready); }, true});
#endif
  }
  return 0;
}

[[maybe_unused]] const int kAdded = add_all();

}  // namespace

}  // namespace kqtorture::bench
