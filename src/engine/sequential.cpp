// The judge sits between executor and model: it decides which calls may wait without a limit, keeps
// what a finding needs, and doubts the machine before it doubts the subject.
#include "engine/sequential.h"

#include <csignal>
#include <cstring>
#include <ctime>
#include <string_view>

#include "engine/want.h"
#include "engine/watch.h"
#include "scenario/print.h"
#include "scenario/shrink.h"
#include "subject/faults.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

constexpr std::string_view kSpokenOf = "strict-2006";

bool has_inet(const Program& program) {
  for (const Object& object : program.objects) {
    if (object.kind == ObjectKind::kTcp || object.kind == ObjectKind::kListener) return true;
  }
  return false;
}

bool has_timer(const Program& program) {
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      for (const Change& change : op.changes) {
        if (change.filter == filter::kTimer) return true;
      }
    }
  }
  return false;
}

bool may_nest(const Program& program) {
  int kqueues = 0;
  for (const Object& object : program.objects) kqueues += object.kind == ObjectKind::kKqueue;
  return kqueues > 1;
}

// Does anything in the program happen by itself, at a time of its own? Then what is missing may be
// late, and is looked for again before it is called lost.
bool has_hidden_steps(const contract::Profile& profile, const Program& program) {
  const bool tasks = profile.nested == contract::NestedPropagation::kAsync;
  return has_inet(program) || has_timer(program) || (tasks && may_nest(program));
}

// How often and how far apart a late event is looked for: in all as long as the longest stall of a
// machine that is worth waiting for.
constexpr int kLooks = 50;
constexpr timespec kBetweenLooks{0, 2'000'000};

}  // namespace

class SequentialEngine::Judge : public Observer {
 public:
  Judge(SequentialEngine* engine, const contract::Model& model, const Subject& subject)
      : engine_(*engine), model_(model), subject_(subject) {}

  void begin(const Program& program, bool trace) {
    states_.reset();
    result_ = SequentialResult{};
    hidden_steps_ = has_hidden_steps(model_.profile(), program);
    tracing_ = trace;
  }

  void before(contract::Op* op) override {
    if (tracing_ || says_) copy(&before_, states_);
    if (op->kind != contract::OpKind::kKevent) return;
    if (op->timeout == contract::Timeout::kForever || op->timeout == contract::Timeout::kFinite) {
      // A wait without limit must be sure to end; one with a limit is worth its time when something
      // may happen meanwhile.
      const contract::Tri returns = returns_by_itself(*op);
      const bool waits = op->timeout == contract::Timeout::kForever
                             ? returns == contract::Tri::kYes
                             : returns == contract::Tri::kYes ||
                                   (returns == contract::Tri::kMaybe && hidden_steps_);
      if (!waits) op->timeout = contract::Timeout::kZero;
    }
    watching_ = op->timeout == contract::Timeout::kForever;
    if (watching_) {
      if (!watch_) watch_ = std::make_unique<Watch>();
      watch_->arm();
    }
  }

  // Does the program say what its next operation returns?
  void says(bool so) { says_ = so; }
  void strikes(bool so) { strikes_ = so; }

  // What a program says without naming a profile it says of the strict one. Does that which the
  // subject is held to say something else of the last operation?
  bool profile_contradicts(const Program& program, const World& world, const Op& op) {
    if (!program.profile.empty() || model_.profile().name == kSpokenOf) return false;
    if (op.kind != OpKind::kKevent || last_.kind != contract::OpKind::kKevent) return false;
    Returned literal;
    return predicted(last_, &literal) && !unexpected(world, op, literal).empty();
  }

