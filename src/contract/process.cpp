// A post or an exit is told to every knote about it at once, on every kqueue, in no other order
// than that of their activation.
#include "contract/process.h"

#include <cerrno>

#include "contract/object_ops.h"
#include "contract/objects.h"
#include "contract/queue.h"

namespace kqtorture::contract {
namespace {

constexpr uint32_t kLife = note::kFork | note::kExec | note::kTrack;
// No system has signals or processes from these numbers on.
constexpr uint64_t kNoSignal = 1024;
constexpr uint64_t kNoProcess = 1u << 30;

using Life = Process::Life;

Process* find_process(State* state, int64_t id) {
  for (int i = 0; i < state->processes; i++) {
    if (state->process[i].id == id) return &state->process[i];
  }
  return nullptr;
}

const Process* find_process(const State& state, int64_t id) {
  return find_process(const_cast<State*>(&state), id);
}

bool declared(const State& state, uint64_t signal) {
  return signal >= 1 && signal <= 64 && (state.signals >> (signal - 1) & 1) != 0;
}

// It entered the queue, or would if it were enabled.
bool activate(const Context& context, Knote* knote) {
  raise_active(Active::kYes, knote);
  if (knote->disabled) return false;
  // What a descriptor shows may be noticed late.
  const bool open = knote->object != Knote::kNoObject && context.host.order == Order::kUntilScan;
  return enter_queue(context.state->tick, open ? Knote::kOpenTick : context.state->tick, knote);
}

// The process that a knote is about.
int64_t subject_of(const State& state, const Knote& knote) {
  if (knote.filter == filter::kProc) return static_cast<int64_t>(knote.ident);
  const bool described = knote.filter == filter::kProcdesc && knote.object < State::kVanished;
  return described ? state.object[knote.object].offset : -1;
}

void post(const Context& context, uint64_t signal) {
  State& state = *context.state;
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    if (knote.filter != filter::kSignal || knote.ident != signal) continue;
    knote.data = Range::exactly(knote.data.lo + 1);
    const Tri was_queued = knote.queued;
    if (activate(context, &knote)) wake_parents(context, knote.kqueue, was_queued);
  }
}

// filt_proc() of NOTE_EXIT.
bool note_exit(const Context& context, int32_t status, Knote* knote) {
  const Profile& profile = context.profile;
  const bool asked = (knote->sfflags & note::kExit) != 0;
  if (asked) knote->fflags = knote->fflags_or = note::kExit;
  const bool told = profile.exit_status == ExitStatus::kAlways ||
                    (asked && profile.exit_status == ExitStatus::kWithInterest);
  if (told) knote->data = Range::exactly(status);
  if (!asked && !profile.exit_event_without_interest) {
    // macOS has no event either, but what becomes of the knote is not said.
    if (profile.exit_status == ExitStatus::kOnDemand) context.state->undecided = true;
    knote->dropped = true;
  }
  convert_by_death(knote);
  return activate(context, knote);
}

Answer spawn(const Context& context, const Outcome& seen) {
  if (seen.value == -1) return Answer::kAccepted;  // running out of processes is nobody's fault
  return add_child(context, seen.value);
}

Answer end(const Context& context, const Op& op, const Outcome& seen) {
  State& state = *context.state;
  Process* process = find_process(&state, op.fd);
  if (process == nullptr || process->life != Life::kAlive) {
    return expect_error(context, op, seen, ESRCH);
  }
  const Answer returned = expect_value(context, op, seen, 0);
  if (returned != Answer::kAccepted) return returned;
  process->life = Life::kZombie;
  process->status = static_cast<int32_t>(op.amount);
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    if (subject_of(state, knote) != op.fd || knote.converted) continue;
    const Tri was_queued = knote.queued;
    if (note_exit(context, process->status, &knote)) {
      wake_parents(context, knote.kqueue, was_queued);
    }
  }
  return Answer::kAccepted;
}

// A host that asks for the status when it is to be told may find nobody to ask.
void forget_status(const Host& host, Knote* knote) {
  if (host.activation == Observed::kAtScan) knote->data = knote->data.join(Range::exactly(0));
}

