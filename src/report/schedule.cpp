// Most of a schedule is one thread that goes on, so runs of equal answers are written once.
#include "report/schedule.h"

#include <cctype>

namespace kqtorture {
namespace {

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

}  // namespace kqtorture
