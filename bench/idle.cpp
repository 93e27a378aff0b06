// Does an event cost more when many knotes have nothing to say? 64 active pipes beside 10 to 10^6
// idle knotes: READ knotes on eventfds that nobody writes to, as many as the process may have
// descriptors, and USER knotes that nobody triggers for the rest (the row tells how many of each).
// Beside epoll, for which the descriptors are the limit.
//
// Registering 10^6 knotes takes longer than measuring, so a rig is made once, at its first
// repetition, and kept for the others.
#include <errno.h>

#include <cstring>

#include "crowd.h"
#include "ring.h"

#ifdef __linux__
#include <sys/epoll.h>
#endif

namespace kqtorture::bench {
namespace {

constexpr int kActive = 64;

using Register = std::function<Crowd(int descriptor)>;

// Kept from the first repetition on, by the closure that this returns.
MakeRig once(const MakeRig& make) {
  const auto kept = std::make_shared<std::shared_ptr<Rig>>();
  return [=] {
    if (*kept == nullptr) *kept = make();
    return *kept;
  };
}

void add(int idle, const std::string& contender, const Subject& maker,
         const std::function<std::unique_ptr<Side>(Objects&)>& make_side, const Register& crowd) {
  const auto make = [=, &maker] {
    std::shared_ptr<Rig> rig = make_rig(maker, ObjectKind::kPipe, kActive, make_side);
    if (!rig->error.empty()) return rig;
    const Crowd made = crowd(rig->side->descriptor());
    rig->error = made.error;
    rig->label = std::to_string(made.descriptors) + " READ and " + std::to_string(made.users) +
                 " USER knotes idle";
    return rig;
  };
  register_ring({"idle/dispatch/pipe/list:64/idle:" + std::to_string(idle), contender, kActive, 1},
                once(make));
}

#ifdef __linux__
Crowd watch_idle_descriptors(int epoll, int count) {
  Crowd crowd;
  for (const int fd : idle_descriptors(count)) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) != 0) {
      crowd.error = std::string("epoll_ctl: ") + std::strerror(errno);
      return crowd;
    }
    ++crowd.descriptors;
  }
  if (crowd.descriptors < count) {
    crowd.error = "RLIMIT_NOFILE allows " + std::to_string(crowd.descriptors) + " of " +
                  std::to_string(count) + " idle descriptors";
  }
  return crowd;
}
#endif

}  // namespace

void register_idle() {
  for (const int idle : {1, 10, 100, 1000, 10'000, 100'000, 1'000'000}) {
    for (const Contender& who : kqueues()) {
      // A million once: the others say nothing that a tenth of them does not.
      if (idle == 1'000'000 && who.name != "kqueue") continue;
      const KqueueOptions options{who.subject, Discipline::kDispatch, kActive};
      add(
          idle, who.name, *who.subject,
          [=](Objects& objects) { return kqueue_side(objects, options); },
          [=](int kq) { return add_idle_knotes(*who.subject, kq, idle); });
    }
#ifdef __linux__
    if (!has_host_descriptors() || idle == 1'000'000) continue;
    add(
        idle, "epoll", subject(),
        [](Objects& objects) { return epoll_side(objects, Discipline::kDispatch, kActive, false); },
        [=](int epoll) { return watch_idle_descriptors(epoll, idle); });
#endif
  }
}

}  // namespace kqtorture::bench
