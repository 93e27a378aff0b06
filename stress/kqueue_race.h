// The part that all races on one kqueue have in common: the kqueue, and the loop of a worker.
//
// A worker waits, checks what every returned list must satisfy, and hands each delivery to the
// race. It leaves when the runner releases it: through a level-triggered READ knote that exists in
// every round and becomes ready at its end.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "runner.h"
#include "source.h"

namespace kqtorture {

class KqueueRace : public Race {
 public:
  KqueueRace();
  ~KqueueRace() override;

  int threads() const override { return threads_; }
  void setup(Lane& self) override;
  void release(Lane& self) override;
  // An event that is due while everybody sleeps is a lost wake-up: nothing may be due.
  void judge(Lane& self) override;

 protected:
  // One delivery. Changes appended to *pending are made by the worker's next call to kevent().
  virtual void deliver(Lane& self, const Call& call, const Kevent& event,
                       std::vector<Kevent>* pending) = 0;
  // Does the race delete keys and add them again? Then one list may hold two knotes of one key,
  // which differ in udata.
  virtual bool renews_keys() const { return false; }
  // An EV_ERROR entry in a worker's list: is it what a change of the race asked for?
  virtual bool asked_for(const Kevent& entry);
  // The worker's loop.
  void serve(Lane& self);

  bool accuse(Lane& self, const char* verdict, const char* rule, std::string message,
              const Kevent& about, std::vector<std::string> facts = {}) const;

  const Subject& subject() const { return subject_; }
  const Traits& traits() const { return traits_; }
  const Settings& settings() const { return settings_; }
  int kq() const { return kq_; }
  // ThreadSanitizer sees into the emulator only.
  bool opaque() const { return !subject_.is_emulator(); }
  // The flags and the udata rule of a change that enables a knote and gives it a fresh token.
  uint16_t arming_flags(const Source& source, uint16_t creation_flags) const;
  bool tokens_count(const Source& source) const;

 private:
  std::optional<timespec> patience(Lane& self) const;
  bool sane_list(Lane& self, const Call& call, const Kevent* events) const;

  const Subject& subject_;
  const Traits& traits_;
  const Settings& settings_;
  const int threads_;
  int kq_ = -1;
  Source exit_;
};

}  // namespace kqtorture
