// How is a kqueue asked which value of a knob is its own?
//
// By a small litmus program. What it returned is held against the model under every value that the
// knob can have: the value that explains it is the answer. So a probe only has to make the values
// differ; nobody writes down what each of them would return, the model knows that.
#pragma once

#include <span>
#include <string_view>

namespace kqtorture {

struct SurveyProbe {
  const char* knob = "";          // its name in contract/knobs.h
  const char* programs[2] = {};   // litmus text; a value has to explain all of them
  const char* why_not = nullptr;  // why there are none
  // Words of values, separated by '|'. A value that allows what others promise is the answer only
  // when none of those is.
  std::string_view lenient = {};
  // Values which say that a platform cannot: worth a line of its own when it can.
  std::string_view cannot = {};
};

// Of all knobs, in the order of the table.
std::span<const SurveyProbe> survey_probes();
// Those about knotes and filters, a part of them.
std::span<const SurveyProbe> knote_probes();
const SurveyProbe* find_probe(std::string_view knob);

// The knob that a waiting thread answers: no program, a kqueue closed under a call.
inline constexpr std::string_view kCloseProbe = "close(kq) wakes";

// Is the word one of the words separated by '|'?
bool lists(std::string_view words, std::string_view word);

}  // namespace kqtorture
