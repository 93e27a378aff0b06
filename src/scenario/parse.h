// Litmus text (docs/litmus.md) into a program, or a reason why not.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "scenario/program.h"

namespace kqtorture {

struct ParseError {
  int line = 0;  // from 1
  int column = 0;
  std::string reason;
  // "file:line:column: reason"
  std::string text(std::string_view file) const;
};

// Returns nothing on success, and then *program is valid (validate.h). The cost is linear in the
// text, and the text is refused when it is longer than limit::kTextBytes.
std::optional<ParseError> parse(std::string_view text, Program* program);

// Reads and parses a file. On failure returns nothing and sets *error to one clear line, with the
// file's name, line and column where there are any.
std::optional<Program> load_program(const std::string& path, std::string* error);

}  // namespace kqtorture
