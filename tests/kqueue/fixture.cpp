// The fixture's wrappers, and the observation of parked threads that liveness is judged by.
#include "fixture.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <iomanip>
#include <mutex>
#include <string>
#include <utility>

#ifdef __linux__
#include <sys/syscall.h>
#endif

namespace kqtorture {
namespace {

std::unique_ptr<Subject>& opened_subject() {
  static std::unique_ptr<Subject> instance;
  return instance;
}

// How often the thread has been switched out so far while it sleeps now; -1 while it runs or
// cannot be seen. Two equal samples mean that it slept in between.
long sleeping_switches(long tid) {
#ifdef __linux__
  const std::string path = "/proc/self/task/" + std::to_string(tid) + "/status";
  FILE* file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return -1;
  char line[256];
  bool sleeping = false;
  long total = 0;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    char state = 0;
    long count = 0;
    if (std::sscanf(line, "State: %c", &state) == 1) sleeping = state == 'S';
    if (std::sscanf(line, "voluntary_ctxt_switches: %ld", &count) == 1) total += count;
    if (std::sscanf(line, "nonvoluntary_ctxt_switches: %ld", &count) == 1) total += count;
  }
  std::fclose(file);
  return sleeping ? total : -1;
#else
  (void)tid;
  return -1;
#endif
}

}  // namespace

const Subject& subject() { return *opened_subject(); }

void set_subject(std::unique_ptr<Subject> opened) { opened_subject() = std::move(opened); }

const Traits& knob() {
  static const Traits* row = find_traits(subject().profile());
  return *row;
}

bool host_descriptors() { return !subject().has_own_descriptors(); }

bool raw_pointers() { return subject().layout() == Layout::kFreebsd11 && knob().checks_pointers; }

Fd& Fd::operator=(Fd&& other) noexcept {
  if (this != &other) {
    reset();
    fd_ = other.release();
  }
  return *this;
}

int Fd::release() { return std::exchange(fd_, -1); }

void Fd::reset() {
  if (fd_ >= 0) subject().close(std::exchange(fd_, -1));
}

Kevent ev(uintptr_t ident, int16_t filter, uint16_t flags, uint32_t fflags, intptr_t data,
          void* udata) {
  return Kevent{ident, filter, flags, fflags, data, udata};
}

Kevent trigger(uintptr_t ident, uint32_t fflags, intptr_t data, void* udata) {
  return ev(ident, filter::kUser, 0, fflags | note::kTrigger, data, udata);
}

void PrintTo(const Kevent& event, std::ostream* out) {
  *out << "{ident " << event.ident << ", filter " << event.filter << std::hex << ", flags 0x"
       << event.flags << ", fflags 0x" << event.fflags << std::dec << ", data " << event.data
       << ", udata " << event.udata << "}";
}

Outcome call(int kq, const std::vector<Kevent>& changes, int room, const timespec* timeout) {
  Outcome outcome;
  std::vector<Kevent> list(static_cast<size_t>(room > 0 ? room : 0));
  outcome.count = subject().kevent(kq, changes.empty() ? nullptr : changes.data(),
                                   static_cast<int>(changes.size()),
                                   list.empty() ? nullptr : list.data(), room, timeout);
  if (outcome.count < 0) {
    outcome.error = errno;
    return outcome;
  }
  list.resize(static_cast<size_t>(outcome.count));
  outcome.entries = std::move(list);
  return outcome;
}

int submit(int kq, const std::vector<Kevent>& changes) { return call(kq, changes, 0).error; }

int submit(int kq, const Kevent& change) { return submit(kq, std::vector<Kevent>{change}); }

std::vector<Kevent> poll_events(int kq, int room) {
  Outcome outcome = call(kq, {}, room);
  EXPECT_GE(outcome.count, 0) << "polling failed with errno " << outcome.error;
  return std::move(outcome.entries);
}

::testing::AssertionResult silent(int kq) {
  const std::vector<Kevent> events = poll_events(kq);
  if (events.empty()) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "delivered " << ::testing::PrintToString(events);
}

