// Words are sorted by what the model says of them. Those that do something are tried sixteen at a
// time, each on a knote that was just brought into the case's state; those that are refused are
// tried in lists on one knote, which then must be as it would be had there been none.
#include "engine/sweep_run.h"

#include <cerrno>

#include "engine/sweep_program.h"
#include "scenario/print.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using contract::Answer;

const std::vector<SweepStep> kWordStep = {{SweepStep::Kind::kWord}};

}  // namespace

void SweepCounts::add(const SweepCounts& other) {
  executed += other.executed;
  changing += other.changing;
  refused += other.refused;
  predictions += other.predictions;
  judged += other.judged;
  checks += other.checks;
  beyond += other.beyond;
  wrong += other.wrong;
  late += other.late;
  not_executed += other.not_executed;
  cases += other.cases;
  work.kevent_calls += other.work.kevent_calls;
  work.changes += other.work.changes;
  work.deliveries += other.work.deliveries;
  for (const auto& [why, count] : other.skipped) skipped[why] += count;
}

std::string SweepFindings::kind(const std::string& verdict, const std::string& rule,
                                int16_t filter) {
  return verdict + " " + rule + " of " + std::to_string(filter);
}

void SweepFindings::add(Finding finding, const std::string& seen, int16_t filter) {
  const std::lock_guard lock(mutex_);
  settled_.insert(seen);
  if (!kinds_.insert(kind(finding.verdict, finding.rule, filter)).second) return;
  findings_.push_back(std::move(finding));
  count_.store(findings_.size(), std::memory_order_relaxed);
}

bool SweepFindings::has(const std::string& seen) {
  const std::lock_guard lock(mutex_);
  return settled_.count(seen) > 0;
}

SweepRun::SweepRun(const Subject& subject, const contract::Profile& profile,
                   const contract::Host& host, SweepFindings* findings)
    : subject_(subject),
      model_(profile, host),
      engine_(subject, profile, host),
      findings_(*findings) {}

// A fresh fixture, and where the model stands with it.
bool SweepRun::renew(size_t words) {
  spoiled_ = false;
  judge_.reset();
  bench_ = std::make_unique<SweepBench>(subject_, *case_, &counts_.work);
  judge_ = std::make_unique<SweepJudge>(model_, *case_, *bench_, &counts_.judged);
  std::string why_not;
  if (!bench_->open(&why_not)) {
    counts_.skipped[why_not] += words;
    return false;
  }
  if (judge_->begin() == Answer::kAccepted) return true;
  counts_.skipped["the way into the state is beyond the model of this profile"] += words;
  return false;
}

bool SweepRun::begin(const SweepCase& one, size_t words) {
  case_ = &one;
  wrongs_ = lates_ = 0;
  predictions_.assign(no_word(), {});
  predicted_.assign(no_word(), false);
  known_.assign(no_word() + 1, {});
  return renew(words);
}

// Signals are the process's: one case about them at a time, in all jobs, and its knotes and
// dispositions are gone before the next.
void SweepRun::run(const SweepCase& one, const std::vector<uint16_t>& words) {
  static std::mutex signals;
  std::unique_lock turn(signals, std::defer_lock);
  if (one.filter == contract::filter::kSignal) turn.lock();
  run_case(one, words);
  if (!turn.owns_lock()) return;
  judge_.reset();
  bench_.reset();
}

void SweepRun::run_case(const SweepCase& one, const std::vector<uint16_t>& words) {
  note_activity(("sweep " + one.name()).c_str());
  if (!begin(one, words.size())) return;
  counts_.cases++;
  sort(words);
  size_t left = silent_.size() + receipts_.size() + refused_.size();
  for (const auto* group : {&silent_, &receipts_}) {
    for (size_t i = 0, count; i < group->size(); i += count, left -= count) {
      if (!go_on(left)) return;
      count = std::min<size_t>(SweepBench::kSlots, group->size() - i);
      run_batch(group->data() + i, static_cast<int>(count));
    }
  }
  for (size_t i = 0, count; i < refused_.size(); i += count, left -= count) {
    if (!go_on(left)) return;
    count = std::min(size_t{kList} * kListsPerCheck, refused_.size() - i);
    run_refused(refused_.data() + i, count);
  }
  std::string why_not;
  if (!spoiled_ && !findings_.enough() && !bench_->clean(&why_not)) {
    contract::Explanation why;
    why.message = "after a case of the sweep " + why_not;
    investigate({}, false, why);
  }
}

bool SweepRun::go_on(size_t left) {
  if (findings_.enough()) return false;
  if (wrongs_ >= kMostWrongs) {
    counts_.skipped[lates_ == wrongs_ ? "timers of the case came late too often"
                                      : "too many outcomes of the case were wrong"] += left;
    return false;
  }
  return !spoiled_ || renew(left);
}

const WordPrediction& SweepRun::prediction(uint16_t word) {
  const size_t at = masked(word);
  if (!predicted_[at]) {
    predicted_[at] = true;
    predictions_[at] = judge_->predict(static_cast<uint16_t>(at));
    counts_.predictions++;
  }
  return predictions_[at];
}

