// Most of a schedule is one thread that goes on, so runs of equal answers are written once.
#include "report/schedule.h"

#include <cctype>
#include <charconv>

namespace kqtorture {
namespace {

constexpr size_t kStepDigits = 6;  // of a step

// A number of at most seven digits; false when there is none.
bool take_number(const std::string& text, size_t* at, size_t* value) {
  const size_t begin = *at;
  *value = 0;
  while (*at < text.size() && std::isdigit(static_cast<unsigned char>(text[*at])) != 0) {
    if (*at - begin == 7) return false;
    *value = *value * 10 + static_cast<size_t>(text[(*at)++] - '0');
  }
  return *at > begin;
}

}  // namespace

std::string decisions_to_text(const std::vector<uint8_t>& decisions) {
  std::string text;
  for (size_t i = 0; i < decisions.size();) {
    size_t end = i + 1;
    while (end < decisions.size() && decisions[end] == decisions[i]) end++;
    if (!text.empty()) text += ' ';
    text += std::to_string(decisions[i]);
    if (end - i > 1) text += '*' + std::to_string(end - i);
    i = end;
  }
  return text;
}

bool decisions_from_text(const std::string& text, std::vector<uint8_t>* decisions) {
  decisions->clear();
  for (size_t at = 0; at < text.size();) {
    size_t value, count = 1;
    if (!take_number(text, &at, &value) || value > UINT8_MAX) return false;
    if (at < text.size() && text[at] == '*' && (!take_number(text, &++at, &count) || count == 0)) {
      return false;
    }
    if (at < text.size() && text[at++] != ' ') return false;
    if (count > kMostDecisions - decisions->size()) return false;
    decisions->insert(decisions->end(), count, static_cast<uint8_t>(value));
  }
  return true;
}

std::string steps_to_text(const std::vector<StepMark>& steps) {
  std::string text;
  text.reserve(kStepDigits * steps.size());
  for (const StepMark& step : steps) {
    const uint32_t bits =
        uint32_t{step.thread & 15u} << 20 | uint32_t{step.kind & 15u} << 16 | step.trace;
    for (size_t i = kStepDigits; i-- > 0;) text += "0123456789abcdef"[bits >> 4 * i & 15];
  }
  return text;
}

bool steps_from_text(const std::string& text, std::vector<StepMark>* steps) {
  steps->clear();
  if (text.size() % kStepDigits != 0 || text.size() / kStepDigits > kMostStepMarks) return false;
  for (size_t at = 0; at < text.size(); at += kStepDigits) {
    uint32_t bits = 0;
    const auto [end, error] = std::from_chars(&text[at], &text[at] + kStepDigits, bits, 16);
    if (error != std::errc() || end != &text[at] + kStepDigits) return false;
    steps->push_back({static_cast<uint8_t>(bits >> 20), static_cast<uint8_t>(bits >> 16 & 15),
                      static_cast<uint16_t>(bits)});
  }
  return true;
}

}  // namespace kqtorture
