// Descriptors in the epoll instances.
//
// Every direction of a registered descriptor is one edge-triggered item. An edge says "evaluate the
// knotes of this direction"; the truth is asked of the object itself (object.cpp). The item's data
// names the number and the generation of its entry in Kqueue::registrations, never a pointer: an
// edge that was on its way when its registration went away finds another generation and is dropped.
#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <initializer_list>
#include <new>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

constexpr uint32_t kGenerationMask = 0x7fffffff;

uint64_t item_data(const Registration* registration, Direction direction) {
  const uint32_t generation =
      registration->kqueue->registrations[registration->fd].generation & kGenerationMask;
  return uint64_t{static_cast<uint32_t>(registration->fd)} << 32 | uint64_t{generation} << 1 |
         direction;
}

epoll_event item_event(const Registration* registration, Direction direction) {
  epoll_event event{};
  event.events = EPOLLET | (direction == kIn ? EPOLLIN | EPOLLRDHUP : EPOLLOUT | 0u);
  event.data.u64 = item_data(registration, direction);
  return event;
}

int instance(const Kqueue* kqueue, Place place) {
  return place == Place::kSecond ? kqueue->second_epoll : kqueue->epoll;
}

// Gives the registration its entry in the table of its kqueue.
bool enter(Kqueue* kqueue, Registration* registration) {
  if (!kqueue->registrations.reserve(registration->fd)) return false;
  kqueue->registrations[registration->fd].registration = registration;
  ++kqueue->live_registrations;
  return true;
}

void leave(Registration* registration) {
  Kqueue* kqueue = registration->kqueue;
  NumberEntry& entry = kqueue->registrations[registration->fd];
  entry.registration = nullptr;
  ++entry.generation;
  --kqueue->live_registrations;
}

}  // namespace

uint64_t token_data(Token token) { return uint64_t{static_cast<uint32_t>(token)} << 32; }

int add_internal_item(Kqueue* kqueue, int fd, Token token) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = token_data(token);
  if (sys::epoll_ctl(kqueue->epoll, EPOLL_CTL_ADD, fd, &event) == 0) return 0;
  return errno == ENOSPC ? ENOMEM : errno;  // the user's limit of watches
}

int install(Kqueue* kqueue, int fd, int* member, Token token) {
  if (fd < 0) return errno;
  int error = 0;
  {
    MutexGuard guard(&kqueue->lock);
    if (*member < 0) {
      error = add_internal_item(kqueue, fd, token);
      if (error == 0) *member = fd;
    }
    if (*member == fd) fd = -1;
  }
  close_internal(fd);
  return error;
}

int provide(Kqueue* kqueue, Need need) {
  if (need == kNeedProbe) return provide_probe(kqueue);
  if (need == kNeedInotify) {
    const auto create = [](int) { return sys::inotify_init(IN_NONBLOCK | IN_CLOEXEC); };
    return install(kqueue, make_internal(create), &kqueue->inotify, Token::kInotify);
  }
  const auto create = [](int) { return sys::epoll_create(EPOLL_CLOEXEC); };
  return install(kqueue, make_internal(create), &kqueue->second_epoll, Token::kSecond);
}

Registration* find_registration(Kqueue* kqueue, uint64_t data, Direction* direction) {
  const NumberEntry* entry = kqueue->registrations.find(data >> 32);
  const uint32_t generation = static_cast<uint32_t>(data) >> 1;
  if (!entry || (entry->generation & kGenerationMask) != generation) return nullptr;
  *direction = static_cast<Direction>(data & 1);
  return entry->registration;
}

Registration* create_registration(Kqueue* kqueue, Slot* slot, int fd, int* error) {
  auto* registration = new (std::nothrow) Registration;
  if (!registration) {
    *error = ENOMEM;
    return nullptr;
  }
  registration->kqueue = kqueue;
  registration->fd = fd;
  registration->doubtful = slot->closing != 0;
  if (Kqueue* child = slot->kqueue) {
    registration->kind = Kind::kKqueue;
    registration->watched = child;
  }
  if (!enter(kqueue, registration)) {
    delete registration;
    *error = ENOMEM;
    return nullptr;
  }
  registration->slot_next = slot->registrations;
  slot->registrations = registration;
  if (registration->child()) ++kqueue->children;
  return registration;
}