void SweepRun::sort(const std::vector<uint16_t>& words) {
  silent_.clear();
  receipts_.clear();
  refused_.clear();
  for (const uint16_t word : words) {
    switch (prediction(word).kind) {
      case WordKind::kSilent:
        silent_.push_back(word);
        break;
      case WordKind::kReceipt:
        receipts_.push_back(word);
        break;
      case WordKind::kRefused:
        refused_.push_back(word);
        break;
      case WordKind::kBeyond:
        counts_.beyond++;
        counts_.not_executed++;
    }
  }
}

bool SweepRun::accepted(int slot, const uint16_t* word, const SweepOutcome& outcome,
                        contract::Explanation* why) {
  std::vector<SweepOutcome>& known = known_[word != nullptr ? masked(*word) : no_word()];
  for (const SweepOutcome& one : known) {
    if (one.same(outcome)) return true;
  }
  const Answer answer = judge_->check(slot, word, outcome, why);
  if (answer == Answer::kRefused) return false;
  if (answer == Answer::kUndecided) {
    counts_.beyond++;
  } else {
    known.push_back(outcome);
  }
  return true;
}

void SweepRun::run_batch(const uint16_t* words, int count) {
  SweepOutcome outcomes[SweepBench::kSlots];
  bench_->run(case_->before, count, nullptr, outcomes);
  bench_->run(kWordStep, count, words, outcomes);
  bench_->run(case_->after, count, nullptr, outcomes);
  note_progress();
  counts_.executed += static_cast<uint64_t>(count);
  counts_.changing += static_cast<uint64_t>(count);
  for (int slot = 0; slot < count; slot++) {
    contract::Explanation why;
    if (accepted(slot, &words[slot], outcomes[slot], &why)) continue;
    investigate({{words[slot]}, {words, words + count}}, false, why);
    return;
  }
}

void SweepRun::run_refused(const uint16_t* words, size_t count) {
  SweepOutcome outcome;
  bench_->run(case_->before, 1, nullptr, &outcome);
  for (size_t i = 0; i < count; i += kList) {
    if (!submit(words + i, static_cast<int>(std::min<size_t>(kList, count - i)))) break;
  }
  bench_->run(case_->after, 1, nullptr, &outcome);
  note_progress();
  counts_.executed += count;
  counts_.refused += count;
  counts_.checks++;
  contract::Explanation why;
  if (accepted(0, nullptr, outcome, &why)) return;
  // Which of them was it? Each alone, and then all of them as they were.
  std::vector<std::vector<uint16_t>> attempts;
  for (size_t i = 0; i < count; i++) attempts.push_back({words[i]});
  attempts.emplace_back(words, words + count);
  investigate(attempts, true, why);
}

// One call. False when its answer was wrong: that has been reported.
bool SweepRun::submit(const uint16_t* words, int count) {
  contract::Event entries[kList];
  const int result = bench_->submit(words, count, entries);
  const int error = errno;
  bool same = result == count;
  for (int i = 0; same && i < count; i++) same = entries[i] == prediction(words[i]).entry;
  if (same) return true;
  contract::Explanation why;
  if (judge_->check_list(words, count, result, error, entries, &why) == Answer::kAccepted) {
    return true;
  }
  std::vector<std::vector<uint16_t>> attempts;
  if (why.index >= 0 && why.index < count) attempts.push_back({words[why.index]});
  for (int i = 0; i < count; i++) attempts.push_back({words[i]});
  attempts.emplace_back(words, words + count);
  investigate(attempts, true, why);
  return false;
}

// Something was seen that the model does not accept. The first program that shows it again becomes
// the finding; if none does, the finding says so.
void SweepRun::investigate(const std::vector<std::vector<uint16_t>>& attempts, bool list,
                           const contract::Explanation& why) {
  spoiled_ = true;
  wrongs_++;
  counts_.wrong++;
  const std::string seen =
      SweepFindings::kind(contract::verdict_word(why.verdict), why.rule, case_->filter);
  // A kqueue that is wrong is wrong in a thousand words; the first of a kind is enough.
  if (findings_.has(seen)) return;
  bool late = false;
  for (const std::vector<uint16_t>& words : attempts) {
    const Program program =
        list && words.size() > 1 ? program_of_list(*case_, words) : program_of(*case_, words);
    const SequentialResult result = engine_.run(program);
    late = late || result.status == SequentialResult::Status::kUndecided;
    if (result.status != SequentialResult::Status::kFinding) continue;
    Finding finding = engine_.investigate(program);
    if (finding.verdict.empty()) continue;
    finding.scenario = "sweep." + case_->name();
    findings_.add(std::move(finding), seen, case_->filter);
    return;
  }
  // A timer that is late has counted nothing when it is forced.
  const bool missing = why.verdict == contract::Verdict::kLost || why.rule == "I11";
  if (case_->hidden_steps && (late || missing)) {
    counts_.wrong--;
    counts_.late++;
    lates_++;
    return;
  }
  Finding finding;
  finding.verdict = contract::verdict_word(why.verdict);
  finding.rule = why.rule;
  finding.engine = "sweep";
  finding.scenario = "sweep." + case_->name();
  finding.subject = subject_.spec();
  finding.profile = model_.profile().name;
  finding.message = why.message + "; it did not repeat itself in a program of its own";
  if (!attempts.empty()) {
    const std::vector<uint16_t>& all = attempts.back();
    finding.reproducer = print(list ? program_of_list(*case_, all) : program_of(*case_, all));
  }
  findings_.add(std::move(finding), seen, case_->filter);
}

}  // namespace kqtorture
