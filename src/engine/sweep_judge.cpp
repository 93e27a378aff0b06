// The steps of a case are operations of the model, one for one.
#include "engine/sweep_judge.h"

#include <cerrno>

namespace kqtorture {
namespace {

using contract::Answer;
using contract::Event;
using contract::Outcome;
using contract::StateSet;
using Kind = SweepStep::Kind;

constexpr int kScanRoom = 64;

contract::OpKind making(ObjectKind kind) { return Fixtures::operation(kind, 0).kind; }

}  // namespace

int canonical_fd(int end) { return end == 0 ? SweepBench::kEnd0 : SweepBench::kEnd1; }

SweepJudge::SweepJudge(const contract::Model& model, const SweepCase& one, const SweepBench& bench,
                       uint64_t* judged)
    : model_(model), case_(one), bench_(bench), judged_(*judged) {}

Answer SweepJudge::prepare(int slot, contract::Explanation* why) {
  states_->reset();
  contract::Op op;
  op.kind = contract::OpKind::kKqueue;
  Outcome made;
  made.fd = SweepBench::kKqueue;
  Answer answer = model_.check(states_.get(), op, made, why);
  const SweepOutcome& outcome = bench_.prepared(slot);
  for (size_t i = 0; answer == Answer::kAccepted && i < case_.prepare.size(); i++) {
    const SweepStep& step = case_.prepare[i];
    answer = step.kind == Kind::kFill ? replay_fill(step, slot)
                                      : replay(step, outcome.seen[i], nullptr, why);
  }
  return answer;
}

Answer SweepJudge::replay_fill(const SweepStep& step, int slot) {
  contract::Op op;
  op.kind = contract::OpKind::kWrite;
  op.fd = canonical_fd(step.end);
  op.amount = SweepBench::kChunk;
  Answer answer = Answer::kAccepted;
  for (const int64_t wrote : bench_.filled(slot)) {
    Outcome outcome;
    outcome.value = wrote;
    if (answer == Answer::kAccepted) answer = model_.check(states_.get(), op, outcome, nullptr);
  }
  if (answer != Answer::kAccepted) return answer;
  return model_.check(states_.get(), op, Outcome::failed(EAGAIN), nullptr);
}

Answer SweepJudge::begin() {
  const Answer answer = prepare(0, nullptr);
  if (answer != Answer::kAccepted) return answer;
  prepared_->copy_from(*states_);
  if (!walk_to_word()) return Answer::kUndecided;
  at_word_->copy_from(*states_);
  return Answer::kAccepted;
}

// With the model's own predictions in place of what a subject shows.
bool SweepJudge::walk_to_word() {
  Event events[4];
  for (const SweepStep& step : case_.before) {
    SweepSeen seen;
    if (step.kind == Kind::kScan) {
      contract::Op op;
      op.fd = SweepBench::kKqueue;
      op.nevents = kScanRoom;
      Outcome outcome;
      if (model_.predict(states_->state[0], op, events, 4, &outcome) != Answer::kAccepted) {
        return false;
      }
      seen.value = outcome.value;
      if (outcome.value > 0) seen.event = events[0];
    } else if (step.kind == Kind::kRead || step.kind == Kind::kWrite) {
      // A byte more than a full pipe holds is refused, all the rest goes through.
      const bool refused = step.kind == Kind::kWrite && step.data == 1;
      seen.value = refused ? -1 : step.data;
      seen.error = refused ? EAGAIN : 0;
    }
    if (replay(step, seen, nullptr, nullptr) != Answer::kAccepted) return false;
  }
  return true;
}

WordPrediction SweepJudge::predict(uint16_t word) {
  WordPrediction prediction;
  const Event change = bench_.change_of(word);
  contract::Op op;
  op.fd = SweepBench::kKqueue;
  op.changes = &change;
  op.nchanges = op.nevents = 1;
  Event events[4];
  Outcome outcome;
  const Answer answer = model_.predict(at_word_->state[0], op, events, 4, &outcome);
  if (answer != Answer::kAccepted || outcome.value < 0) return prediction;
  // A call that delivers is told from one that answers by the same call without room to scan.
  op.nevents = 0;
  Outcome without_room;
  const Answer known = model_.predict(at_word_->state[0], op, nullptr, 0, &without_room);
  if (known != Answer::kAccepted) return prediction;
  const bool entry = outcome.value > 0 && (events[0].flags & contract::flag::kError) != 0;
  const bool receipt = (word & contract::flag::kReceipt) != 0 && entry;
  if (receipt && events[0].data == 0) {  // without room some fail, though the change is made
    prediction.kind = WordKind::kReceipt;
  } else if (without_room.value < 0) {
    prediction.kind = WordKind::kRefused;
  } else {
    prediction.kind = WordKind::kSilent;
  }
  if (prediction.kind != WordKind::kSilent) prediction.entry = events[0];
  return prediction;
}

Answer SweepJudge::check(int slot, const uint16_t* word, const SweepOutcome& outcome,
                         contract::Explanation* why) {
  judged_++;
  if (slot == 0 || bench_.prepared(slot).same(bench_.prepared(0))) {
    states_->copy_from(*prepared_);
  } else if (const Answer answer = prepare(slot, why); answer != Answer::kAccepted) {
    return answer;
  }
  size_t at = 0;
  for (const auto* steps : {&case_.before, &case_.after}) {
    if (steps == &case_.after && word != nullptr) {
      SweepStep step;
      step.kind = Kind::kWord;
      const Answer answer = replay(step, outcome.seen[at++], word, why);
      if (answer != Answer::kAccepted) return answer;
    }
    for (const SweepStep& step : *steps) {
      const Answer answer = replay(step, outcome.seen[at++], nullptr, why);
      if (answer != Answer::kAccepted) return answer;
    }
  }
  return Answer::kAccepted;
}

Answer SweepJudge::replay(const SweepStep& step, const SweepSeen& seen, const uint16_t* word,
                          contract::Explanation* why) {
  if (seen.strays > 0) {
    if (why != nullptr) {
      why->verdict = contract::Verdict::kDuplicate;
      why->rule = "I7";
      why->message = "a call returned more events than there are knotes that may fire";
    }
    return Answer::kRefused;
  }
  contract::Op op;
  op.fd = SweepBench::kKqueue;
  Event change;
  Outcome outcome;
  outcome.value = seen.value;
  outcome.error = seen.error;
  outcome.events = &seen.event;
  switch (step.kind) {
    case Kind::kChange:
    case Kind::kWord:
      change = bench_.change_of(word != nullptr ? *word : step.flags);
      if (word == nullptr) {
        change.fflags = step.fflags;
        change.data = step.data;
        change.udata = step.udata;
      }
      op.changes = &change;
      op.nchanges = 1;
      op.nevents = word != nullptr || (step.flags & flag::kReceipt) ? 1 : 0;
      break;
    case Kind::kScan:
      op.nevents = kScanRoom;
      break;
    case Kind::kWrite:
    case Kind::kRead:
      op.kind = step.kind == Kind::kWrite ? contract::OpKind::kWrite : contract::OpKind::kRead;
      op.fd = canonical_fd(step.end);
      op.amount = step.data;
      break;
    case Kind::kClose:
      op.kind = contract::OpKind::kClose;
      op.fd = canonical_fd(step.end);
      break;
    case Kind::kMake:
      op.kind = making(case_.kind());
      outcome.fd = SweepBench::kEnd0;
      outcome.fd2 = SweepBench::kEnd1;
      if (case_.kind() == ObjectKind::kSignal) op.amount = SweepBench::kIdent;
      if (case_.kind() == ObjectKind::kProcdesc) op.amount = SweepBench::kIdent;
      if (case_.kind() == ObjectKind::kChild) outcome.value = SweepBench::kIdent;
      break;
    case Kind::kRaise:
      op.kind = contract::OpKind::kRaise;
      op.amount = SweepBench::kIdent;
      break;
    case Kind::kExit:
      op.kind = contract::OpKind::kExit;
      op.fd = SweepBench::kIdent;
      op.amount = step.data << 8;
      break;
    case Kind::kAwait:
      op.kind = contract::OpKind::kAwait;
      break;
    case Kind::kFill:
      return Answer::kUndecided;
  }
  return model_.check(states_.get(), op, outcome, why);
}

Answer SweepJudge::check_list(const uint16_t* words, int count, int result, int error,
                              const Event* entries, contract::Explanation* why) {
  judged_++;
  states_->copy_from(*at_word_);
  Event changes[kScanRoom];
  for (int i = 0; i < count; i++) {
    changes[i] = bench_.change_of(words[i]);
  }
  contract::Op op;
  op.fd = SweepBench::kKqueue;
  op.changes = changes;
  op.nchanges = op.nevents = count;
  Outcome outcome;
  outcome.value = result;
  outcome.error = result < 0 ? error : 0;
  outcome.events = entries;
  return model_.check(states_.get(), op, outcome, why);
}

}  // namespace kqtorture
