// The program is carried out on the contract itself, in many orders, one whole call after the
// other; that gives each call the answers that it may have. Then each is put beside each, as if all
// calls of different threads had overlapped, and the checker of histories has the last word.
#include "engine/forbid.h"

#include <algorithm>
#include <csignal>
#include <map>
#include <memory>

#include "contract/checker/checker.h"
#include "engine/contract_subject.h"
#include "engine/foresee.h"
#include "engine/threaded_run.h"
#include "scenario/random.h"

namespace kqtorture {
namespace {

// Orders that are tried: 3 threads of 2 calls have 90, and every call has two or three answers,
// which a few dozen orders show.
constexpr int kOrders = 200;
// Answers side by side that are judged, at some 20 us each; and those that a reader has to read.
constexpr size_t kMostTuples = 4096;
constexpr size_t kMostPatterns = 16;

// Times are the phase: calls of threads all happen at one instant, so that each may have been
// before each.
class PhaseLog : public ThreadLog {
 public:
  PhaseLog(ContractAsSubject* contract, const uint64_t* phase)
      : contract_(*contract), phase_(*phase) {}
  void before(contract::Op* op) override {
    contract_.before(op);
    began(*op, phase_);
  }
  bool after(const contract::Op& op, const contract::Outcome& outcome) override {
    const bool sure = contract_.after(op, outcome);
    ended(op, outcome, phase_);
    return sure;
  }

 private:
  ContractAsSubject& contract_;
  const uint64_t& phase_;
};

// One call of a thread, with what it answered in some order.
struct Variant {
  contract::HistoryOp op;
  std::vector<contract::Event> events;  // its changes, then what it returned
  Expectation answer;
};
using Variants = std::map<std::string, Variant>;  // by the answer in words

class Forbidding {
 public:
  Forbidding(const Program& program, const contract::Profile& profile, const contract::Host& host)
      : program_(program),
        profile_(profile),
        host_(host),
        contract_(profile, host),
        run_(contract_, program) {
    run_.world().keep_nothing();
    for (size_t i = 0; i <= run_.threads().size(); i++) {
      run_.add(std::make_unique<PhaseLog>(&contract_, &phase_));
    }
    for (uint32_t i = 0; i < program.threads.size(); i++) {
      if (program.threads[i].role == Role::kThread) index_.push_back(i);
    }
    variants_.resize(index_.size());
    for (size_t i = 0; i < index_.size(); i++) {
      variants_[i].resize(program.threads[index_[i]].ops.size());
    }
  }

  bool collect(std::string* why_not) {
    Random random(1);
    for (int order = 0; order < kOrders; order++) {
      contract_.reset();
      phase_ = 1;
      if (!run_.begin(why_not)) {
        run_.world().end();
        return false;
      }
      run_.section(Role::kSetup);
      main_ = contract::copy_of(run_.view(1)).threads[0];
      phase_ = 2;
      one_order(&random);
      if (contract_.sure()) note_answers();
      run_.world().end();
    }
    return true;
  }

  void judge(std::vector<std::vector<CProgram::Answer>>* forbidden) {
    std::vector<std::pair<CProgram::Call, const Variants*>> calls;
    size_t tuples = 1;
    for (size_t i = 0; i < variants_.size(); i++) {
      for (size_t j = 0; j < variants_[i].size(); j++) {
        if (variants_[i][j].empty()) continue;  // an operation that answers nothing
        calls.push_back({{index_[i], static_cast<uint32_t>(j)}, &variants_[i][j]});
        tuples *= variants_[i][j].size();
        if (tuples > kMostTuples) return;
      }
    }
    for (size_t tuple = 0; tuple < tuples && forbidden->size() < kMostPatterns; tuple++) {
      std::vector<const Variant*> chosen;
      size_t rest = tuple;
      for (const auto& [call, variants] : calls) {
        chosen.push_back(
            &std::next(variants->begin(), static_cast<std::ptrdiff_t>(rest % variants->size()))
                 ->second);
        rest /= variants->size();
      }
      if (!refused(calls, chosen)) continue;
      std::vector<CProgram::Answer> pattern;
      for (size_t i = 0; i < calls.size(); i++) {
        pattern.push_back({calls[i].first, chosen[i]->answer});
        for (ExpectedEvent& event : pattern.back().answer.events) event.fields = 0xf;
      }
      forbidden->push_back(std::move(pattern));
    }
  }

