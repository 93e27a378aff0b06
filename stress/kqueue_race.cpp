// The worker's loop, and the rules that hold for every list that kevent() returns: no empty return
// without a timeout (I14), a knote at most once per list (I7), no error that nothing asked for.
#include "kqueue_race.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "lane_chart.h"

namespace kqtorture {
namespace {
// Room for a worker's list: small rooms keep several workers in the kqueue at once. A list with
// changes has at least as much room as changes, so that no error entry can be without a place.
constexpr size_t kMaxRoom = 8;
}  // namespace

KqueueRace::KqueueRace()
    : subject_(*environment().subject),
      traits_(environment().traits),
      settings_(environment().settings),
      threads_(environment().settings.threads) {}

KqueueRace::~KqueueRace() {
  exit_.close(subject_);
  if (kq_ >= 0) subject_.close(kq_);
}

void KqueueRace::setup(Lane& self) {
  kq_ = subject_.kqueue();
  if (kq_ < 0) throw EnvironmentError(std::string("kqueue(): ") + std::strerror(errno));
  exit_ = Source::open(subject_, SourceKind::kPipe, 0);
  const int error = self.change(
      kq_, make_change(exit_.ident, exit_.filter, flag::kAdd, Token(self.round(), 254, 0).udata()));
  if (error) throw EnvironmentError(std::string("EV_ADD of a pipe: ") + std::strerror(error));
}

void KqueueRace::release(Lane&) { exit_.fill(subject_); }

bool KqueueRace::accuse(Lane& self, const char* verdict, const char* rule, std::string message,
                        const Kevent& about, std::vector<std::string> facts) const {
  facts.insert(facts.begin(), "T" + std::to_string(self.index()) + " saw: " + to_text(about));
  Accusation accusation{verdict,     rule, std::move(message), std::move(facts), about.filter,
                        about.ident, 0};
  self.accuse(std::move(accusation));
  return false;
}

uint16_t KqueueRace::arming_flags(const Source& source, uint16_t creation_flags) const {
  const bool enable_writes =
      source.is_user() ? traits_.user_enable_writes_udata : traits_.enable_writes_udata;
  return enable_writes ? flag::kEnable : flag::kEnable | flag::kAdd | creation_flags;
}

bool KqueueRace::tokens_count(const Source& source) const {
  return !(source.is_user() && traits_.user_filter_keeps_udata);
}

std::optional<timespec> KqueueRace::patience(Lane& self) const {
  // Mostly without a timeout, as servers wait and as lost wake-ups show; sometimes the other paths.
  const size_t choice = self.random().below(16);
  if (choice == 0) return timespec{0, 0};
  if (choice == 1) return timespec{0, 200000};
  return std::nullopt;
}

bool KqueueRace::sane_list(Lane& self, const Call& call, const Kevent* events) const {
  for (int i = 0; i < call.result; ++i) {
    for (int j = 0; j < i; ++j) {
      if (events[i].ident == events[j].ident && events[i].filter == events[j].filter &&
          (!renews_keys() || events[i].udata == events[j].udata)) {
        return accuse(self, "duplicate", "I7", "one kevent() call returned the same knote twice",
                      events[i]);
      }
    }
  }
  return true;
}

bool KqueueRace::asked_for(const Kevent&) { return false; }

void KqueueRace::serve(Lane& self) {
  std::vector<Kevent> pending;
  std::vector<Kevent> events(kMaxRoom);
  bool released = false;
  while (!released && !self.guilty()) {
    const size_t room = std::max(1 + self.random().below(kMaxRoom), pending.size());
    if (events.size() < room) events.resize(room);
    const std::optional<timespec> timeout = patience(self);
    const Call call =
        self.kevent(kq_, pending.data(), static_cast<int>(pending.size()), events.data(),
                    static_cast<int>(room), timeout ? &*timeout : nullptr);
    pending.clear();
    if (call.result < 0) {
      if (call.error == EINTR && self.released()) return;
      accuse(self, "wrong-errno", "1.3", "kevent() failed although every argument was valid",
             Kevent{}, {std::string("errno: ") + std::strerror(call.error)});
      return;
    }
    if (call.result == 0 && !timeout) {
      accuse(self, "wrong-answer", "I14", "kevent() without a timeout returned no event", Kevent{});
      return;
    }
    if (!sane_list(self, call, events.data())) return;
    for (int i = 0; i < call.result && !self.guilty(); ++i) {
      if (events[i].ident == exit_.ident && events[i].filter == exit_.filter) {
        released = true;
      } else if (events[i].flags & flag::kError) {
        if (asked_for(events[i])) continue;
        accuse(self, "wrong-errno", "I13", "a change that must be applied was refused", events[i]);
      } else {
        deliver(self, call, events[i], &pending);
      }
    }
  }
  if (!pending.empty()) {
    self.kevent(kq_, pending.data(), static_cast<int>(pending.size()), nullptr, 0, nullptr);
  }
}

void KqueueRace::judge(Lane& self) {
  const timespec poll{0, 0};
  Kevent events[64];
  const Call call = self.kevent(kq_, nullptr, 0, events, 64, &poll);
  if (call.result < 0) {
    accuse(self, "wrong-errno", "1.3", "a poll of the kqueue failed", Kevent{},
           {std::string("errno: ") + std::strerror(call.error)});
  } else if (call.result > 0) {
    accuse(self, "stuck-waiter", "I8",
           "lost wake-up: every waiter sleeps, yet a poll of the same kqueue returns an event",
           events[0]);
  }
}

}  // namespace kqtorture
