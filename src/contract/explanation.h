// Why is an outcome refused? In words, with the rule.
#pragma once

#include <cstdint>
#include <string>

namespace kqtorture::contract {

// The verdict words of a finding that a sequential program can draw.
enum class Verdict : uint8_t {
  kWrongAnswer,      // a return value, a field, an order that no rule allows
  kWrongErrno,       // refused with another errno than the contract's, or not refused, or refused
  kWrongUdata,       // I12
  kPhantom,          // an event whose condition never held
  kDuplicate,        // delivered twice: one activation, one arming or one generation, two events
  kLost,             // an event that was due and did not come
  kAfterDelete,      // an event of a knote that DELETE, close or dup2 had removed before
  kStaleGeneration,  // an event of the key's earlier life
};
const char* verdict_word(Verdict verdict);  // as in a finding: "wrong-answer", "phantom", ...

struct Explanation {
  Verdict verdict = Verdict::kWrongAnswer;
  std::string rule;     // "I4", or a section of the contract: "1.5"
  std::string message;  // one sentence: what was seen, what the contract says
  int index = -1;       // of the entry of the event list that does not fit; -1: the call itself
};

}  // namespace kqtorture::contract
