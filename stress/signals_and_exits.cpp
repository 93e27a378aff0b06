// Signals and processes under load: is every post counted, and every exit told, once? (I9 c, 3.5,
// 3.6)
//
// Both races keep a ledger beside the history. Threads post signals that are ignored, handled, or
// left to a default that does nothing, while knotes with EV_CLEAR and EV_DISPATCH are delivered,
// enabled and disabled: in the end the sum of data is the number of posts. Children end while their
// knotes are added and deleted: each is told once, or was deleted once, and who is told can reap.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <csignal>
#include <memory>
#include <string>

#include "engine/children.h"
#include "kqueue_race.h"

namespace kqtorture {
namespace {

void heard(int) {}

class SignalRace : public KqueueRace {
 public:
  explicit SignalRace(uint16_t creation) : KqueueRace(half()), creation_(creation) {}
  ~SignalRace() override {
    for (Watched& signal : signals_) {
      if (signal.set) subject().calls().sigaction(signal.number, &signal.before, nullptr);
    }
  }

  void setup(Lane& self) override {
    KqueueRace::setup(self);
    for (Watched& signal : signals_) {
      struct sigaction act {};
      act.sa_handler = signal.handler;
      act.sa_flags = SA_RESTART;
      if (subject().calls().sigaction(signal.number, &act, &signal.before) != 0) {
        throw Unsupported("the subject has no sigaction()");
      }
      signal.set = true;
      if (self.change(kq(), change_of(self, signal, flag::kAdd | creation_)) != 0) {
        throw Unsupported("the subject has no EVFILT_SIGNAL");
      }
    }
  }

  std::vector<const char*> work() const override {
    return {"posts", "enables", "disables", "polls", "deliveries"};
  }

  // Whatever disabled knotes hold back is due now.
  void verify(Lane& self) override {
    const timespec zero{0, 0};
    for (const Watched& signal : signals_) {
      self.change(kq(), change_of(self, signal, flag::kEnable));
    }
    Kevent events[8];
    const int count = self.kevent(kq(), nullptr, 0, events, 8, &zero);
    for (int i = 0; i < count; ++i) enter(events[i]);
    for (const Watched& signal : signals_) {
      const uint64_t posted = signal.posted.load(), told = signal.told.load();
      if (posted == told) continue;
      self.accuse({told < posted ? "lost" : "phantom",
                   "I9",
                   "the posts of a signal and the sum of data are not the same",
                   {"signal " + std::to_string(signal.number) + ": posted " +
                    std::to_string(posted) + ", told " + std::to_string(told)},
                   now_ns()});
      return;
    }
  }

 protected:
  void drive(Lane& self) override {
    Watched& signal = self.random().element(signals_);
    switch (self.random().below(8)) {
      case 0:
        if (self.change(kq(), change_of(self, signal, flag::kDisable)) == 0) self.count(2);
        return;
      case 1:
      case 2:
        if (self.change(kq(), change_of(self, signal, flag::kEnable)) == 0) self.count(1);
        return;
      case 3:
        self.count(3);
        return poll(self, nullptr, 0);
      default:
        if (subject().calls().raise(signal.number) != 0) return;
        signal.posted.fetch_add(1, std::memory_order_relaxed);
        self.count(0);
    }
  }

  void handle(Lane& self, const Kevent& event, std::vector<Kevent>* pending) override {
    Watched* const signal = enter(event);
    if (signal == nullptr) return;
    self.count(4);
    if ((event.flags & flag::kDispatch) != 0) {
      pending->push_back(change_of(self, *signal, flag::kEnable));
    }
  }

 private:
  struct Watched {
    int number;
    void (*handler)(int);
    std::atomic<uint64_t> posted{0}, told{0};
    struct sigaction before {};
    bool set = false;
  };

  static Kevent change_of(Lane& self, const Watched& signal, int flags) {
    return make_change(static_cast<uintptr_t>(signal.number), filter::kSignal,
                       static_cast<uint16_t>(flags), self.fresh_udata());
  }

  Watched* enter(const Kevent& event) {
    for (Watched& signal : signals_) {
      if (event.filter != filter::kSignal) continue;
      if (event.ident != static_cast<uintptr_t>(signal.number)) continue;
      signal.told.fetch_add(static_cast<uint64_t>(event.data), std::memory_order_relaxed);
      return &signal;
    }
    return nullptr;
  }

