// What does one event cost, from the object's becoming ready to the knote's being armed again?
//
// The cycle of every event loop: the object becomes ready, the loop waits, reads, and arms the
// knote once more. Four disciplines: level (nothing to arm), EV_CLEAR (nothing to arm either),
// EV_DISPATCH with EV_ENABLE, EV_ONESHOT with a new EV_ADD. Re-arming travels in the changelist of
// the next wait, as the kqueue was made for. Beside each stands its counterpart of raw epoll, on
// objects of the same kind in the same process: level, EPOLLET, EPOLLONESHOT with EPOLL_CTL_MOD,
// and EPOLL_CTL_DEL with EPOLL_CTL_ADD. Once with one object, once with 64 that are ready together
// and a list of 64. The time per event is the inverse of items_per_second.
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

using Objects = std::vector<std::unique_ptr<Object>>;

Objects make_objects(ObjectKind kind, size_t count, const Calls& calls) {
  Objects objects;
  for (size_t i = 0; i < count; i++) objects.push_back(std::make_unique<Object>(kind, calls));
  return objects;
}

struct Discipline {
  const char* name;
  uint16_t create;
  uint16_t rearm;  // 0: nothing to be done
};
constexpr Discipline kDisciplines[] = {
    {"level", flag::kAdd, 0},
    {"clear", flag::kAdd | flag::kClear, 0},
    {"dispatch", flag::kAdd | flag::kDispatch, flag::kEnable},
    {"oneshot", flag::kAdd | flag::kOneshot, flag::kAdd | flag::kOneshot},
};

void kqueue_cycle(benchmark::State& state, ObjectKind kind, const Discipline& discipline,
                  size_t count) {
  const Objects objects = make_objects(kind, count, subject_calls());
  Kqueue kq;
  std::vector<Kevent> changes, events(count);
  // The udata is what an event loop has in it: the way to its object.
  for (const auto& object : objects) {
    changes.push_back({static_cast<uintptr_t>(object->fd()), filter::kRead, discipline.create, 0, 0,
                       object.get()});
  }
  kq.call(changes.data(), static_cast<int>(count), nullptr, 0);
  changes.clear();
  for (auto _ : state) {
    for (const auto& object : objects) object->make_ready();
    for (size_t done = 0; done < count;) {
      const int got = kq.call(changes.data(), static_cast<int>(changes.size()), events.data(),
                              static_cast<int>(count));
      changes.clear();
      for (int i = 0; i < got; i++) {
        Kevent& event = events[static_cast<size_t>(i)];
        static_cast<const Object*>(event.udata)->drain();
        if (discipline.rearm == 0) continue;
        event.flags = discipline.rearm;
        event.fflags = 0;
        event.data = 0;
        changes.push_back(event);
      }
      done += static_cast<size_t>(got);
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
}

#ifdef __linux__

enum class Rearm { kNothing, kModify, kDeleteAndAdd };
struct EpollDiscipline {
  const char* name;
  uint32_t events;
  Rearm rearm;
};
constexpr EpollDiscipline kEpollDisciplines[] = {
    {"level", EPOLLIN, Rearm::kNothing},
    {"et", EPOLLIN | EPOLLET, Rearm::kNothing},
    {"oneshot_mod", EPOLLIN | EPOLLONESHOT, Rearm::kModify},
    {"del_add", EPOLLIN, Rearm::kDeleteAndAdd},
};

void control(int epoll, int operation, const Object& object, uint32_t events) {
  epoll_event item{};
  item.events = events;
  item.data.ptr = const_cast<Object*>(&object);
  if (epoll_ctl(epoll, operation, object.fd(), &item) != 0) {
    wrong_answer(std::string("epoll_ctl: ") + strerror(errno));
  }
}

void epoll_cycle(benchmark::State& state, ObjectKind kind, const EpollDiscipline& discipline,
                 size_t count) {
  const Objects objects = make_objects(kind, count, host_calls());
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  for (const auto& object : objects) control(epoll, EPOLL_CTL_ADD, *object, discipline.events);
  std::vector<epoll_event> events(count);
  for (auto _ : state) {
    for (const auto& object : objects) object->make_ready();
    for (size_t done = 0; done < count;) {
      const int got = epoll_wait(epoll, events.data(), static_cast<int>(count), -1);
      for (int i = 0; i < got; i++) {
        const auto& object = *static_cast<const Object*>(events[static_cast<size_t>(i)].data.ptr);
        object.drain();
        if (discipline.rearm == Rearm::kModify) {
          control(epoll, EPOLL_CTL_MOD, object, discipline.events);
        } else if (discipline.rearm == Rearm::kDeleteAndAdd) {
          control(epoll, EPOLL_CTL_DEL, object, 0);
          control(epoll, EPOLL_CTL_ADD, object, discipline.events);
        }
      }
      if (got > 0) done += static_cast<size_t>(got);
    }
  }
  state.SetItemsProcessed(static_cast<int64_t>(state.iterations() * count));
  close(epoll);
}

#endif

std::string title(const char* side, ObjectKind kind, const char* discipline, size_t count) {
  return std::string("delivery/") + name_of(kind) + "/" + std::to_string(count) + "/" + side + "_" +
         discipline;
}

int add_all() {
  for (const ObjectKind kind : {ObjectKind::kPipe, ObjectKind::kSocketpair, ObjectKind::kEventfd}) {
    const bool host = kind == ObjectKind::kEventfd;
    for (const size_t count : {size_t{1}, size_t{64}}) {
      // A list of 64 costs the same per object whatever the object; a pipe stands for all.
      if (count > 1 && kind != ObjectKind::kPipe) continue;
      for (const Discipline& discipline : kDisciplines) {
        add({title("kqueue", kind, discipline.name, count),
             [=](benchmark::State& state) { kqueue_cycle(state, kind, discipline, count); }, false,
             host});
      }
#ifdef __linux__
      for (const EpollDiscipline& discipline : kEpollDisciplines) {
        add({title("epoll", kind, discipline.name, count),
             [=](benchmark::State& state) { epoll_cycle(state, kind, discipline, count); }});
      }
#endif
    }
  }
  return 0;
}

[[maybe_unused]] const int kAdded = add_all();

}  // namespace

}  // namespace kqtorture::bench
