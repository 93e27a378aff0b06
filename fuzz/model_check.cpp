// Predicts, judges, changes one thing and judges again.
#include "model_check.h"

#include <cerrno>
#include <iterator>
#include <vector>

#include "contract/wrong_events.h"
#include "report/hash.h"

namespace kqtorture {
namespace {

using contract::Answer;
using contract::Event;
using contract::Op;
using contract::OpKind;
using contract::Outcome;

// The check costs half as much again as the program itself, and tests/contract runs thousands.
#ifdef KQT_LIBFUZZER
constexpr int kOneIn = 16;
#else
constexpr int kOneIn = 1;
#endif
constexpr int kCapacity = 2 * contract::kMaxKnotes;

struct Row {
  const char* profile;
  const char* host;
};
// Each profile on the host it is at home on, and the emulator's own on one that notices at once.
constexpr Row kRows[] = {{"strict-2006", "linux"}, {"strict-2006", "linux-at-once"},
                         {"freebsd", "bsd"},       {"freebsd13", "bsd"},
                         {"netbsd", "bsd"},        {"openbsd", "bsd"},
                         {"dragonfly", "bsd"},     {"macos", "bsd"},
                         {"libkqueue", "linux"}};

// Whether it works is the host's affair on that day: believed as it was seen.
bool as_seen(OpKind kind) {
  return kind < OpKind::kClose || kind == OpKind::kDup || kind == OpKind::kAwait ||
         kind == OpKind::kSignal || kind == OpKind::kSpawn || kind == OpKind::kExit;
}

}  // namespace

ModelCheck::ModelCheck()
    : states_(std::make_unique<contract::StateSet>()),
      copy_(std::make_unique<contract::StateSet>()) {
  for (const Row& row : kRows) {
    models_.emplace_back(*contract::find_profile(row.profile), *contract::find_host(row.host));
  }
}

void ModelCheck::begin(std::string_view program) {
  random_ = Random(fnv1a(program));
  model_ = &random_.element(models_);
  states_->reset();
  alive_ = random_.chance(1, kOneIn);
}

void ModelCheck::see(const Op& op, const Outcome& outcome) {
  if (!alive_ || !disagreement_.empty()) return;
  if (op.kind == OpKind::kKevent) {
    call(op);
  } else {
    object_call(op, outcome);
  }
}

void ModelCheck::call(Op op) {
  // Whether somebody would have to wait is not the question.
  if (op.timeout == contract::Timeout::kForever) op.timeout = contract::Timeout::kZero;
  if (random_.chance(1, 8)) step(op);
  const contract::State& state = states_->state[0];
  if (random_.chance(1, 4)) refuse_silent_knotes(op.fd);
  Event events[kCapacity];
  Outcome outcome;
  alive_ = model_->predict(state, op, events, kCapacity, &outcome) == Answer::kAccepted;
  if (!alive_) return;
  change_and_refuse(op, outcome);
  alive_ = accepts(op, outcome);
}

void ModelCheck::object_call(const Op& op, const Outcome& seen) {
  Outcome outcome = seen;
  if (!as_seen(op.kind)) {
    model_->predict(states_->state[0], op, nullptr, 0, &outcome);
    Outcome wrong = outcome;
    wrong.value = INT64_MIN;
    if (random_.chance(1, 4)) must_refuse(op, wrong);
  } else if (seen.value < 0) {
    alive_ = model_->check(states_.get(), op, seen, nullptr) == Answer::kAccepted;
    return;
  }
  alive_ = accepts(op, outcome);
}

// False when the program ends here.
bool ModelCheck::accepts(const Op& op, const Outcome& outcome) {
  contract::Explanation why;
  const Answer answer = model_->check(states_.get(), op, outcome, &why);
  if (answer == Answer::kRefused) disagree(op, outcome, "refused what it predicts: " + why.message);
  return answer == Answer::kAccepted;
}

void ModelCheck::must_refuse(const Op& op, const Outcome& outcome) {
  copy_->count = states_->count;
  for (int i = 0; i < states_->count; i++) copy_->state[i] = states_->state[i];
  contract::Explanation why;
  const Answer answer = model_->check(copy_.get(), op, outcome, &why);
  if (answer == Answer::kAccepted) disagree(op, outcome, "accepted what no rule allows");
}

// One change that no rule leaves open.
void ModelCheck::change_and_refuse(const Op& op, const Outcome& outcome) {
  if (outcome.value < 0) return must_refuse(op, Outcome::failed(EXDEV));
  if (outcome.value == 0) return;
  std::vector<Event> events(outcome.events, outcome.events + outcome.value);
  const size_t at = random_.below(events.size());
  if (op.events_writable != Op::kAll && at >= static_cast<size_t>(op.events_writable)) return;
  contract::spoil(random_.below(contract::kWrongs), at, &events);
  Outcome wrong = outcome;
  wrong.value = static_cast<int64_t>(events.size());
  wrong.events = events.data();
  must_refuse(op, wrong);
}

// A poll may return nothing of a knote that is disabled, nor of one that is gone. And a report must
// find words for anything.
void ModelCheck::refuse_silent_knotes(int kq) {
  if (states_->count > 1) return;  // what is gone in one may be there in another
  const contract::State& state = states_->state[0];
  const contract::Descriptor* kqueue = state.find_descriptor(kq);
  if (kqueue == nullptr || state.object[kqueue->object].kind != contract::ObjectKind::kKqueue) {
    return;
  }
  Op op;
  op.fd = kq;
  op.nevents = 1;
  Event event;
  Outcome outcome;
  outcome.value = 1;
  outcome.events = &event;
  for (int i = 0; i < state.knotes; i++) {
    const contract::Knote& knote = state.knote[i];
    if (!knote.disabled || knote.kqueue != kqueue->object) continue;
    event = {knote.ident, knote.filter, knote.flags, 0, 0, knote.udata};
    must_refuse(op, outcome);
  }
  for (int i = 0; i < state.removed; i++) {
    const contract::Removed& gone = state.gone[i];
    const bool back = state.find_knote(gone.kqueue, gone.filter, gone.ident) >= 0;
    if (back || gone.kqueue != kqueue->object) continue;
    event = {gone.ident, gone.filter, 0, 0, 0, gone.udata};
    must_refuse(op, outcome);
  }
  if (to_text(state).empty() || to_text(op, outcome).empty()) disagree(op, outcome, "no words");
}

// Every outcome that the model can think of leads somewhere.
void ModelCheck::step(const Op& op) {
  const contract::State state = states_->state[0];
  model_->step(state, op, Outcome(), [&](const Outcome& outcome, const contract::StateSet& after) {
    if (after.count < 1) disagree(op, outcome, "leads nowhere");
    return true;
  });
}

void ModelCheck::disagree(const Op& op, const Outcome& outcome, const std::string& what) {
  if (!disagreement_.empty()) return;
  disagreement_ = std::string(model_->profile().name) + " on " + model_->host().name + ": " + what +
                  ": " + to_text(op, outcome) + "\n" + to_text(states_->state[0]);
}

}  // namespace kqtorture
