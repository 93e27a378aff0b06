// The part that all races have in common: the kqueue, its slots, and the loops of a worker and of a
// driver.
//
// A worker waits in the kqueue and handles what it is given; a driver makes one step after the
// other until the round stops. A worker leaves when the runner releases it: through a
// level-triggered READ knote that exists in every round and becomes ready at its end. Nobody here
// judges anything: what was asked and returned is recorded, and the checker of histories decides.
#pragma once

#include <memory>
#include <vector>

#include "runner.h"
#include "slot.h"

namespace kqtorture {

class KqueueRace : public Race {
 public:
  // The first `workers` threads wait in the kqueue.
  explicit KqueueRace(int workers);
  ~KqueueRace() override;

  int threads() const override { return threads_; }
  bool waits(int thread) const override { return thread < workers_; }
  void setup(Lane& self) override;
  void thread(Lane& self) override;
  // Everybody sleeps: asks every kqueue of the race what is due.
  void judge(Lane& self) override;
  void release(Lane& self) override { exit_.fill(self); }

 protected:
  // The usual share of workers: half of the threads, or all but one.
  static int half();
  static int most();

  // One step of a driver.
  virtual void drive(Lane& self) = 0;
  // A driver's last deeds, in a round that stops.
  virtual void leave(Lane&) {}
  // One delivery. Changes appended to *pending are made by the worker's next call.
  virtual void handle(Lane&, const Kevent&, std::vector<Kevent>*) {}

  // A call that does not wait, with room for what is due, its deliveries handled: a driver's poll.
  // changes are made by the same call.
  void poll(Lane& self, const Kevent* changes, int nchanges);

  // Opens a slot; throws EnvironmentError or Unsupported. The race closes it after the round.
  Slot& add_slot(Lane& self, SlotKind kind);
  // A slot, half of the time one of the first two, so that threads meet.
  Slot& any_slot(Lane& self);
  std::vector<std::unique_ptr<Slot>>& slots() { return slots_; }
  Slot* slot_at(const Kevent& event);
  // Has judge() ask this kqueue, too, and the race close it after the round.
  void also_judge(int kq) { more_kqueues_.push_back(kq); }

  const Subject& subject() const { return *environment().subject; }
  const contract::Profile& profile() const { return *environment().profile; }
  const Settings& settings() const { return environment().settings; }
  int kq() const { return kq_; }
  bool is_exit(const Kevent& event) const { return exit_.is_at(event); }
  // ThreadSanitizer sees into the emulator only.
  bool opaque() const { return !subject().is_emulator(); }

 private:
  void serve(Lane& self);
  // Keeps a round that stops from going on for ever. True when the worker shall leave.
  bool deliver(Lane& self, const Kevent& event, std::vector<Kevent>* pending);

  const int threads_, workers_;
  int kq_ = -1;
  std::vector<int> more_kqueues_;
  Slot exit_{SlotKind::kPipe, 0};
  std::vector<std::unique_ptr<Slot>> slots_;
};

}  // namespace kqtorture