Kevent only_event(int kq) {
  const std::vector<Kevent> events = poll_events(kq);
  EXPECT_EQ(events.size(), 1u) << "delivered " << ::testing::PrintToString(events);
  return events.empty() ? Kevent{} : events.front();
}

Kevent wait_event(int kq) {
  const Outcome outcome = Waiter(kq).join();
  EXPECT_EQ(outcome.count, 1) << "errno " << outcome.error << ", delivered "
                              << ::testing::PrintToString(outcome.entries);
  return outcome.entries.empty() ? Kevent{} : outcome.entries.front();
}

uint16_t flags_of(const Kevent& event) {
  constexpr uint16_t kActions = flag::kAdd | flag::kDelete | flag::kEnable | flag::kDisable;
  return knob().echoes_actions ? static_cast<uint16_t>(event.flags & ~kActions) : event.flags;
}

uint16_t final_flags(uint16_t behaviour) {
  const uint16_t mark = knob().final_event_marked ? flag::kForceOneshot : uint16_t{0};
  return static_cast<uint16_t>(behaviour | flag::kOneshot | mark);
}

std::vector<uintptr_t> idents(const std::vector<Kevent>& events) {
  std::vector<uintptr_t> list;
  for (const Kevent& event : events) list.push_back(event.ident);
  return list;
}

struct Waiter::State {
  int kq = -1;
  std::atomic<long> tid{0};
  std::mutex mutex;
  std::condition_variable changed;
  bool done = false;  // guarded by mutex
  Outcome outcome;    // guarded by mutex
};

Waiter::Waiter(int kq, int room, const timespec* timeout, std::vector<Kevent> changes)
    : state_(std::make_shared<State>()) {
  state_->kq = kq;
  const timespec limit = timeout != nullptr ? *timeout : timespec{};
  const bool limited = timeout != nullptr;
  thread_ = std::thread([state = state_, room, limited, limit, changes = std::move(changes)] {
#ifdef __linux__
    state->tid = ::syscall(SYS_gettid);
#endif
    Outcome outcome = call(state->kq, changes, room, limited ? &limit : nullptr);
    const std::lock_guard<std::mutex> lock(state->mutex);
    state->outcome = std::move(outcome);
    state->done = true;
    state->changed.notify_all();
  });
}

// A test that has failed must not hang on the thread it abandons: the state outlives it.
Waiter::~Waiter() {
  if (thread_.joinable()) thread_.detach();
}

bool Waiter::returned() const {
  const std::lock_guard<std::mutex> lock(state_->mutex);
  return state_->done;
}

void Waiter::wait_until_parked() const {
  constexpr int kLooks = 2000;
  for (int look = 0; look < kLooks && !returned(); ++look) {
    const long before = state_->tid == 0 ? -1 : sleeping_switches(state_->tid);
    sleep_ms(2);
    if (before >= 0 && sleeping_switches(state_->tid) == before) return;
#ifndef __linux__
    if (look == 25) return;
#endif
  }
}

Outcome Waiter::join() {
  constexpr std::chrono::seconds kPatience{3};
  std::unique_lock<std::mutex> lock(state_->mutex);
  while (!state_->changed.wait_for(lock, kPatience, [this] { return state_->done; })) {
    lock.unlock();
    wait_until_parked();
    lock.lock();
    if (state_->done) break;
    lock.unlock();
    const Outcome look = call(state_->kq, {}, 64);
    ADD_FAILURE() << "a waiter sleeps on where an event is due: "
                  << (look.count > 0 ? "lost wake-up, a poll finds " : "lost event, a poll finds ")
                  << look.count << " " << ::testing::PrintToString(look.entries);
    return Outcome{};
  }
  Outcome outcome = state_->outcome;
  lock.unlock();
  thread_.join();
  return outcome;
}

int64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return int64_t{now.tv_sec} * 1000000000 + now.tv_nsec;
}

void sleep_ms(int milliseconds) {
  std::this_thread::sleep_for(std::chrono::milliseconds(milliseconds));
}

void KqueueTest::SetUp() {
  kq_ = Fd(subject().kqueue());
  ASSERT_GE(kq_, 0) << "kqueue() failed with errno " << errno;
}

}  // namespace kqtorture
