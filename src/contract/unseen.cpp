// Orphans are ordinary knotes as long as they last: their object goes on telling them what happens,
// because the file may come back to the number with all of it noticed.
#include "contract/unseen.h"

#include <algorithm>

#include "contract/change.h"
#include "contract/evaluate.h"
#include "contract/objects.h"

namespace kqtorture::contract {
namespace {

bool orphan_of(const Knote& knote, uint8_t kqueue, uint64_t ident) {
  return knote.orphan != Orphan::kNo && knote.kqueue == kqueue && knote.ident == ident;
}

bool has_orphan(const State& state, uint8_t kqueue, uint64_t ident) {
  return std::any_of(state.knote, state.knote + state.knotes,
                     [&](const Knote& knote) { return orphan_of(knote, kqueue, ident); });
}

// The number of an orphan is open on the file it had, as far as anyone can tell; else null.
const Descriptor* returned(const State& state, const Knote& orphan) {
  const Descriptor* descriptor = state.find_descriptor(static_cast<int>(orphan.ident));
  if (descriptor == nullptr) return nullptr;
  const bool same = descriptor->object == orphan.object && descriptor->end == orphan.end;
  const bool like = orphan.orphan == Orphan::kOfFile &&
                    state.object[descriptor->object].kind == ObjectKind::kFile;
  return same || like ? descriptor : nullptr;
}

void take_back(const Context& context, uint8_t kqueue, uint64_t ident) {
  State& state = *context.state;
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    if (!orphan_of(knote, kqueue, ident)) continue;
    const Descriptor* const descriptor = returned(state, knote);
    knote.orphan = Orphan::kNo;
    knote.object = descriptor->object;
    knote.end = descriptor->end;
    state.orphans--;
    come_back(evaluate(context.profile, context.host, state, knote), &knote);
  }
}

// A file, but after all not the one that was closed: nothing comes back.
void stay_away(State* state, uint8_t kqueue, uint64_t ident) {
  for (int i = 0; i < state->knotes; i++) {
    Knote& knote = state->knote[i];
    if (orphan_of(knote, kqueue, ident)) knote.orphan = Orphan::kYes;
  }
}

int readable_changes(const Op& op) {
  const bool all = op.changes_readable == Op::kAll;
  return all ? op.nchanges : std::min(op.nchanges, op.changes_readable);
}

// How many changes name the number, from `index` on; 0 when one before did already.
int mentions(const Op& op, int index) {
  const uint64_t ident = op.changes[index].ident;
  for (int i = 0; i < index; i++) {
    if (op.changes[i].ident == ident) return 0;
  }
  int count = 0;
  for (int i = index; i < readable_changes(op); i++) count += op.changes[i].ident == ident;
  return count;
}

void set_patience(State* state, uint8_t kqueue, uint64_t ident, int changes) {
  for (int i = 0; i < state->knotes; i++) {
    Knote& knote = state->knote[i];
    if (orphan_of(knote, kqueue, ident)) knote.patience = static_cast<uint8_t>(changes);
  }
}

Answer split(StateSet* states, int fd, uint64_t ident, int changes) {
  const int before = states->count;
  for (int i = 0; i < before; i++) {
    const Descriptor* const kqueue = states->state[i].find_descriptor(fd);
    if (kqueue == nullptr || !has_orphan(states->state[i], kqueue->object, ident)) continue;
    set_patience(&states->state[i], kqueue->object, ident, Knote::kUnlimited);
    for (int found = 0; found < changes; found++) {
      if (states->count == StateSet::kCapacity) return Answer::kUndecided;
      State& other = states->state[states->count++];
      other.copy_from(states->state[i]);
      set_patience(&other, kqueue->object, ident, found);
    }
  }
  return Answer::kAccepted;
}

}  // namespace

Answer close_unseen(const Context& context, int number) {
  State& state = *context.state;
  const ObjectKind kind = state.object[state.find_descriptor(number)->object].kind;
  if (kind == ObjectKind::kKqueue || !context.profile.close_detected) return context.undecided();
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    const bool about_it =
        knote.object != Knote::kNoObject && knote.ident == static_cast<uint64_t>(number);
    if (!about_it || knote.orphan != Orphan::kNo) continue;
    knote.orphan = kind == ObjectKind::kFile ? Orphan::kOfFile : Orphan::kYes;
    knote.patience = Knote::kUnlimited;
    state.orphans++;
  }
  drop_descriptor(context, number);
  return Answer::kAccepted;
}

void strand_orphans(const Context& context, int object) {
  State& state = *context.state;
  for (int i = 0; state.orphans > 0 && i < state.knotes; i++) {
    if (state.knote[i].object == object) state.knote[i].object = State::kVanished;
  }
}

void find_out(const Context& context, uint8_t kqueue, uint64_t ident) {
  State& state = *context.state;
  for (int i = state.knotes - 1; i >= 0; i--) {
    if (orphan_of(state.knote[i], kqueue, ident)) remove_knote(context, i, Removal::kClosed);
  }
}

void look_for_returned(const Context& context) {
  State& state = *context.state;
  for (int i = 0; state.orphans > 0 && i < state.knotes; i++) {
    const Knote knote = state.knote[i];
    if (knote.orphan == Orphan::kNo || returned(state, knote) == nullptr) continue;
    if (context.forks == nullptr || context.forks->count == StateSet::kCapacity) {
      context.undecided();
      return;
    }
    if (knote.orphan == Orphan::kOfFile) {
      State& away = context.forks->state[context.forks->count++];
      away.copy_from(state);
      stay_away(&away, knote.kqueue, knote.ident);
      Context other = context;
      other.state = &away;
      look_for_returned(other);
    }
    if (context.forks->count == StateSet::kCapacity) {
      context.undecided();
      return;
    }
    State& lost = context.forks->state[context.forks->count++];
    lost.copy_from(state);
    Context other = context;
    other.state = &lost;
    find_out(other, knote.kqueue, knote.ident);
    look_for_returned(other);
    take_back(context, knote.kqueue, knote.ident);
  }
}

Answer split_by_discovery(StateSet* states, const Op& op) {
  const bool any = std::any_of(states->state, states->state + states->count,
                               [](const State& state) { return state.orphans > 0; });
  // Changes that are overwritten while they are read: which numbers they name is not known yet.
  if (any && op.alias > 0) return Answer::kUndecided;
  for (int i = 0; any && i < readable_changes(op); i++) {
    const int changes = mentions(op, i);
    if (changes == 0) continue;
    const Answer answer = split(states, op.fd, op.changes[i].ident, changes);
    if (answer != Answer::kAccepted) return answer;
  }
  return Answer::kAccepted;
}

bool orphans_hold(const Context& context, uint8_t kqueue, uint64_t ident) {
  State& state = *context.state;
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    if (!orphan_of(knote, kqueue, ident) || knote.patience == Knote::kUnlimited) continue;
    if (knote.patience == 0) {
      find_out(context, kqueue, ident);
      return false;
    }
    knote.patience--;
  }
  return true;
}

}  // namespace kqtorture::contract
