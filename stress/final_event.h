// The ledger of EV_FORCEONESHOT: generations of knotes, each of which must end in one final event.
//
// A generation is the life of a knote from its EV_ADD on; its token is the udata of every change,
// so each delivery names the generation it belongs to. The reaper that created a generation is the
// only one to force it. What the ledger demands (I6): exactly one final event, marked; no other
// event from a call that began after the forcing ended; then the knote is gone; and nothing is
// lost: a forced knote that is or becomes enabled is delivered, however idle its object.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "kqueue_race.h"

namespace kqtorture {

class FinalEventRace : public KqueueRace {
 public:
  // generations: bound of those that one reaper creates in a round.
  FinalEventRace(SourceKind kind, size_t generations);
  ~FinalEventRace() override;

  bool waits(int thread) const override { return thread < workers_; }
  bool renews_keys() const override { return true; }
  void setup(Lane& self) override;
  void thread(Lane& self) override;
  void verify(Lane& self, const std::vector<const Lane*>& lanes) override;
  Tallies tallies() const override;

 protected:
  struct Generation {
    std::atomic<int> owner{0};  // 1 + lane of the running handler
    std::atomic<uint32_t> finals{0};
    // Plain on purpose: written by the reaper before the knote exists, ...
    Source source;
    uint64_t token = 0;
    uint16_t creation_flags = 0;
    // ... touched by handlers where the race says that they exclude each other, ...
    uint64_t handled = 0;
    // ... written by the reaper, read when all threads have ended.
    bool forced = false;
    uint64_t force_end = 0;
    uint64_t finished = 0;  // touched by the handler of the final event
  };

  virtual void reap(Lane& self) = 0;
  // The handler of an event that is not the final one; the generation may be forced meanwhile.
  virtual void handle(Lane& self, const Kevent& event, Generation* generation,
                      std::vector<Kevent>* pending) = 0;
  // Do handlers of one generation exclude each other, the final one included (I6')?
  virtual bool exclusive() const = 0;

  void deliver(Lane& self, const Call& call, const Kevent& event,
               std::vector<Kevent>* pending) override;

  // A new generation of this reaper, null when there are no more this round.
  Generation* create(Lane& self, const Source& source, uint16_t creation_flags);
  // EV_FORCEONESHOT with more flags. The first time it must succeed: only the final event, which
  // nobody has asked for yet, ends the knote.
  void force(Lane& self, Generation* generation, uint16_t more_flags);
  // No change but an ADD finds the knote: it is gone once its final event has been delivered.
  bool expect_gone(Lane& self, const Generation& generation, uint16_t flags);
  int change(Lane& self, const Generation& generation, uint16_t flags, uint32_t fflags = 0);

  int workers() const { return workers_; }
  int reapers() const { return threads() - workers_; }
  SourceKind kind() const { return kind_; }
  template <typename Function>
  void each_generation(const Function& function) const {
    for (size_t row = 0; row < rows_.size(); ++row) {
      for (size_t i = 0; i < used_[row].count; ++i) function(rows_[row][i]);
    }
  }

 private:
  Generation* generation_of(Lane& self, const Kevent& event);
  bool check_final(Lane& self, const Kevent& event, Generation* generation);
  size_t row_of(int lane) const { return static_cast<size_t>(lane - workers_); }

  struct alignas(64) Used {
    size_t count = 0;
  };
  const SourceKind kind_;
  const size_t limit_;
  const int workers_;
  std::vector<std::unique_ptr<Generation[]>> rows_;  // one per reaper
  std::vector<Used> used_;
  // When the latest call that returned an ordinary event of a generation began, per worker.
  std::vector<std::vector<uint64_t>> latest_ordinary_;
  uint64_t finals_ = 0, ordinary_before_ = 0;
};

}  // namespace kqtorture
