// What all files share: the lock, sleeping, and who is told when something happens.
#include "kernel.h"

#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <memory>

#include "kqueue.h"

namespace vkernel {
namespace {

// A forked child has the descriptors, but no kqueue. What other threads slept on stays as it is,
// for nobody will ever wake them.
void child_after_fork() {
  static std::vector<std::shared_ptr<File>>* const kLeft = new std::vector<std::shared_ptr<File>>;
  Kernel& self = kernel();
  for (int number = 0; number < self.table.size(); ++number) {
    const std::shared_ptr<File> file = self.table.find(number);
    if (dynamic_cast<Kqueue*>(file.get()) == nullptr) continue;
    kLeft->push_back(file);
    self.table.remove(number);
  }
  self.sleepers.clear();
  self.mutex.unlock();
}

// Where the system call is forbidden, as in some sandboxes, the copy is made directly.
bool forbidden(ssize_t result) { return result < 0 && (errno == ENOSYS || errno == EPERM); }

}  // namespace

Kernel& kernel() {
  static Kernel* const kKernel = [] {
    pthread_atfork([] { kernel().mutex.lock(); }, [] { kernel().mutex.unlock(); },
                   child_after_fork);
    return new Kernel;
  }();
  return *kKernel;
}

Lock::Lock() : held_(kernel().mutex) {}

int64_t monotonic_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1'000'000'000 + now.tv_nsec;
}

// xorshift64*: a sequence that depends on the seed alone.
bool Faults::strike() {
  if (per_million == 0) return false;
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (state * 0x2545F4914F6CDD1D >> 32) % 1'000'000 < per_million;
}

Wake Kernel::sleep(Lock& lock, std::condition_variable& on, int64_t until) {
  if (faults.strike()) return Wake::kInterrupted;
  const auto self = sleepers.insert(sleepers.end(), {pthread_self(), &on});
  Wake why = Wake::kTold;
  if (until == kNever) {
    on.wait(lock.held());
  } else {
    const std::chrono::steady_clock::time_point time{std::chrono::nanoseconds(until)};
    if (on.wait_until(lock.held(), time) == std::cv_status::timeout) why = Wake::kTime;
  }
  if (self->interrupted) why = Wake::kInterrupted;
  sleepers.erase(self);
  return why;
}

bool Kernel::interrupt(pthread_t thread) {
  for (Sleeper& sleeper : sleepers) {
    if (pthread_equal(sleeper.thread, thread) == 0) continue;
    sleeper.interrupted = true;
    sleeper.on->notify_all();
    return true;
  }
  return false;
}

// A kqueue that another one watches passes it on (Kqueue::activate). That ends where kqueues watch
// each other in a circle, because a knote that is queued already tells nobody.
void Kernel::activity(File& file, int filter) {
  for (Knote* knote : file.knotes) {
    if (knote->event.filter == filter && file.evaluate(*knote)) knote->owner->activate(*knote);
  }
}

void Kernel::run_timers() {
  if (timers.empty()) return;
  const int64_t now = monotonic_ns();
  while (!timers.empty() && timers.begin()->first <= now) {
    expire_timer(*timers.begin()->second, now);
  }
}

void Kernel::drop_knotes_of(int number) {
  for (Kqueue* kqueue : kqueues) {
    for (const int filter : {kRead, kWrite, kEmpty}) {
      kqueue->drop(filter, static_cast<uintptr_t>(number));
    }
  }
}

bool copy_in(void* to, const void* from, size_t size) {
  if (size == 0) return true;
  iovec local{to, size};
  iovec remote{const_cast<void*>(from), size};
  const ssize_t done = process_vm_readv(getpid(), &local, 1, &remote, 1, 0);
  if (forbidden(done)) {
    std::memcpy(to, from, size);
    return true;
  }
  return done == static_cast<ssize_t>(size);
}

bool copy_out(void* to, const void* from, size_t size) {
  if (size == 0) return true;
  iovec local{const_cast<void*>(from), size};
  iovec remote{to, size};
  const ssize_t done = process_vm_writev(getpid(), &local, 1, &remote, 1, 0);
  if (forbidden(done)) {
    std::memcpy(to, from, size);
    return true;
  }
  return done == static_cast<ssize_t>(size);
}

Result File::read(Lock&, void*, size_t) { return -ENXIO; }
Result File::write(Lock&, const void*, size_t) { return -ENXIO; }
Result File::shut_down(int) { return -ENOTSOCK; }

}  // namespace vkernel