  bool after(const contract::Op& op, const contract::Outcome& outcome) override {
    if (says_) last_ = op;
    engine_.calls_++;
    contract::Outcome seen = outcome;
    if (op.kind == contract::OpKind::kKevent) {
      if (seen.value > 0) engine_.deliveries_ += static_cast<uint64_t>(seen.value);
      const bool watched = watching_;
      if (watched && !came_back(op, &seen)) return false;
      watching_ = false;
      // Signals are the process's: whoever runs this may have timers of his own. The changes were
      // applied, and what came is found by the next call.
      if (seen.value < 0 && seen.error == EINTR) {
        if (watched) {
          result_.status = Status::kUndecided;
          result_.message = "a signal ended the call";
          return false;
        }
        seen = contract::Outcome{};
      }
    }
    contract::Explanation why;
    WithoutWant want;
    const contract::Op* asked = &op;
    if (strikes_ && op.kind == contract::OpKind::kKevent) {
      switch (want.take(op, seen)) {
        case WithoutWant::Answer::kTaken:
          asked = &want.op();
          seen = want.outcome();
          break;
        case WithoutWant::Answer::kUnknown:
          result_.status = Status::kUndecided;
          result_.message = "there was no memory for one of several changes";
          return false;
        default:
          break;  // where it is wrong the model says so
      }
    }
    switch (model_.check(&states_, *asked, seen, &why)) {
      case contract::Answer::kAccepted:
        if (engine_.witness_) engine_.witness_(op, seen);
        return true;
      case contract::Answer::kUndecided:
        result_.status = Status::kUndecided;
        result_.message = "beyond the model";
        return false;
      case contract::Answer::kRefused:
        break;
    }
    if (why.verdict == contract::Verdict::kLost && hidden_steps_ && only_late(op)) {
      result_.status = Status::kUndecided;
      result_.message = "an event came late";
      return false;
    }
    accuse(contract::verdict_word(why.verdict), why.rule, why.message);
    guilty_ = op;
    return false;
  }

  void accuse(std::string verdict, std::string rule, std::string message) {
    result_.status = Status::kFinding;
    result_.verdict = std::move(verdict);
    result_.rule = std::move(rule);
    result_.message = std::move(message);
  }

  // What the contract's most literal reading of the guilty call returns. Only when tracing, and
  // only after the model refused.
  bool predicted(Returned* returned) { return predicted(guilty_, returned); }

  SequentialResult& result() { return result_; }

 private:
  bool predicted(const contract::Op& op, Returned* returned) {
    contract::Outcome outcome;
    if (before_.count == 0) return false;
    const auto answer = model_.predict(before_.state[0], op, predicted_,
                                       static_cast<int>(std::size(predicted_)), &outcome);
    *returned = {outcome.value, outcome.error, outcome.events};
    return answer == contract::Answer::kAccepted;
  }

  static void copy(contract::StateSet* to, const contract::StateSet& from) {
    to->count = from.count;
    for (int i = 0; i < from.count; i++) to->state[i] = from.state[i];
  }

  static bool undefined(contract::NegativeCount knob, int count) {
    return count < 0 && knob == contract::NegativeCount::kUndefined;
  }

  // Does a call return, however long its timeout? Its own changes are tried on a copy of the states
  // as a call that asks for no event; if that is not how they would go, better not wait.
  contract::Tri returns_by_itself(const contract::Op& op) {
    const contract::Profile& profile = model_.profile();
    const bool events_asked =
        op.nevents > 0 ||
        (op.nevents < 0 && profile.negative_events == contract::NegativeCount::kUnlimited);
    if (undefined(profile.negative_changes, op.nchanges) ||
        undefined(profile.negative_events, op.nevents)) {
      return contract::Tri::kNo;
    }
    const bool refused =
        op.nchanges < 0 && profile.negative_changes == contract::NegativeCount::kRefused;
    if (refused || !events_asked) return contract::Tri::kYes;
    if (op.nchanges <= 0) return model_.pending(states_, op.fd);
    copy(&trial_, states_);
    contract::Op changes_only = op;
    changes_only.nevents = 0;
    changes_only.timeout = contract::Timeout::kZero;
    const auto answer = model_.check(&trial_, changes_only, contract::Outcome{}, nullptr);
    return answer == contract::Answer::kAccepted ? model_.pending(trial_, op.fd)
                                                 : contract::Tri::kNo;
  }