  const uint16_t creation_;
  // The runner itself posts USR2.
  std::array<Watched, 3> signals_{{{SIGUSR1, SIG_IGN}, {SIGURG, heard}, {SIGWINCH, SIG_DFL}}};
};

TEST(SignalCounts, AddUpWithClear) {
  run_race(current_case(), [] { return std::make_unique<SignalRace>(0); });
}

TEST(SignalCounts, AddUpWithDispatch) {
  run_race(current_case(), [] { return std::make_unique<SignalRace>(flag::kDispatch); });
}

class ExitRace : public KqueueRace {
 public:
  ExitRace() : KqueueRace(half()) {}

  void setup(Lane& self) override {
    if (!profile().zombie_taken) throw Unsupported("it takes no zombies");
    if (subject().has_own_descriptors()) {
      throw Unsupported("the host's processes are none of the subject's");
    }
    KqueueRace::setup(self);
    for (Watched& child : children_) {
      // By the supervisor, which outlives the round: a child dies with the thread that made it.
      if (!child.process.start()) throw EnvironmentError("a child process cannot be made");
    }
  }

  std::vector<const char*> work() const override {
    return {"adds", "exits", "deletes", "exits told", "enables"};
  }

  void verify(Lane& self) override {
    for (const Watched& child : children_) {
      const int ends = child.told.load() + child.deleted.load();
      const bool complete = child.added.load() == 2 && child.ended.load() == 2;
      if (ends <= 1 && (ends == 1 || !complete)) continue;
      const std::string facts = "told " + std::to_string(child.told.load()) + ", deleted " +
                                std::to_string(child.deleted.load());
      self.accuse({ends > 1 ? "duplicate" : "lost",
                   "I4",
                   "the exit of a process is told, or its knote deleted, not exactly once",
                   {facts},
                   now_ns()});
      return;
    }
  }

 protected:
  void drive(Lane& self) override {
    const size_t index = self.random().below(children_.size());
    Watched& child = children_[index];
    switch (self.random().below(6)) {
      case 0:
        if (!claim(&child.added)) return;
        if (self.change(kq(), change_of(self, child, flag::kAdd)) == 0) {
          child.added.store(2);
          self.count(0);
        }
        return;
      case 1:
        if (self.random().chance(3, 4) || !claim(&child.ended)) return;
        if (child.process.exit_with(static_cast<int>(index)) == 0) self.count(1);
        child.ended.store(2);
        return;
      case 2:
        if (self.random().chance(3, 4)) return;
        if (self.change(kq(), change_of(self, child, flag::kDelete)) == 0) {
          child.deleted.fetch_add(1);
          self.count(2);
        }
        return;
      case 3:
        if (self.change(kq(), change_of(self, child, flag::kEnable)) == 0) self.count(4);
        return;
      default:
        return poll(self, nullptr, 0);
    }
  }

  void handle(Lane& self, const Kevent& event, std::vector<Kevent>*) override {
    if (event.filter != filter::kProc) return;
    for (size_t i = 0; i < children_.size(); ++i) {
      Watched& child = children_[i];
      if (event.ident != static_cast<uintptr_t>(child.process.pid())) continue;
      child.told.fetch_add(1);
      self.count(3);
      siginfo_t info{};
      const bool dead = waitid(P_PID, static_cast<id_t>(child.process.pid()), &info,
                               WEXITED | WNOHANG | WNOWAIT) == 0 &&
                        info.si_pid == child.process.pid();
      if (!dead) {
        self.accuse({"phantom",
                     "I10",
                     "an exit was told of a process that cannot be reaped yet",
                     {},
                     now_ns()});
      }
      const bool told = profile().exit_status == contract::ExitStatus::kOnDemand ||
                        event.data == static_cast<intptr_t>(i << 8);
      if (!told) {
        self.accuse({"wrong-answer",
                     "I11",
                     "an exit was told with another status than it has",
                     {"data " + std::to_string(event.data)},
                     now_ns()});
      }
    }
  }

 private:
  struct Watched {
    ScriptedChild process;
    std::atomic<int> added{0}, ended{0};  // 1: claimed, 2: done
    std::atomic<int> told{0}, deleted{0};
  };

  static bool claim(std::atomic<int>* step) {
    int none = 0;
    return step->compare_exchange_strong(none, 1);
  }

  static Kevent change_of(Lane& self, const Watched& child, int flags) {
    return make_change(static_cast<uintptr_t>(child.process.pid()), filter::kProc,
                       static_cast<uint16_t>(flags), self.fresh_udata(), note::kExit);
  }

  std::array<Watched, 24> children_;
};

TEST(ProcessExits, AreToldOnceOrDeletedOnce) {
  run_race(current_case(), [] { return std::make_unique<ExitRace>(); });
}

}  // namespace
}  // namespace kqtorture
