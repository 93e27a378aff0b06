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

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <sstream>
#include <string>
#include <utility>

namespace kqtorture {

#ifdef __linux__

pid_t current_thread_id() { return static_cast<pid_t>(::syscall(SYS_gettid)); }

void ParkingLot::watch(const Lane* lane, pid_t thread) {
  const std::string task = "/proc/self/task/" + std::to_string(thread);
  threads_.push_back({lane,
                      ::open((task + "/status").c_str(), O_RDONLY | O_CLOEXEC),
                      ::open((task + "/children").c_str(), O_RDONLY | O_CLOEXEC),
                      ::open((task + "/schedstat").c_str(), O_RDONLY | O_CLOEXEC),
                      thread,
                      {}});
}

void ParkingLot::clear() {
  for (const Watched& watched : threads_) {
    for (const int file : {watched.status_file, watched.children_file, watched.schedule_file}) {
      if (file >= 0) ::close(file);
    }
  }
  threads_.clear();
}

namespace {

std::string read_from_start(int file) {
  char text[4096];
  const ssize_t size = ::pread(file, text, sizeof text, 0);
  return std::string(text, size > 0 ? static_cast<size_t>(size) : 0);
}

// Of /proc/.../status: does it sleep, and how often has it been switched?
std::pair<bool, uint64_t> state_of(const std::string& status) {
  const auto number_after = [&status](const char* name) -> uint64_t {
    const size_t found = status.find(name);
    return found == std::string::npos
               ? 0
               : std::strtoull(status.c_str() + found + std::strlen(name), nullptr, 10);
  };
  return {
      status.find("\nState:\tS") != std::string::npos,
      number_after("\nvoluntary_ctxt_switches:") + number_after("\nnonvoluntary_ctxt_switches:")};
}

}  // namespace

ParkingLot::Sample ParkingLot::sample(const Watched& watched) {
  const std::string status = read_from_start(watched.status_file);
  const auto [asleep, switches] = state_of(status);
  return {asleep, switches, status.empty()};
}

bool ParkingLot::strangers_at_rest() const {
  std::error_code error;
  for (const auto& task : std::filesystem::directory_iterator("/proc/self/task", error)) {
    const pid_t thread = static_cast<pid_t>(std::atoi(task.path().filename().c_str()));
    const bool known = thread == current_thread_id() ||
                       std::any_of(threads_.begin(), threads_.end(),
                                   [thread](const Watched& w) { return w.thread == thread; });
    if (known) continue;
    const int file = ::open((task.path() / "status").c_str(), O_RDONLY | O_CLOEXEC);
    if (file < 0) continue;  // ended meanwhile
    const bool asleep = state_of(read_from_start(file)).first;
    ::close(file);
    if (!asleep) return false;
  }
  return true;
}

std::vector<uint64_t> ParkingLot::cpu_times() const {
  std::vector<uint64_t> times;
  for (const Watched& watched : threads_) {
    times.push_back(std::strtoull(read_from_start(watched.schedule_file).c_str(), nullptr, 10));
  }
  return times;
}

bool ParkingLot::children_at_rest() {
  bool at_rest = true;
  std::map<pid_t, uint64_t> now;
  for (const Watched& watched : threads_) {
    std::istringstream pids(read_from_start(watched.children_file));
    for (pid_t pid; pids >> pid;) {
      const int file = ::open(("/proc/" + std::to_string(pid) + "/status").c_str(), O_RDONLY);
      if (file < 0) continue;
      const std::string status = read_from_start(file);
      ::close(file);
      if (status.find("\nState:\tZ") != std::string::npos) continue;  // a race's, and at its end
      const auto [asleep, switches] = state_of(status);
      const auto before = children_.find(pid);
      at_rest &= asleep && before != children_.end() && before->second == switches;
      now[pid] = switches;
    }
  }
  children_ = std::move(now);
  return at_rest;
}

#else

pid_t current_thread_id() { return 0; }

void ParkingLot::watch(const Lane* lane, pid_t thread) {
  threads_.push_back({lane, -1, -1, -1, thread, {}});
}

void ParkingLot::clear() { threads_.clear(); }

bool ParkingLot::children_at_rest() { return true; }

bool ParkingLot::strangers_at_rest() const { return true; }

std::vector<uint64_t> ParkingLot::cpu_times() const {
  return std::vector<uint64_t>(threads_.size());
}

ParkingLot::Sample ParkingLot::sample(const Watched& watched) {
  return {watched.lane->in_call(), watched.lane->steps(), false};
}

#endif

ParkingLot::~ParkingLot() { clear(); }

std::vector<bool> ParkingLot::look() {
  std::vector<bool> parked;
  bool busy = false;
  for (Watched& watched : threads_) {
    const Sample now = sample(watched);
    parked.push_back(now.asleep && watched.last.asleep && now.switches == watched.last.switches);
    busy |= !parked.back() && !now.ended && watched.thread != current_thread_id();
    watched.last = now;
  }
  // Looking at strangers opens files, so it waits until nobody races for descriptors any more.
  if (!children_at_rest() || (!busy && !strangers_at_rest())) parked.assign(parked.size(), false);
  return parked;
}

}  // namespace kqtorture