Answer reap(const Context& context, const Op& op, const Outcome& seen) {
  Process* process = find_process(context.state, op.fd);
  if (process == nullptr || process->life == Life::kReaped) {
    return expect_error(context, op, seen, ECHILD);
  }
  if (process->life == Life::kAlive) return expect_error(context, op, seen, EAGAIN);
  const Answer returned = expect_value(context, op, seen, process->status);
  if (returned != Answer::kAccepted) return returned;
  process->life = Life::kReaped;
  for (int i = 0; i < context.state->knotes; i++) {
    Knote& knote = context.state->knote[i];
    if (subject_of(*context.state, knote) == op.fd) forget_status(context.host, &knote);
  }
  return returned;
}

}  // namespace

Answer add_child(const Context& context, int64_t id) {
  State& state = *context.state;
  Process* process = find_process(&state, id);
  // The number of a child before it: whatever remembers that one is the host's affair.
  const bool again = process != nullptr;
  if (again && process->life != Life::kReaped) {
    return context.refuse(Verdict::kWrongAnswer, kHostRule, -1,
                          [&] { return std::string("a new child has the number of another"); });
  }
  if (again || state.processes == kMaxProcesses) return context.undecided();
  state.process[state.processes++] = {id, 0, Life::kAlive};
  return Answer::kAccepted;
}

Answer judge_process_op(const Context& context, const Op& op, const Outcome& seen) {
  switch (op.kind) {
    case OpKind::kSignal:
      if (op.amount < 1 || op.amount > 64) return context.undecided();
      context.state->signals |= uint64_t{1} << (op.amount - 1);
      return Answer::kAccepted;
    case OpKind::kRaise: {
      if (!declared(*context.state, static_cast<uint64_t>(op.amount))) return context.undecided();
      const Answer returned = expect_value(context, op, seen, 0);
      if (returned == Answer::kAccepted) post(context, static_cast<uint64_t>(op.amount));
      return returned;
    }
    case OpKind::kSpawn:
      return spawn(context, seen);
    case OpKind::kExit:
      return end(context, op, seen);
    default:
      return reap(context, op, seen);
  }
}

Outcome predict_process_op(const State& state, const Op& op, const Outcome& given) {
  if (op.kind == OpKind::kSignal || op.kind == OpKind::kRaise || op.kind == OpKind::kSpawn) {
    return given;
  }
  const Process* process = find_process(state, op.fd);
  const bool alive = process != nullptr && process->life == Life::kAlive;
  if (op.kind == OpKind::kExit) return alive ? Outcome{} : Outcome::failed(ESRCH);
  if (alive) return Outcome::failed(EAGAIN);
  if (process == nullptr || process->life == Life::kReaped) return Outcome::failed(ECHILD);
  Outcome outcome;
  outcome.value = process->status;
  return outcome;
}

bool attaches(const Context& context, const Event& change, int* error) {
  const State& state = *context.state;
  const Profile& profile = context.profile;
  *error = 0;
  if (change.filter == filter::kSignal) {
    if (!profile.signal_counts_told) return false;
    const bool large = change.ident >= kNoSignal;
    if (large && profile.signal_number_checked) *error = EINVAL;
    return large || declared(state, change.ident);
  }
  if (!profile.signal_counts_told) return false;
  const Process* process =
      change.ident < kNoProcess ? find_process(state, static_cast<int64_t>(change.ident)) : nullptr;
  if (process == nullptr || process->life == Life::kReaped) {
    // Since it was reaped the number may have got a stranger's process.
    *error = ESRCH;
    return change.ident >= kNoProcess && change.ident <= INT32_MAX;
  }
  if (process->life == Life::kZombie &&
      (!profile.zombie_taken || (change.fflags & note::kExit) == 0)) {
    *error = ESRCH;
  }
  if (!context.host.sees_forks && (change.fflags & kLife) != 0) {
    // Which of the two is found first is the host's affair.
    if (*error != 0) return false;
    *error = ENOTSUP;
  }
  return true;
}

bool refuses_notes(const Context& context, const Event& change) {
  const bool add_wins = has(change, flag::kAdd) &&
                        context.profile.add_delete_existing == AddDeleteExisting::kModifies;
  if (has(change, flag::kDelete) && !add_wins) return false;
  return !context.host.sees_forks && (change.fflags & kLife) != 0;
}

bool note_if_ended(const Context& context, Knote* knote) {
  const Process* process = find_process(*context.state, subject_of(*context.state, *knote));
  if (process == nullptr || process->life == Life::kAlive) return false;
  const bool noted = note_exit(context, process->status, knote);
  if (process->life == Life::kReaped) forget_status(context.host, knote);
  return noted;
}

}  // namespace kqtorture::contract
