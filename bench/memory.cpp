// How much memory does a knote take, and does it take a descriptor? Up to 10^5 knotes are added:
// READ on eventfds, USER, TIMER. Told are what malloc() handed out, the private memory that became
// resident, and the descriptors that were opened, per knote. Nothing here is a time.
//
// Where RLIMIT_NOFILE allows fewer descriptors than READ knotes are asked for, each descriptor is
// watched by several kqueues, and the row says by how many.
#include <errno.h>

#include <cstring>

#include "bench.h"
#include "crowd.h"
#include "process.h"
#include "subject/worker.h"

namespace kqtorture::bench {
namespace {

std::vector<Kevent> changes_of(int16_t filter, int count) {
  std::vector<Kevent> changes;
  if (filter == filter::kRead) {
    for (const int fd : idle_descriptors(count)) {
      changes.push_back({static_cast<uintptr_t>(fd), filter, flag::kAdd, 0, 0, nullptr});
    }
    return changes;
  }
  constexpr intptr_t kADay = 24 * 3600;
  for (int i = 0; i < count; ++i) {
    const bool timer = filter == filter::kTimer;
    changes.push_back({static_cast<uintptr_t>(i), filter, flag::kAdd, timer ? note::kSeconds : 0,
                       timer ? kADay : 0, nullptr});
  }
  return changes;
}

struct Footprint {
  long heap = heap_in_use();
  long resident = private_memory();
  int descriptors = open_descriptors();
};

double per_knote(long after, long before, size_t knotes) {
  if (after < 0 || before < 0) return -1;
  return static_cast<double>(after - before) / static_cast<double>(knotes);
}

void measure(benchmark::State& state, const Subject& who, int16_t filter, int count) {
  const std::vector<Kevent> changes = changes_of(filter, count);
  if (changes.empty()) {
    state.SkipWithError("no descriptors to watch");
    return;
  }
  const size_t kqueues_needed = (static_cast<size_t>(count) + changes.size() - 1) / changes.size();
  const size_t knotes = kqueues_needed * changes.size();
  for (auto _ : state) {
    std::vector<int> kqs(kqueues_needed);
    for (int& kq : kqs) kq = who.kqueue();
    const Footprint before;
    bool accepted = true;
    for (const int kq : kqs) accepted = accepted && apply_in_portions(who, kq, changes);
    const int code = errno;
    const Footprint after;
    for (const int kq : kqs) who.close(kq);
    if (!accepted) {
      state.SkipWithError((std::string("EV_ADD was refused: ") + std::strerror(code)).c_str());
      return;
    }
    state.counters["heap_bytes"] = per_knote(after.heap, before.heap, knotes);
    state.counters["resident_bytes"] = per_knote(after.resident, before.resident, knotes);
    state.counters["descriptors"] = per_knote(after.descriptors, before.descriptors, knotes);
    state.counters["knotes"] = static_cast<double>(knotes);
  }
  state.SetLabel(std::to_string(changes.size()) + " in each of " + std::to_string(kqueues_needed) +
                 " kqueues");
  add_work(knotes, 0, static_cast<uint64_t>(state.iterations()));
  note_progress();
}

}  // namespace

void register_memory() {
  const struct {
    int16_t filter;
    const char* name;
    bool needs_descriptors;
  } kinds[] = {{filter::kRead, "read", true},
               {filter::kUser, "user", false},
               {filter::kTimer, "timer", false}};
  for (const auto& kind : kinds) {
    if (kind.needs_descriptors && !has_host_descriptors()) continue;
    for (const int count : {1000, 10'000, 100'000}) {
      // Timers may cost a descriptor each, and a peer's limit is not ours to exhaust.
      if (kind.filter == filter::kTimer && count > 1000) continue;
      for (const Contender& who : kqueues()) {
        const std::string name =
            std::string("memory/") + kind.name + "/knotes:" + std::to_string(count);
        declare(by(name, who.name),
                [=](benchmark::State& state) { measure(state, *who.subject, kind.filter, count); })
            ->Iterations(1)
            ->Unit(benchmark::kMillisecond);
      }
    }
  }
}

}  // namespace kqtorture::bench
