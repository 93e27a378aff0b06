// Are the cases of the sweep what their names say, and is none missing?
#include <gtest/gtest.h>

#include <set>

#include "engine/sequential.h"
#include "engine/subjects.h"
#include "engine/sweep_judge.h"
#include "engine/sweep_program.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "sweep/judges.h"

namespace kqtorture {
namespace {

TEST(SweepCases, EveryCombinationIsThereOnceAndEitherReachableOrExplained) {
  const auto cases = sweep_cases(strict());
  EXPECT_EQ(cases.size(),
            static_cast<size_t>(kSweepTargets * kSweepCreations * kSweepStates * kSweepObjects));
  std::set<std::string> names;
  for (const SweepCase& one : cases) {
    EXPECT_TRUE(names.insert(one.name()).second) << one.name();
    if (one.unreachable != nullptr) {
      EXPECT_GT(std::string(one.unreachable).size(), 10u) << one.name();
      EXPECT_TRUE(one.before.empty() && one.after.empty()) << one.name();
    } else {
      EXPECT_FALSE(one.after.empty()) << one.name();
    }
  }
}

// What the model says of the knote, right before the word.
void expect_state(const SweepCase& one, const contract::State& state) {
  if (one.state == SweepState::kAbsent) {
    EXPECT_EQ(state.knotes, 0) << one.name();
    return;
  }
  ASSERT_EQ(state.knotes, 1) << one.name();
  const contract::Knote& knote = state.knote[0];
  const bool disabled = one.state == SweepState::kDisabled || one.state == SweepState::kDelivered ||
                        one.state == SweepState::kDisabledQueued;
  EXPECT_EQ(knote.disabled, disabled) << one.name();
  EXPECT_EQ(knote.spent, one.state == SweepState::kDelivered) << one.name();
  if (one.state == SweepState::kQueued) {
    EXPECT_TRUE(possible(knote.queued)) << one.name();
  }
  if (one.state == SweepState::kEnabled) {
    EXPECT_FALSE(certain(knote.queued)) << one.name();
  }
  const bool oneshot = one.creation == SweepCreation::kOneshot;
  const bool dies = one.target == SweepTarget::kWritePipe && one.object == SweepObject::kEof;
  const bool ended = (one.target == SweepTarget::kProc || one.target == SweepTarget::kProcdesc) &&
                     one.object == SweepObject::kReady;  // converts it, too
  EXPECT_EQ(knote.is(contract::flag::kOneshot), oneshot || dies || ended) << one.name();
  EXPECT_EQ(knote.is(contract::flag::kDispatch), one.creation >= SweepCreation::kDispatch)
      << one.name();
  if (one.filter == contract::filter::kUser) {
    EXPECT_EQ(knote.latch, contract::tri(one.object == SweepObject::kReady)) << one.name();
  }
}

TEST(SweepCases, TheWayIntoEachCaseLeadsThere) {
  const contract::Model model(strict(), host());
  int reachable = 0;
  for (const SweepCase& one : sweep_cases(strict())) {
    if (one.unreachable != nullptr) continue;
    SweepWork work;
    uint64_t judged = 0;
    SweepBench bench(emulator(), one, &work);
    std::string why_not;
    ASSERT_TRUE(bench.open(&why_not)) << why_not;
    SweepJudge judge(model, one, bench, &judged);
    ASSERT_EQ(judge.begin(), contract::Answer::kAccepted) << one.name();
    expect_state(one, judge.at_word());
    EXPECT_TRUE(bench.clean(&why_not)) << one.name() << ": " << why_not;
    reachable++;
  }
  EXPECT_GT(reachable, 400);
}

// One prediction serves all words that differ in reserved bits: is that so?
TEST(SweepCases, TheModelPredictsTheSameForWordsThatDifferInReservedBits) {
  const contract::Model model(strict(), host());
  size_t compared = 0;
  for (const SweepCase& one : sweep_cases(strict())) {
    if (one.unreachable != nullptr || one.object == SweepObject::kEof) continue;
    SweepWork work;
    uint64_t judged = 0;
    SweepBench bench(emulator(), one, &work);
    std::string why_not;
    ASSERT_TRUE(bench.open(&why_not)) << why_not;
    SweepJudge judge(model, one, bench, &judged);
    ASSERT_EQ(judge.begin(), contract::Answer::kAccepted);
    for (unsigned word = 0; word < 0x1000; word += 7) {
      const WordPrediction plain = judge.predict(static_cast<uint16_t>(word));
      const WordPrediction dressed = judge.predict(static_cast<uint16_t>(word | 0xf000));
      ASSERT_EQ(plain.kind, dressed.kind) << one.name() << " " << word;
      ASSERT_EQ(plain.entry, dressed.entry) << one.name() << " " << word;
      if (word & 0x0c00) {
        ASSERT_EQ(plain.kind, WordKind::kRefused) << one.name() << " " << word;
      }
      compared++;
    }
  }
  EXPECT_GT(compared, 100000u);
}

// In libkqueue it fails without room for its entry; what it asks for is done all the same.
TEST(SweepCases, AReceiptIsNoRefusal) {
  const contract::Profile* const profile = contract::find_profile("libkqueue");
  const contract::Model model(*profile, host());
  for (const SweepCase& one : sweep_cases(*profile)) {
    if (one.name() != "READ-pipe.clear.enabled.idle") continue;
    SweepWork work;
    uint64_t judged = 0;
    SweepBench bench(emulator(), one, &work);
    std::string why_not;
    ASSERT_TRUE(bench.open(&why_not)) << why_not;
    SweepJudge judge(model, one, bench, &judged);
    ASSERT_EQ(judge.begin(), contract::Answer::kAccepted);
    EXPECT_EQ(judge.predict(flag::kDelete | flag::kReceipt).kind, WordKind::kReceipt);
    EXPECT_EQ(judge.predict(flag::kAdd | flag::kOneshot | flag::kDispatch).kind,
              WordKind::kRefused);
    return;
  }
  FAIL() << "no such case";
}

TEST(SweepCases, EachIsAProgramThatParsesBackToItselfAndRunsClean) {
  SequentialEngine engine(emulator(), strict(), host());
  const std::vector<uint16_t> words = {0x0001, 0x0004, 0x0142, 0xf181};
  for (const SweepCase& one : sweep_cases(strict())) {
    if (one.unreachable != nullptr) continue;
    for (const Program& program :
         {program_of(one, words), program_of_list(one, {0x0c00, 0x0401})}) {
      Program again;
      const auto error = parse(print(program), &again);
      ASSERT_FALSE(error) << error->text(one.name());
      ASSERT_EQ(print(program), print(again));
      const SequentialResult result = engine.run(program);
      EXPECT_NE(result.status, SequentialResult::Status::kFinding) << result.message << "\n"
                                                                   << print(program);
    }
  }
}

}  // namespace
}  // namespace kqtorture
