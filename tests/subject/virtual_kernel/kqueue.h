// A kqueue and its knotes: what a change does and what a scan delivers.
#pragma once

#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <utility>

#include "file.h"
#include "kernel.h"

namespace vkernel {

struct Knote {
  Event event{};          // as last evaluated; its flags are those stored when it was made
  uint32_t interest = 0;  // fflags as last given
  int64_t wanted = 0;     // data as last given
  bool disabled = false;
  bool active = false;
  bool queued = false;
  bool latch = false;                 // USER: triggered
  int64_t due = kNever;               // TIMER: when it expires next
  int64_t period = 0;                 // TIMER: 0 if it expires once
  Kqueue* owner = nullptr;            // never null
  std::shared_ptr<File> file;         // null where ident is no descriptor
  std::list<Knote*>::iterator place;  // in the queue, if queued

  bool has(Flag flag) const { return (event.flags & flag) != 0; }
};

class Kqueue : public File {
 public:
  Kqueue();
  ~Kqueue() override;

  int accepts(int filter) const override;
  bool evaluate(Knote& knote) override;

  // Applies one change; 0 or an errno. Leaves *change as an entry shows it.
  int apply(Event* change);
  // Delivers what is due, at most `room` events; -EFAULT where they cannot be written.
  int scan(Event* events, int room);

  // A knote is active: it comes into the queue, and waiters are told. True if it was not there.
  bool activate(Knote& knote);
  void drop(int filter, uintptr_t ident);
  Knote* find(int filter, uintptr_t ident);
  // When it is time to look at the timers again for a thread that waits here.
  int64_t next_look() const;

  std::condition_variable told;
  int timers = 0;  // knotes that are timers
  int nested = 0;  // knotes on kqueues

 private:
  using Key = std::pair<int, uintptr_t>;
  int create(const Event& change, std::shared_ptr<File> file);
  void modify(Knote& knote, const Event& change);
  void look(Knote& knote);
  void drop(std::map<Key, std::unique_ptr<Knote>>::iterator at);
  void leave_queue(Knote& knote);
  bool deliver(Knote& knote, Event* to);

  std::map<Key, std::unique_ptr<Knote>> knotes_;
  std::list<Knote*> queue_;
};

// Whether ident is a descriptor.
bool is_descriptor_filter(int filter);

// The filters without a file. Each says whether its condition is true, and sets the event's data.
bool evaluate_bare(Knote& knote);
// USER: combines the change into what the knote has.
void touch_user(Knote& knote, const Event& change);
// TIMER: 0 if the parameters mean something, else EINVAL.
int check_timer(uint32_t fflags, int64_t data);
void start_timer(Knote& knote);
void stop_timer(Knote& knote);
void expire_timer(Knote& knote, int64_t now);

}  // namespace vkernel
