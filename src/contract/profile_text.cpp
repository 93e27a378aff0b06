// Every knob by its name, for people.
#include <string>

#include "contract/knobs.h"
#include "contract/profile.h"

namespace kqtorture::contract {
namespace {

void pad(std::string* text, size_t column) {
  text->append(text->size() < column ? column - text->size() : 1, ' ');
}

constexpr size_t kNameWidth = 30;
constexpr size_t kColumnWidth = 16;

}  // namespace

std::string profile_table() {
  std::string table = "knob";
  size_t column = kNameWidth;
  std::string line = table;
  for (const Profile& profile : profiles()) {
    pad(&line, column);
    line += profile.name;
    column += kColumnWidth;
  }
  table = line + '\n';
  for (const Knob& knob : knobs()) {
    line = knob.name;
    column = kNameWidth;
    for (const Profile& profile : profiles()) {
      pad(&line, column);
      line += knob.word_of(profile);
      column += kColumnWidth;
    }
    table += line + '\n';
  }
  return table;
}

std::string to_text(const Profile& profile) {
  std::string text = std::string(profile.name) + ": " + profile.summary + '\n';
  for (const Knob& knob : knobs()) {
    text += std::string(knob.name) + ": " + knob.word_of(profile) + '\n';
  }
  return text;
}

}  // namespace kqtorture::contract
