// On Linux the kernel tells the state and the context switches of a thread; the file is opened once
// so that looking changes no descriptor numbers while descriptors race. Elsewhere a thread counts
// as parked when it is inside kevent() and has finished no call between two looks, which the runner
// keeps further apart there.
#include "parking.h"

#ifdef __linux__
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include <cstdlib>
#include <cstring>
#include <string>

namespace kqtorture {

#ifdef __linux__

pid_t current_thread_id() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

void ParkingLot::watch(const Lane* lane, pid_t thread) {
  const std::string path = "/proc/self/task/" + std::to_string(thread) + "/status";
  threads_.push_back({lane, ::open(path.c_str(), O_RDONLY | O_CLOEXEC), {}});
}

void ParkingLot::clear() {
  for (const Watched& watched : threads_) {
    if (watched.status_file >= 0) ::close(watched.status_file);
  }
  threads_.clear();
}

ParkingLot::Sample ParkingLot::sample(const Watched& watched) {
  char text[4096];
  const ssize_t size = ::pread(watched.status_file, text, sizeof text - 1, 0);
  if (size <= 0) return {};  // ended
  text[size] = 0;
  const auto number_after = [&text](const char* name) -> uint64_t {
    const char* found = std::strstr(text, name);
    return found ? std::strtoull(found + std::strlen(name), nullptr, 10) : 0;
  };
  const char* state = std::strstr(text, "\nState:\t");
  return {state && state[8] == 'S', number_after("\nvoluntary_ctxt_switches:") +
                                        number_after("\nnonvoluntary_ctxt_switches:")};
}

#else

pid_t current_thread_id() { return 0; }

void ParkingLot::watch(const Lane* lane, pid_t) { threads_.push_back({lane, -1, {}}); }

void ParkingLot::clear() { threads_.clear(); }

ParkingLot::Sample ParkingLot::sample(const Watched& watched) {
  return {watched.lane->in_call(), watched.lane->steps()};
}

#endif

ParkingLot::~ParkingLot() { clear(); }

std::vector<bool> ParkingLot::look() {
  std::vector<bool> parked;
  for (Watched& watched : threads_) {
    const Sample now = sample(watched);
    parked.push_back(now.asleep && watched.last.asleep && now.switches == watched.last.switches);
    watched.last = now;
  }
  return parked;
}

}  // namespace kqtorture
