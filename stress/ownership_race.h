// Workers that hand objects to one another through EV_DISPATCH, and the ledger that watches them.
//
// Every delivery of a knote makes its worker the owner of the object until it enables the knote
// again. The ledger has three parts, and none can be fooled by the others:
//   - an ownership word per object: two handlers at once are seen as they happen;
//   - a fresh token per arming, in udata: a second delivery of the same arming is seen even when
//   the
//     first handler has long finished, and however many redundant ENABLEs went by;
//   - plain data that the handler touches: a double delivery, or a kqueue that hands the object
//   over
//     without ordering memory, is a data race to ThreadSanitizer.
// The word is relaxed, so the ledger itself orders nothing.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "kqueue_race.h"

namespace kqtorture {

class OwnershipRace : public KqueueRace {
 public:
  // extra_flags: flag::kClear or 0, added to EV_DISPATCH.
  OwnershipRace(SourceKind kind, uint16_t extra_flags);
  ~OwnershipRace() override;

  void setup(Lane& self) override;
  void thread(Lane& self) override;
  bool waits(int thread) const override { return thread < workers_; }
  void judge(Lane& self) override;
  void verify(Lane& self, const std::vector<const Lane*>& lanes) override;
  Tallies tallies() const override;

 protected:
  struct alignas(64) Owned {
    Source source;
    std::atomic<int> owner{0};  // 1 + lane of the running handler
    std::atomic<bool> armed{false};
    // Plain on purpose: whoever was handed the knote owns them.
    uint64_t token = 0;  // of the latest arming
    uint64_t handled = 0;
    uint64_t drained = 0;
  };

  void deliver(Lane& self, const Call& call, const Kevent& event,
               std::vector<Kevent>* pending) override;
  // What a thread that is not a worker does, until self.stopping().
  virtual void drive(Lane& self);
  // Flags that every delivery carries beside EV_DISPATCH, and interest for every arming.
  virtual uint16_t echoed_flags() const { return 0; }

  // Makes the object of a knote do something, without touching the knote's udata.
  void stir(Lane& self, const Owned& object) const;

  int workers() const { return workers_; }
  std::vector<std::unique_ptr<Owned>>& objects() { return objects_; }
  uint16_t creation_flags() const { return creation_flags_; }
  Token new_token(Lane& self) {
    return Token(self.round(), self.index(), ++serials_[self.index()].next);
  }
  Owned* find(const Kevent& event);

 private:
  Kevent arming(Lane& self, Owned* object, uint64_t token, bool trigger) const;
  bool check(Lane& self, const Owned& object, const Kevent& event) const;

  struct alignas(64) Serial {
    uint64_t next = 0;
  };
  const SourceKind kind_;
  const uint16_t creation_flags_;
  int workers_;
  std::vector<std::unique_ptr<Owned>> objects_;
  std::vector<Serial> serials_;
  uint64_t handled_ = 0;
};

}  // namespace kqtorture
