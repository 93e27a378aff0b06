// Steps in groups: consecutive changes are one changelist, and every other step is one call for all
// knotes or one call for each.
#include "engine/sweep_bench.h"

#include <cerrno>
#include <cstring>
#include <ctime>

namespace kqtorture {
namespace {

using Kind = SweepStep::Kind;

constexpr timespec kNoWait{};
constexpr int kMostWrites = 256;  // of a fill; 16 MiB is more than any buffer takes

}  // namespace

bool SweepOutcome::same(const SweepOutcome& other) const {
  return steps == other.steps && std::memcmp(seen.data(), other.seen.data(),
                                             static_cast<size_t>(steps) * sizeof(SweepSeen)) == 0;
}

SweepBench::SweepBench(const Subject& subject, const SweepCase& one, SweepWork* work)
    : subject_(subject),
      case_(one),
      work_(*work),
      fixtures_(subject),
      buffer_(static_cast<size_t>(kChunk), 'x') {}

SweepBench::~SweepBench() {
  if (kqueue_ >= 0) subject_.close(kqueue_);
  for (size_t i = 0; i < slots_.size(); i++) {
    for (const int fd : slots_[i].ends.fd) {
      if (fd >= 0) subject_.close(fd);
    }
    if (!slots_[i].has_signal) continue;
    subject_.calls().sigaction(signal_of(case_.value(i)), &slots_[i].disposition, nullptr);
  }
}

bool SweepBench::open(std::string* why_not) {
  const ObjectKind kind = case_.kind();
  const bool of_processes = kind == ObjectKind::kChild || kind == ObjectKind::kProcdesc;
  if (of_processes && subject_.has_own_descriptors()) {
    *why_not = "the host's processes are none of the subject's";
    return false;
  }
  kqueue_ = subject_.kqueue();
  if (kqueue_ < 0) {
    *why_not = std::string("no kqueue: ") + std::strerror(errno);
    return false;
  }
  run(case_.prepare, kSlots, nullptr, prepared_.data());
  for (int slot = 0; slot < kSlots; slot++) {
    for (int i = 0; i < prepared_[static_cast<size_t>(slot)].steps; i++) {
      const SweepSeen& seen = prepared_[static_cast<size_t>(slot)].seen[static_cast<size_t>(i)];
      if (seen.value >= 0) continue;
      *why_not = std::string("no object for a fixture: ") + std::strerror(seen.error);
      return false;
    }
  }
  return true;
}

uint64_t SweepBench::ident(int slot) const {
  const auto index = static_cast<size_t>(slot);
  const Slot& place = slots_[index];
  if (case_.has_object()) return static_cast<uint64_t>(int64_t{place.ends.fd[case_.end]});
  const ObjectKind kind = case_.kind();
  if (kind == ObjectKind::kSignal) return static_cast<uint64_t>(signal_of(case_.value(index)));
  if (kind != ObjectKind::kChild) return static_cast<uint64_t>(case_.value(index));
  return place.child == nullptr ? 0 : static_cast<uint64_t>(place.child->pid());
}

uint64_t SweepBench::canonical(int slot, uint64_t number) const {
  if (number != ident(slot)) return number;
  if (!case_.has_object()) return kIdent;
  return static_cast<uint64_t>(case_.end == 0 ? kEnd0 : kEnd1);
}

int SweepBench::slot_of(uint64_t number, int count) const {
  for (int slot = 0; slot < count; slot++) {
    if (ident(slot) == number) return slot;
  }
  return -1;
}

contract::Event SweepBench::change_of(uint16_t word) const {
  contract::Event change;
  change.ident = canonical(0, ident(0));
  change.filter = case_.filter;
  change.flags = word;
  change.fflags = case_.fflags;
  change.data = case_.data;
  change.udata = case_.udata;
  return change;
}

Kevent SweepBench::kevent_of(const SweepStep& step, int slot) const {
  return Kevent{static_cast<uintptr_t>(ident(slot)),
                case_.filter,
                step.flags,
                step.fflags,
                static_cast<intptr_t>(step.data),
                reinterpret_cast<void*>(static_cast<uintptr_t>(step.udata))};
}

int SweepBench::call(int changes, int room) {
  work_.kevent_calls++;
  work_.changes += static_cast<uint64_t>(changes);
  errno = 0;
  return subject_.kevent(kqueue_, changes_.data(), changes, events_.data(), room, &kNoWait);
}

void SweepBench::run(const std::vector<SweepStep>& steps, int count, const uint16_t* words,
                     SweepOutcome* outcomes) {
  const timespec await{0, static_cast<long>(case_.await_ns)};
  for (size_t i = 0; i < steps.size(); i++) {
    const SweepStep& step = steps[i];
    switch (step.kind) {
      case Kind::kChange: {
        if (step.flags & flag::kReceipt) {
          run_entries(step, count, outcomes);
          break;
        }
        // As many as follow one another, and fit.
        size_t last = i + 1;
        const size_t most = kRoom / static_cast<size_t>(count);
        while (last < steps.size() && last - i < most && steps[last].kind == Kind::kChange &&
               !(steps[last].flags & flag::kReceipt)) {
          last++;
        }
        run_changes(&step, static_cast<int>(last - i), count, outcomes);
        i = last - 1;
        break;
      }
      case Kind::kWord:
        run_word(count, words, outcomes);
        break;
      case Kind::kScan:
        run_scan(count, outcomes);
        break;
      case Kind::kAwait:
        nanosleep(&await, nullptr);
        for (int slot = 0; slot < count; slot++) outcomes[slot].add();
        break;
      default:
        for (int slot = 0; slot < count; slot++) {
          run_on_object(step, slot, &outcomes[slot].add());
        }
    }
  }
}

// Every knote has seen the one answer.
void SweepBench::run_changes(const SweepStep* steps, int number, int count,
                             SweepOutcome* outcomes) {
  int changes = 0;
  for (int i = 0; i < number; i++) {
    for (int slot = 0; slot < count; slot++) {
      changes_[static_cast<size_t>(changes++)] = kevent_of(steps[i], slot);
    }
  }
  SweepSeen seen;
  seen.value = call(changes, 0);
  if (seen.value < 0) seen.error = errno;
  for (int i = 0; i < number; i++) {
    for (int slot = 0; slot < count; slot++) outcomes[slot].add() = seen;
  }
}

// Exactly as many entries as there are knotes, in their order: there is no room for anything else.
void SweepBench::run_entries(const SweepStep& step, int count, SweepOutcome* outcomes) {
  for (int slot = 0; slot < count; slot++) {
    changes_[static_cast<size_t>(slot)] = kevent_of(step, slot);
  }
  deliveries(call(count, count), count, count, outcomes);
}

void SweepBench::run_word(int count, const uint16_t* words, SweepOutcome* outcomes) {
  SweepStep step;
  step.fflags = case_.fflags;
  step.data = case_.data;
  step.udata = case_.udata;
  for (int slot = 0; slot < count; slot++) {
    step.flags = words[slot];
    changes_[static_cast<size_t>(slot)] = kevent_of(step, slot);
  }
  deliveries(call(count, count), count, 0, outcomes);
}

void SweepBench::run_scan(int count, SweepOutcome* outcomes) {
  deliveries(call(0, kRoom), count, 0, outcomes);
}

// Hands what a call returned to the knotes that it is about.
void SweepBench::deliveries(int result, int count, int expected_entries, SweepOutcome* outcomes) {
  const int error = errno;
  for (int slot = 0; slot < count; slot++) {
    SweepSeen& seen = outcomes[slot].add();
    if (result >= 0) continue;
    seen.value = -1;
    seen.error = error;
  }
  for (int i = 0; i < result; i++) {
    const Kevent& event = events_[static_cast<size_t>(i)];
    const int slot = slot_of(event.ident, count);
    SweepSeen& seen = outcomes[slot < 0 ? 0 : slot].last();
    // Entries come in the order of the changes.
    const bool astray = slot < 0 || (expected_entries > 0 && slot != i);
    if (astray || seen.value > 0) seen.strays++;
    if (seen.value > 0) continue;
    seen.value = 1;
    seen.event.ident = slot < 0 ? event.ident : canonical(slot, event.ident);
    seen.event.filter = event.filter;
    seen.event.flags = event.flags;
    seen.event.fflags = event.fflags;
    seen.event.data = event.data;
    seen.event.udata = reinterpret_cast<uintptr_t>(event.udata);
  }
  if (expected_entries == 0 && result > 0) work_.deliveries += static_cast<uint64_t>(result);
}

void SweepBench::run_on_object(const SweepStep& step, int slot, SweepSeen* seen) {
  Slot& place = slots_[static_cast<size_t>(slot)];
  const int fd = place.ends.fd[step.end];
  errno = 0;
  switch (step.kind) {
    case Kind::kWrite:
      seen->value = subject_.write(fd, buffer_.data(), static_cast<size_t>(step.data));
      break;
    case Kind::kRead:
      seen->value = subject_.read(fd, buffer_.data(), static_cast<size_t>(step.data));
      break;
    case Kind::kClose:
      seen->value = subject_.close(fd);
      place.ends.fd[step.end] = -1;
      break;
    case Kind::kMake:
      seen->value = make(slot) ? 0 : -1;
      break;
    case Kind::kRaise:
      seen->value = subject_.calls().raise(static_cast<int>(ident(slot)));
      break;
    case Kind::kExit:
      seen->value = place.child->exit_with(static_cast<int>(step.data));
      break;
    default:
      fill(slot, step.end, seen);
      return;
  }
  if (seen->value < 0) seen->error = errno;
}

bool SweepBench::make(int slot) {
  const auto index = static_cast<size_t>(slot);
  Slot& place = slots_[index];
  switch (case_.kind()) {
    case ObjectKind::kSignal:
      place.has_signal = fixtures_.set_signal(case_.value(index), &place.disposition);
      return place.has_signal;
    case ObjectKind::kChild:
      if (place.child != nullptr) fixtures_.give_back(place.child);
      place.child = fixtures_.take_child();
      return place.child != nullptr;
    case ObjectKind::kProcdesc:
      place.child = fixtures_.take_child();
      return place.child != nullptr && fixtures_.describe(place.child->pid(), &place.ends);
    default:
      return fixtures_.make(case_.kind(), 0, &place.ends);
  }
}

void SweepBench::fill(int slot, int end, SweepSeen* seen) {
  Slot& place = slots_[static_cast<size_t>(slot)];
  for (int i = 0; i < kMostWrites; i++) {
    const ssize_t wrote =
        subject_.write(place.ends.fd[end], buffer_.data(), static_cast<size_t>(kChunk));
    if (wrote < 0) break;
    place.filled.push_back(wrote);
    seen->value += wrote;
  }
}

int SweepBench::submit(const uint16_t* words, int count, contract::Event* entries) {
  SweepStep step;
  step.fflags = case_.fflags;
  step.data = case_.data;
  step.udata = case_.udata;
  Kevent first = kevent_of(step, 0);
  for (int i = 0; i < count; i++) {
    first.flags = words[i];
    changes_[static_cast<size_t>(i)] = first;
  }
  const int result = call(count, count);
  for (int i = 0; i < result; i++) {
    const Kevent& event = events_[static_cast<size_t>(i)];
    entries[i] = {canonical(0, event.ident),
                  event.filter,
                  event.flags,
                  event.fflags,
                  event.data,
                  reinterpret_cast<uintptr_t>(event.udata)};
  }
  return result;
}

bool SweepBench::clean(std::string* why_not) {
  SweepOutcome outcomes[kSlots];
  run_scan(kSlots, outcomes);
  for (int slot = 0; slot < kSlots; slot++) {
    if (outcomes[slot].seen[0].value == 0 && outcomes[slot].seen[0].strays == 0) continue;
    *why_not = "events are left in the kqueue";
    return false;
  }
  // The objects: the same preparation shows the same, as far as reading tells.
  int64_t waiting = 0;
  bool ended = false;
  for (const SweepStep& step : case_.prepare) {
    if (step.kind == Kind::kWrite) waiting = step.data;
    if (step.kind == Kind::kClose) ended = true;
  }
  const bool reads = case_.filter == filter::kRead;
  for (int slot = 0; reads && slot < kSlots; slot++) {
    SweepStep step;
    step.kind = Kind::kRead;
    step.data = kChunk;
    SweepSeen seen;
    run_on_object(step, slot, &seen);
    const bool as_prepared = waiting > 0 ? seen.value == waiting
                             : ended     ? seen.value == 0
                                         : seen.value == -1 && seen.error == EAGAIN;
    if (as_prepared) continue;
    *why_not = "an object is not as it was prepared";
    return false;
  }
  return true;
}

}  // namespace kqtorture
