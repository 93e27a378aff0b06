// The loops. What keeps a level-triggered knote ready for ever is taken away when the round stops:
// its worker deletes it.
#include "kqueue_race.h"

#include <errno.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace kqtorture {
namespace {

// Room of a worker's list: small rooms keep several workers in the kqueue at once.
constexpr size_t kMostRoom = 8;
// Of the list of a probe: more knotes than any race has ready at its end.
constexpr int kProbeRoom = 512;
// A subject that refuses this many calls of a worker in a row has been recorded often enough.
constexpr int kMostFailures = 1000;

// Mostly without a timeout, as servers wait and as lost wake-ups show; sometimes the other paths.
const timespec* patience(Lane& self) {
  static constexpr timespec kZero{0, 0}, kMoment{0, 200'000};
  const size_t choice = self.random().below(16);
  if (choice == 0) return &kZero;
  return choice == 1 ? &kMoment : nullptr;
}

}  // namespace

KqueueRace::KqueueRace(int workers)
    : threads_(environment().settings.threads), workers_(std::clamp(workers, 1, threads_ - 1)) {}

KqueueRace::~KqueueRace() {
  for (const auto& slot : slots_) slot->discard(subject());
  exit_.discard(subject());
  for (const int kq : more_kqueues_) subject().close(kq);
  if (kq_ >= 0) subject().close(kq_);
}

int KqueueRace::half() { return (environment().settings.threads + 1) / 2; }
int KqueueRace::most() { return environment().settings.threads - 1; }

void KqueueRace::setup(Lane& self) {
  kq_ = self.kqueue();
  if (kq_ < 0) throw EnvironmentError(std::string("kqueue(): ") + std::strerror(errno));
  if (!exit_.open(self)) throw EnvironmentError(std::string("a pipe: ") + std::strerror(errno));
  Kevent exit = make_change(0, 0, flag::kAdd, self.fresh_udata());
  exit_.key(filter::kRead, &exit);
  const int error = self.change(kq_, exit);
  if (error) throw EnvironmentError(std::string("EV_ADD of a pipe: ") + std::strerror(error));
}

Slot& KqueueRace::add_slot(Lane& self, SlotKind kind) {
  slots_.push_back(std::make_unique<Slot>(kind, slots_.size()));
  if (!slots_.back()->open(self)) {
    if (errno == ENOSYS) throw Unsupported(std::string("the subject has no ") + name_of(kind));
    throw EnvironmentError(std::string(name_of(kind)) + ": " + std::strerror(errno));
  }
  return *slots_.back();
}

Slot& KqueueRace::any_slot(Lane& self) {
  const size_t hot = std::min<size_t>(slots_.size(), 2);
  return *slots_[self.random().below(self.random().chance(1, 2) ? hot : slots_.size())];
}

Slot* KqueueRace::slot_at(const Kevent& event) {
  for (const auto& slot : slots_) {
    if (slot->is_at(event)) return slot.get();
  }
  return nullptr;
}

void KqueueRace::thread(Lane& self) {
  if (waits(self.index())) return serve(self);
  while (!self.stopping() && !self.guilty()) {
    drive(self);
    self.jitter();
  }
  leave(self);
}

bool KqueueRace::deliver(Lane& self, const Kevent& event, std::vector<Kevent>* pending) {
  if (is_exit(event)) return true;
  if (event.flags & flag::kError) return false;  // what a change of ours was told
  handle(self, event, pending);
  const bool ends_itself = event.flags & (flag::kOneshot | flag::kDispatch | flag::kClear);
  if (self.stopping() && (!ends_itself || event.filter == filter::kTimer)) {
    pending->push_back(make_change(event.ident, event.filter, flag::kDelete));
  }
  return false;
}

void KqueueRace::serve(Lane& self) {
  std::vector<Kevent> pending, changes;
  std::vector<Kevent> events(kMostRoom);
  int failures = 0;
  for (bool leaving = false; !leaving && !self.guilty() && failures < kMostFailures;) {
    const size_t room = std::max(1 + self.random().below(kMostRoom), pending.size());
    if (events.size() < room) events.resize(room);
    changes.swap(pending);
    pending.clear();
    const int count = self.kevent(kq_, changes.data(), static_cast<int>(changes.size()),
                                  events.data(), static_cast<int>(room), patience(self));
    failures = count < 0 ? failures + 1 : 0;
    if (count < 0 && errno == EINTR && self.released()) return;
    for (int i = 0; i < count; ++i) leaving = deliver(self, events[i], &pending) || leaving;
  }
  if (pending.empty()) return;
  self.kevent(kq_, pending.data(), static_cast<int>(pending.size()), nullptr, 0, nullptr);
}

void KqueueRace::poll(Lane& self, const Kevent* changes, int nchanges) {
  static constexpr timespec kZero{0, 0};
  Kevent events[kMostRoom];
  std::vector<Kevent> pending;
  const int room = std::max(1 + static_cast<int>(self.random().below(kMostRoom)), nchanges);
  const int count = self.kevent(kq_, changes, nchanges, events, room, &kZero);
  for (int i = 0; i < count; ++i) deliver(self, events[i], &pending);
  if (pending.empty()) return;
  self.kevent(kq_, pending.data(), static_cast<int>(pending.size()), nullptr, 0, nullptr);
}

void KqueueRace::judge(Lane& self) {
  std::vector<Kevent> events(kProbeRoom);
  self.probe(kq_, events.data(), kProbeRoom);
  for (const int kq : more_kqueues_) self.probe(kq, events.data(), kProbeRoom);
}

}  // namespace kqtorture
