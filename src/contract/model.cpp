// The set of states is filtered in place: a state that does not explain what was seen is dropped,
// so that nothing is copied while there is one.
#include "contract/model.h"

#include "contract/context.h"
#include "contract/evaluate.h"
#include "contract/kevent_call.h"
#include "contract/object_ops.h"
#include "contract/unseen.h"

namespace kqtorture::contract {

Answer Model::check(StateSet* states, const Op& op, const Outcome& seen, Explanation* why) const {
  if (op.kind == OpKind::kKevent && split_by_discovery(states, op) != Answer::kAccepted) {
    return Answer::kUndecided;
  }
  const int before = states->count;
  int kept = 0;
  for (int i = 0; i < before; i++) {
    State& state = states->state[i];
    // The first refusal is told: the first state is the one with the fewest doubts.
    const Context context = {profile_, host_, &state, states, i == 0 ? why : nullptr};
    const Answer answer = op.kind == OpKind::kKevent ? judge_kevent(context, op, seen)
                                                     : judge_object_op(context, op, seen);
    if (answer == Answer::kUndecided || state.undecided) return Answer::kUndecided;
    if (answer == Answer::kRefused) continue;
    if (kept != i) states->state[kept].copy_from(state);
    kept++;
  }
  // States that were split off stand behind the old ones.
  for (int i = before; i < states->count; i++) {
    if (kept != i) states->state[kept].copy_from(states->state[i]);
    kept++;
  }
  states->count = kept;
  return kept == 0 ? Answer::kRefused : Answer::kAccepted;
}

Tri Model::pending(const State& state, int kq) const {
  const Descriptor* descriptor = state.find_descriptor(kq);
  if (descriptor == nullptr) return Tri::kNo;
  if (state.object[descriptor->object].kind != ObjectKind::kKqueue) return Tri::kNo;
  return pending_events(profile_, host_, state, descriptor->object);
}

Tri Model::pending(const StateSet& states, int kq) const {
  Tri all = pending(states.state[0], kq);
  for (int i = 1; i < states.count; i++) all = tri_join(all, pending(states.state[i], kq));
  return all;
}

bool Model::is_open(const StateSet& states, int fd) const {
  return states.state[0].find_descriptor(fd) != nullptr;
}

}  // namespace kqtorture::contract
