// The product of the dimensions, with the reasons why parts of it cannot be reached.
#include "engine/sweep_case.h"

#include "contract/vocabulary.h"
#include "engine/sweep_steps.h"

namespace kqtorture {
namespace {

using Creation = SweepCreation;
using State = SweepState;
using Target = SweepTarget;

constexpr const char* kTargetNames[kSweepTargets] = {
    "READ-pipe",    "READ-socket", "READ-lowat", "WRITE-pipe", "WRITE-socket",
    "EMPTY-socket", "VNODE-file",  "PROCDESC",   "USER",       "USER-trigger",
    "TIMER",        "TIMER-bad",   "SIGNAL",     "PROC",       "PROC-exit",
    "AIO",          "zero",        "positive",   "below"};
constexpr const char* kCreationNames[kSweepCreations] = {"level", "clear", "oneshot", "dispatch",
                                                         "dispatch-clear"};
constexpr const char* kStateNames[kSweepStates] = {"absent", "enabled",   "disabled",
                                                   "queued", "delivered", "disabled-queued"};
constexpr const char* kObjectNames[kSweepObjects] = {"idle", "ready", "eof"};

int16_t filter_of(Target target) {
  switch (target) {
    case Target::kReadPipe:
    case Target::kReadSocket:
    case Target::kReadLowat:
      return contract::filter::kRead;
    case Target::kWritePipe:
    case Target::kWriteSocket:
      return contract::filter::kWrite;
    case Target::kEmptySocket:
      return contract::filter::kEmpty;
    case Target::kVnodeFile:
      return contract::filter::kVnode;
    case Target::kProcdesc:
      return contract::filter::kProcdesc;
    case Target::kUser:
    case Target::kUserTrigger:
      return contract::filter::kUser;
    case Target::kTimer:
    case Target::kTimerBad:
      return contract::filter::kTimer;
    case Target::kSignal:
      return contract::filter::kSignal;
    case Target::kProc:
    case Target::kProcExit:
      return contract::filter::kProc;
    case Target::kUnimplemented:
      return contract::filter::kAio;
    case Target::kZero:
      return 0;
    case Target::kPositive:
      return 1;
    case Target::kBelow:
      break;
  }
  return contract::filter::kLowest - 1;
}

bool is_invalid(Target target) { return target >= Target::kUnimplemented; }
bool is_user(Target target) { return target == Target::kUser || target == Target::kUserTrigger; }
bool is_timer(Target target) { return target == Target::kTimer || target == Target::kTimerBad; }
bool is_process(Target target) {
  return target == Target::kProc || target == Target::kProcExit || target == Target::kProcdesc;
}

bool dispatches(Creation creation) {
  return creation == Creation::kDispatch || creation == Creation::kDispatchClear;
}

const char* filter_reason(const SweepCase& one) {
  const bool first = one.creation == Creation::kLevel;
  if (is_invalid(one.target)) {
    // The key of a knote holds its filter, and an ADD of this one is refused or skipped: whatever
    // else is registered or happens, there is no state for the answer to depend on.
    const bool only = first && one.state == State::kAbsent && one.object == SweepObject::kIdle;
    return only ? nullptr : "no knote of an invalid filter can exist: one state suffices";
  }
  if (one.state == State::kAbsent && !first) return "without a knote there is no creation";
  const bool clears = one.creation == Creation::kClear || one.creation == Creation::kDispatchClear;
  if (clears && (is_process(one.target) || one.target == Target::kSignal)) {
    return "CLEAR is implied: swept without";
  }
  if (one.object == SweepObject::kEof &&
      (is_process(one.target) || one.target == Target::kSignal)) {
    return "SIGNAL, PROC and PROCDESC know no EOF of an object";
  }
  if (one.object == SweepObject::kEof && (is_user(one.target) || is_timer(one.target))) {
    return "USER and TIMER know no EOF";
  }
  const bool file_filter = one.target == Target::kEmptySocket || one.target == Target::kVnodeFile;
  if (one.object == SweepObject::kEof && file_filter) return "EMPTY and VNODE know no EOF";
  return nullptr;
}

const char* state_reason(const SweepCase& one) {
  const bool ready = one.object != SweepObject::kIdle;
  if (one.state == State::kDelivered && !dispatches(one.creation)) {
    return one.creation == Creation::kOneshot ? "a ONESHOT knote is gone when it was delivered"
                                              : "only DISPATCH disables at a delivery";
  }
  if (one.state == State::kEnabled && ready && one.creation != Creation::kClear) {
    return "an enabled knote of a ready object is queued unless CLEAR has reported it";
  }
  return nullptr;
}

const char* user_reason(const SweepCase& one) {
  if (one.state == State::kAbsent && one.object == SweepObject::kReady) {
    return "the latch of USER lives in the knote";
  }
  if (one.state == State::kEnabled && one.object == SweepObject::kReady) {
    return "the delivery of a CLEAR knote resets the latch of USER";
  }
  return nullptr;
}

const char* vnode_reason(const SweepCase& one) {
  const bool ready = one.object == SweepObject::kReady;
  const bool queued = one.state == State::kQueued || one.state == State::kDisabledQueued;
  if (one.state == State::kAbsent && ready) return "the notes of VNODE live in the knote";
  if (one.state == State::kEnabled && ready) {
    return "the delivery of a CLEAR knote resets the notes of VNODE";
  }
  if (queued && !ready) return "only a delivery takes the notes of VNODE away";
  if (one.state == State::kDelivered && !ready && one.creation == Creation::kDispatch) {
    return "without CLEAR a delivery leaves the notes of VNODE";
  }
  return nullptr;
}

const char* signal_reason(const SweepCase& one) {
  const bool ready = one.object == SweepObject::kReady;
  const bool queued = one.state == State::kQueued || one.state == State::kDisabledQueued;
  if (one.state == State::kAbsent && ready) return "the count of SIGNAL lives in the knote";
  if (queued && !ready) return "only a delivery takes the count of SIGNAL away";
  return nullptr;
}

const char* process_reason(const SweepCase& one) {
  const bool ready = one.object == SweepObject::kReady;
  const bool queued = one.state == State::kQueued || one.state == State::kDisabledQueued;
  if (one.state == State::kDelivered)
    return "a knote of a process is gone when the exit was delivered";
  if (one.target == Target::kProcExit) {
    const bool swept = one.creation == Creation::kLevel && !queued && !ready;
    return swept ? nullptr : "the exit after the word is swept once enabled and once disabled";
  }
  if (queued && !ready) return "no process comes back to life";
  return nullptr;
}

const char* timer_reason(const SweepCase& one) {
  const bool queued = one.state == State::kQueued || one.state == State::kDisabledQueued;
  if (queued && one.object == SweepObject::kIdle) {
    return "only its restart makes a timer wait again, and that takes it out of the queue";
  }
  return nullptr;
}

const char* write_reason(const SweepCase& one) {
  const bool was_ready = one.state == State::kQueued || one.state == State::kDelivered ||
                         one.state == State::kDisabledQueued;
  if (one.target == Target::kWriteSocket && one.object == SweepObject::kIdle && was_ready) {
    return "a knote that was due when its buffer filled up is swept on the pipe";
  }
  if (one.target == Target::kWritePipe && one.object == SweepObject::kEof &&
      one.state == State::kEnabled) {
    return "the death of a pipe queues every knote of its write end for the last time";
  }
  return nullptr;
}

const char* reason(const SweepCase& one) {
  if (const char* why = filter_reason(one)) return why;
  if (const char* why = state_reason(one)) return why;
  if (is_user(one.target)) return user_reason(one);
  if (is_timer(one.target)) return timer_reason(one);
  if (one.target == Target::kVnodeFile) return vnode_reason(one);
  if (one.target == Target::kSignal) return signal_reason(one);
  if (is_process(one.target)) return process_reason(one);
  return write_reason(one);
}

}  // namespace

bool SweepCase::has_object() const { return target <= Target::kProcdesc; }

ObjectKind SweepCase::kind() const {
  switch (target) {
    case Target::kReadPipe:
    case Target::kWritePipe:
      return ObjectKind::kPipe;
    case Target::kReadSocket:
    case Target::kReadLowat:
    case Target::kWriteSocket:
    case Target::kEmptySocket:
      return ObjectKind::kSocketpair;
    case Target::kVnodeFile:
      return ObjectKind::kFile;
    case Target::kProcdesc:
      return ObjectKind::kProcdesc;
    case Target::kTimer:
    case Target::kTimerBad:
      return ObjectKind::kTimer;
    case Target::kSignal:
      return ObjectKind::kSignal;
    case Target::kProc:
    case Target::kProcExit:
      return ObjectKind::kChild;
    default:
      return ObjectKind::kUser;
  }
}

int64_t SweepCase::value(size_t slot) const {
  const auto number = static_cast<int64_t>(slot);
  if (kind() == ObjectKind::kSignal) return number + (number % 2) * kHandled;
  return has_descriptor(kind()) || kind() == ObjectKind::kChild ? 0 : number + 1;
}

std::string SweepCase::name() const {
  return std::string(kTargetNames[static_cast<int>(target)]) + "." +
         kCreationNames[static_cast<int>(creation)] + "." + kStateNames[static_cast<int>(state)] +
         "." + kObjectNames[static_cast<int>(object)];
}

std::vector<SweepCase> sweep_cases(const contract::Profile& profile) {
  std::vector<SweepCase> cases;
  for (int target = 0; target < kSweepTargets; target++) {
    for (int state = 0; state < kSweepStates; state++) {
      for (int object = 0; object < kSweepObjects; object++) {
        for (int creation = 0; creation < kSweepCreations; creation++) {
          SweepCase one;
          one.target = static_cast<Target>(target);
          one.creation = static_cast<Creation>(creation);
          one.state = static_cast<State>(state);
          one.object = static_cast<SweepObject>(object);
          one.filter = filter_of(one.target);
          one.unreachable = reason(one);
          if (one.unreachable == nullptr) lay_out_steps(profile, &one);
          cases.push_back(std::move(one));
        }
      }
    }
  }
  return cases;
}

}  // namespace kqtorture