  // After a call that was sure to return. False when it did not by itself.
  bool came_back(const contract::Op& op, contract::Outcome* seen) {
    const bool interrupted = watch_->disarm();
    if (!interrupted || seen->value >= 0 || seen->error != EINTR) return true;
    Kevent events[1];
    const timespec zero{};
    const int found = subject_.kevent(op.fd, nullptr, 0, events, 1, &zero);
    if (found > 0) {
      accuse("stuck-waiter", "I8",
             "a call without a timeout slept although an event was due, and a call with a zero "
             "timeout then returned it");
      guilty_ = op;
      return false;
    }
    *seen = contract::Outcome{};  // nothing came: the model names what is missing
    return true;
  }

  // Does the event come after all?
  bool only_late(const contract::Op& op) {
    for (int look = 0; look < kLooks; look++) {
      nanosleep(&kBetweenLooks, nullptr);
      Kevent events[1];
      const timespec zero{};
      if (subject_.kevent(op.fd, nullptr, 0, events, 1, &zero) > 0) return true;
    }
    return false;
  }

  SequentialEngine& engine_;
  const contract::Model& model_;
  const Subject& subject_;
  contract::StateSet states_;
  contract::StateSet trial_;
  contract::StateSet before_;  // the states before the last call, where somebody may ask
  contract::Op guilty_;
  contract::Op last_;  // of those of which the program says something
  contract::Event predicted_[limit::kRoom];
  SequentialResult result_;
  std::unique_ptr<Watch> watch_;
  bool watching_ = false;
  bool hidden_steps_ = false;
  bool tracing_ = false;
  bool says_ = false;
  bool strikes_ = false;
};

std::unique_ptr<SequentialEngine> SequentialEngine::create(const Subject& subject,
                                                           std::string* error) {
  const contract::Profile* profile = contract::find_profile(subject.profile());
  if (profile == nullptr) {
    *error = "no profile is called " + subject.profile();
    return nullptr;
  }
  return std::make_unique<SequentialEngine>(subject, *profile, host_of(subject));
}

SequentialEngine::SequentialEngine(const Subject& subject, const contract::Profile& profile,
                                   const contract::Host& host)
    : subject_(subject),
      model_(profile, host),
      world_(subject),
      judge_(std::make_unique<Judge>(this, model_, subject)),
      executor_(&world_, judge_.get()) {
  executor_.set_tasks(profile.nested == contract::NestedPropagation::kAsync);
  // Writing into a pipe without a reader is part of many programs.
  std::signal(SIGPIPE, SIG_IGN);
}

SequentialEngine::~SequentialEngine() = default;

SequentialResult SequentialEngine::run_once(const Program& program, bool trace) {
  SequentialResult& result = judge_->result();
  judge_->begin(program, trace);
  const auto skip = [&](std::string why) {
    result.status = Status::kSkipped;
    result.message = std::move(why);
    return std::move(result);
  };
  if (!is_sequential(program)) return skip("it has several threads");
  if (!program.profile.empty() && program.profile != model_.profile().name) {
    return skip("it is about profile " + program.profile);
  }
  std::string why_not;
  if (!world_.begin(program, judge_.get(), &why_not)) {
    world_.end();
    if (result.status == Status::kFinding) return std::move(result);
    return skip(why_not);
  }
  executor_.prepare(program);
  // What fails by chance is not what the program says. In every run at the same places: a finding
  // can be had again and be shrunk.
  const FaultsStrike faults(subject_, 0);
  const bool strikes = FaultsStrike::at_all(subject_);
  judge_->strikes(strikes);
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      const bool said = !strikes && op.expect.kind != ExpectKind::kNothingSaid;
      judge_->says(said);
      const Executor::Result done = executor_.run(op);
      if (done == Executor::Result::kAstray) {
        result.status = Status::kUndecided;
        result.message = "a number that the program lost is in use elsewhere";
      }
      if (done == Executor::Result::kDone && said) {
        const std::string difference = unexpected(world_, op, executor_.returned());
        if (!difference.empty() && !judge_->profile_contradicts(program, world_, op)) {
          judge_->accuse("wrong-answer", "=>", difference);
        }
      }
      if (trace) {
        const bool guilty = result.status == Status::kFinding;
        const std::string line = done == Executor::Result::kSkipped
                                     ? print_op(program, op) + "  # not done"
                                     : describe(program, world_, op, executor_.returned());
        result.trace.push_back((guilty ? ">> " : "   ") + line);
        Returned contract;
        if (guilty && result.rule == "=>") {
          result.trace.push_back("   the program: " + print_op(program, op));
        } else if (guilty && judge_->predicted(&contract)) {
          result.trace.push_back("   the contract: " + describe(program, world_, op, contract));
        }
      }
      if (result.status != Status::kClean) {
        world_.end();
        return std::move(result);
      }
    }
  }
  world_.end();
  return std::move(result);
}