 private:
  void one_order(Random* random) {
    std::vector<size_t> next(index_.size());
    std::vector<size_t> ready;
    while (true) {
      ready.clear();
      for (size_t i = 0; i < next.size(); i++) {
        if (next[i] < run_.threads()[i]->ops.size()) ready.push_back(i);
      }
      if (ready.empty()) return;
      const size_t thread = ready[random->below(ready.size())];
      run_.operate(thread + 1, run_.threads()[thread]->ops[next[thread]++]);
    }
  }

  // Of operations that are one call; others are left out, and so is what they did.
  void note_answers() {
    const Lanes lanes = run_.lanes({UINT32_MAX, 0}, 1);
    for (size_t lane = 1; lane < run_.lanes(); lane++) {
      const contract::History::Thread& log = run_.log(lane).calls();
      size_t j = 0;
      for (const ThreadLog::Operation& operation : run_.log(lane).operations()) {
        const size_t place = j++;
        if (!operation.done || operation.end_call != operation.first_call + 1) continue;
        const auto line =
            std::find_if(lanes.calls.begin(), lanes.calls.end(), [&](const Lanes::Call& call) {
              return call.lane == lane && answer_in(program_, *operation.op, call.text) &&
                     !taken_.contains(&call);
            });
        if (line == lanes.calls.end()) continue;
        taken_.insert({&*line, true});
        const contract::HistoryOp& op = log.ops[operation.first_call];
        const auto first = log.events.begin() + op.first;
        variants_[lane - 1][place].insert({line->text,
                                           {op,
                                            {first, first + op.changes + op.seen},
                                            *answer_in(program_, *operation.op, line->text)}});
      }
    }
    taken_.clear();
  }

  template <typename Calls>
  bool refused(const Calls& calls, const std::vector<const Variant*>& chosen) const {
    contract::History history;
    history.threads.resize(index_.size() + 1);
    history.threads[0] = main_;
    for (size_t i = 0; i < calls.size(); i++) {
      const auto lane = std::find(index_.begin(), index_.end(), calls[i].first.thread);
      const Variant& variant = *chosen[i];
      const auto seen = variant.events.begin() + variant.op.changes;
      history.threads[static_cast<size_t>(lane - index_.begin()) + 1].add(
          variant.op, {variant.events.begin(), seen}, {seen, variant.events.end()});
    }
    const contract::HistoryView view = history.view();
    if (!contract::malformed(view).empty()) return false;
    return contract::check_history(view, profile_, host_).violation.has_value();
  }

  const Program& program_;
  const contract::Profile& profile_;
  const contract::Host& host_;
  uint64_t phase_ = 1;
  ContractAsSubject contract_;
  ThreadedRun run_;
  contract::History::Thread main_;
  std::vector<uint32_t> index_;  // of the program's threads, by lane less one
  std::vector<std::vector<Variants>> variants_;
  std::map<const Lanes::Call*, bool> taken_;
};

// What changes no descriptor: a number that is given to another, a process or a signal has an order
// of its own, which answers side by side from several runs do not have.
bool stays_with_its_objects(OpKind kind) {
  return kind == OpKind::kKevent || kind == OpKind::kTrigger || kind == OpKind::kRead ||
         kind == OpKind::kWrite;
}

}  // namespace

bool forbid(const Program& program, const contract::Profile& profile, const contract::Host& host,
            std::vector<std::vector<CProgram::Answer>>* forbidden, std::string* why_not) {
  *why_not = "no answers of its calls are wrong in every order; run it, and export what is found";
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      if (thread.role == Role::kThread && !stays_with_its_objects(op.kind)) return false;
    }
  }
  std::signal(SIGPIPE, SIG_IGN);
  const auto forbidding = std::make_unique<Forbidding>(program, profile, host);
  if (!forbidding->collect(why_not)) return false;
  forbidding->judge(forbidden);
  return !forbidden->empty();
}

}  // namespace kqtorture