void abandon_registration(Registration* registration) {
  while (Knote* knote = registration->knotes()) drop_knote(registration->kqueue, knote);
  registration->stale = true;
  if (!registration->child()) return;
  unwatch_direction(registration, kIn);
  registration->watched = nullptr;
  --registration->kqueue->children;
}

void destroy_registration(Slot* slot, Registration* registration, bool still_open) {
  Kqueue* kqueue = registration->kqueue;
  while (Knote* knote = registration->knotes()) drop_knote(kqueue, knote);
  if (still_open) {
    // The open file may live on under another number, and would keep its items.
    unwatch_direction(registration, kIn);
    unwatch_direction(registration, kOut);
  }
  unwatch_file(registration);
  if (registration->child()) --kqueue->children;
  if (slot->registrations == registration) {
    slot->registrations = registration->slot_next;
  } else {
    Registration* before = slot->registrations;
    while (before->slot_next != registration) before = before->slot_next;
    before->slot_next = registration->slot_next;
  }
  leave(registration);
  if (kqueue->closing) {
    registration->slot_next = kqueue->dead_registrations;
    kqueue->dead_registrations = registration;
  } else {
    delete registration;
  }
}

int watch_direction(Registration* registration, Direction direction) {
  if (registration->place[direction] != Place::kNone) return 0;
  Kqueue* kqueue = registration->kqueue;
  const Direction other = direction == kIn ? kOut : kIn;
  Place place = Place::kMain;
  if (registration->place[other] == Place::kMain) {
    if (kqueue->second_epoll < 0) return kNeedSecondEpoll;
    place = Place::kSecond;
  }
  epoll_event event = item_event(registration, direction);
  const int epoll = instance(kqueue, place);
  if (sys::epoll_ctl(epoll, EPOLL_CTL_ADD, registration->fd, &event) != 0) {
    // An item left by a close that nobody saw, of a file that came back to the same number.
    if (errno != EEXIST || sys::epoll_ctl(epoll, EPOLL_CTL_MOD, registration->fd, &event) != 0) {
      if (errno == ENOSPC) return ENOMEM;  // the user's limit of watches
      if (errno == ELOOP) return EINVAL;   // kqueues nested too deeply, or in a circle
      return errno;
    }
  }
  registration->place[direction] = place;
  return 0;
}

void unwatch_direction(Registration* registration, Direction direction) {
  const Place place = registration->place[direction];
  if (place == Place::kNone) return;
  registration->place[direction] = Place::kNone;
  epoll_event unused{};
  sys::epoll_ctl(instance(registration->kqueue, place), EPOLL_CTL_DEL, registration->fd, &unused);
}

bool registered_since(Registration* registration, uint64_t clock) {
  if (registration->stale) return false;
  // The first test is the cheap half of the proof told in close_protocol.cpp.
  const bool sole =
      !registration->doubtful && !registration->child();  // a kqueue has a private copy
  if (sole && registration->last_edge >= clock && edges_prove_the_number(registration->fd)) {
    return true;
  }
  return still_registered(registration);
}

bool still_registered(Registration* registration) {
  if (registration->stale) return false;
  for (Direction direction : {kIn, kOut}) {
    const Place place = registration->place[direction];
    if (place == Place::kNone) continue;
    // Adding the item again must fail: the instance knows this number with this very file.
    epoll_event event = item_event(registration, direction);
    const int epoll = instance(registration->kqueue, place);
    if (sys::epoll_ctl(epoll, EPOLL_CTL_ADD, registration->fd, &event) != 0) return errno == EEXIST;
    sys::epoll_ctl(epoll, EPOLL_CTL_DEL, registration->fd, &event);
    return false;
  }
  // No item: a file, or a direction that never fires. Its inode must do.
  struct stat status;
  return sys::fstat(registration->fd, &status) == 0 && status.st_ino == registration->inode;
}

}  // namespace kq
