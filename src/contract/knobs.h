// The rows of the profile table, one by one: what a knob is called, what it may say, and how it is
// read and set.
//
// Whoever prints a profile, compares two, or asks a kqueue which of the answers is its own goes by
// this table, so that a knob that is added to Profile is added in one place more and nowhere else.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "contract/profile.h"

namespace kqtorture::contract {

struct Knob {
  enum class Kind : uint8_t {
    kYesNo,   // 0 or 1
    kWords,   // an index into `words`
    kErrno,   // an errno; 0: none
    kNumber,  // a count or a filter's number
    kBits     // a word of flags
  };
  const char* name = "";
  Kind kind = Kind::kYesNo;
  int (*get)(const Profile& profile) = nullptr;
  void (*set)(Profile* profile, int value) = nullptr;
  std::span<const char* const> words = {};  // of kWords

  // The value as the table shows it.
  std::string word(int value) const;
  std::string word_of(const Profile& profile) const { return word(get(profile)); }
  // Every value that can be meant: of words all of them; of the rest those of some profile, then
  // the others that a kqueue may be expected to show. The first is the first profile's.
  std::vector<int> values() const;
};

// In the order of struct Profile.
std::span<const Knob> knobs();
// Null when there is no such knob.
const Knob* find_knob(std::string_view name);

}  // namespace kqtorture::contract