// The network, timers and tasks may be late, never wrong: what is not so when they are given more
// time was not wrong. One that is late for an await misses events, leaves its place in the queue to
// others, and has the model believe that it was delivered where another call lost its events.
SequentialResult SequentialEngine::run(const Program& program, bool trace) {
  SequentialResult result = run_once(program, trace);
  const bool may_be_late = has_hidden_steps(model_.profile(), program);
  if (result.status != Status::kFinding || !may_be_late) return result;
  Witness witness;
  std::swap(witness, witness_);  // it has seen the program
  for (const int64_t patience : {10'000'000, 300'000'000}) {
    executor_.set_patience(patience);
    result = run_once(program, trace);
    if (result.status != Status::kFinding) {
      result.status = Status::kUndecided;
      result.message = has_inet(program) ? "the network was late" : "a timer or task was late";
      break;
    }
  }
  executor_.set_patience(Executor::kPatienceNs);
  std::swap(witness, witness_);
  return result;
}

Finding SequentialEngine::investigate(const Program& program, int shrink_budget,
                                      Clock::time_point deadline) {
  Finding finding;
  const SequentialResult first = run(program);
  if (first.status != Status::kFinding) return finding;
  const auto same = [&](const Program& candidate) {
    if (Clock::now() > deadline) return false;
    const SequentialResult again = run(candidate);
    return again.status == Status::kFinding && again.verdict == first.verdict &&
           again.rule == first.rule;
  };
  // What the program itself says of an operation holds for the operations it has, not for fewer.
  Program small = first.rule == "=>" ? program : shrink(program, same, shrink_budget);
  SequentialResult last = run(small, true);
  if (last.status != Status::kFinding) {
    // It does not show every time: the program as it came is the better evidence.
    small = program;
    last = first;
  }
  finding.verdict = last.verdict;
  finding.rule = last.rule;
  finding.engine = "sequential";
  finding.scenario = program.title.empty() ? "program" : program.title;
  finding.subject = subject_.spec();
  finding.profile = model_.profile().name;
  finding.message = last.message;
  finding.reproducer = print(small);
  finding.detail = last.trace;
  return finding;
}

// A kernel with descriptors of its own has objects of its own, and those of a BSD where it is held
// to a BSD's contract.
const contract::Host& host_of(const Subject& subject) {
  std::string name = subject.host();
  if (name.empty()) {
#if defined(__linux__)
    const bool native_bsd = false;
#else
    const bool native_bsd = subject.spec() == "native";
#endif
    const bool own_bsd = subject.has_own_descriptors() && subject.profile() != "strict-2006" &&
                         subject.profile() != "libkqueue";
    name = native_bsd || own_bsd ? "bsd" : "linux";
  }
  return *contract::find_host(name);
}

}  // namespace kqtorture
