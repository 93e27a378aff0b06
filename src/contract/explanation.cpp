// The words are those of a finding, kept in one table so that no report invents others.
#include "contract/explanation.h"

namespace kqtorture::contract {

const char* verdict_word(Verdict verdict) {
  constexpr const char* kWords[] = {"wrong-answer", "wrong-errno",     "wrong-udata",
                                    "phantom",      "duplicate",       "lost",
                                    "after-delete", "stale-generation"};
  return kWords[static_cast<int>(verdict)];
}

}  // namespace kqtorture::contract
