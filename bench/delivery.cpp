// What does an event cost, from the byte that causes it to being ready for the next one? By
// discipline, object and length of the list; on Linux beside raw epoll, which does not tell how
// many bytes there are, and once more with the FIONREAD that would.
#include <memory>

#include "bench.h"
#include "raw_epoll.h"

namespace kqtorture::bench {
namespace {

template <typename Make>
void run(benchmark::State& state, ObjectKind kind, int list, Make make) {
  Objects objects(kind, list);
  if (!objects.ok()) {
    state.SkipWithError("the objects cannot be created");
    return;
  }
  const std::unique_ptr<Cycle> cycle = make(objects);
  std::string what;
  for (auto _ : state) {
    if (!cycle->run(&what)) {
      wrong_answer(state, what);
      return;
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations()) * list);
}

std::string name(const char* side, Discipline discipline, ObjectKind kind, int list) {
  return std::string("delivery/") + side + "/" + name_of(discipline) + "/" + name_of(kind) +
         "/list:" + std::to_string(list);
}

void register_one(Discipline discipline, ObjectKind kind, int list) {
  benchmark::RegisterBenchmark(name("kqueue", discipline, kind, list).c_str(),
                               [=](benchmark::State& state) {
                                 run(state, kind, list, [=](const Objects& objects) {
                                   return std::make_unique<KqueueCycle>(objects, discipline);
                                 });
                               });
#ifdef __linux__
  if (subject().calls().read != ::read) return;  // its descriptors mean nothing to epoll
  for (const bool with_data : {false, true}) {
    benchmark::RegisterBenchmark(
        name(with_data ? "epoll+FIONREAD" : "epoll", discipline, kind, list).c_str(),
        [=](benchmark::State& state) {
          run(state, kind, list, [=](const Objects& objects) {
            return std::make_unique<EpollCycle>(objects, discipline, with_data);
          });
        });
  }
#endif
}

}  // namespace

void register_delivery() {
  for (const Discipline discipline :
       {Discipline::kDispatch, Discipline::kOneshot, Discipline::kClear, Discipline::kLevel}) {
    for (const ObjectKind kind :
         {ObjectKind::kPipe, ObjectKind::kSocketpair, ObjectKind::kEventfd}) {
      if (!available(kind)) continue;
      for (const int list : {1, 64}) register_one(discipline, kind, list);
    }
  }
}

}  // namespace kqtorture::bench
