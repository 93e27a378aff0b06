// What does the model say of a case of the sweep: of each word beforehand, and of what was seen?
//
// One fixture, one knote, one word at a time, however many were tried together. A prediction is
// made once for all words that differ in reserved bits only, because the model clears those before
// it looks; what such a word then showed is judged each time it differs from what was accepted
// before.
#pragma once

#include <memory>

#include "contract/model.h"
#include "engine/sweep_bench.h"
#include "engine/sweep_case.h"

namespace kqtorture {

// What a word does in a case.
enum class WordKind : uint8_t {
  kRefused,  // an entry with an errno: nothing has changed (I18)
  kSilent,   // done, or skipped, without an entry: the scan follows
  kReceipt,  // done, with an entry
  kBeyond,   // the model does not know
};

struct WordPrediction {
  WordKind kind = WordKind::kBeyond;
  contract::Event entry;  // of kRefused and kReceipt, for the word without reserved bits
};

class SweepJudge {
 public:
  SweepJudge(const contract::Model& model, const SweepCase& one, const SweepBench& bench,
             uint64_t* judged);

  // Is the way into the case what the model expects of it? Undecided: the case is beyond the model.
  contract::Answer begin();
  WordPrediction predict(uint16_t word);
  // Where the words find the knote, if begin() was accepted.
  const contract::State& at_word() const { return at_word_->state[0]; }

  // The whole way of one slot, before, word (unless null) and after, as it was seen.
  contract::Answer check(int slot, const uint16_t* word, const SweepOutcome& outcome,
                         contract::Explanation* why);
  // A list of refused words, submitted in one call in the case's state.
  contract::Answer check_list(const uint16_t* words, int count, int result, int error,
                              const contract::Event* entries, contract::Explanation* why);

 private:
  contract::Answer prepare(int slot, contract::Explanation* why);
  contract::Answer replay(const SweepStep& step, const SweepSeen& seen, const uint16_t* word,
                          contract::Explanation* why);
  contract::Answer replay_fill(const SweepStep& step, int slot);
  bool walk_to_word();

  const contract::Model& model_;
  const SweepCase& case_;
  const SweepBench& bench_;
  std::unique_ptr<contract::StateSet> states_ = std::make_unique<contract::StateSet>();
  std::unique_ptr<contract::StateSet> prepared_ = std::make_unique<contract::StateSet>();
  std::unique_ptr<contract::StateSet> at_word_ = std::make_unique<contract::StateSet>();
  uint64_t& judged_;  // counts
};

// The number that an end of the fixture's object has in an outcome.
int canonical_fd(int end);

}  // namespace kqtorture
