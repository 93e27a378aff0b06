// The litmus text cut into tokens.
//
// One pass, no copies, no look-ahead beyond two characters: the cost is linear in the text,
// whatever the text is. Control characters are refused here, so that nothing in a program can
// reach a terminal that a person did not type.
#pragma once

#include <string>
#include <string_view>

namespace kqtorture {

struct Token {
  enum Kind : char {
    kWord,     // letters, digits and _ . : - in a row
    kOpen,     // (
    kClose,    // )
    kBar,      // |
    kEquals,   // =
    kArrow,    // ->
    kYields,   // =>
    kNewline,  // end of a logical line; a backslash at its end continues it
    kEnd,      //
    kBad       // the reason is in Lexer::complaint()
  };
  Kind kind = kEnd;
  std::string_view text;
  int line = 1;
  int column = 1;  // both from 1; a tab counts as one column
};

class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Token next();
  // The rest of the line as it stands, blanks at both ends cut off: a title. No comment is
  // recognised in it.
  Token rest_of_line();
  const std::string& complaint() const { return complaint_; }

 private:
  Token make(Token::Kind kind, size_t length);
  Token refuse(std::string complaint);
  bool skip_blanks();

  std::string_view text_;
  size_t at_ = 0;
  int line_ = 1;
  size_t line_start_ = 0;
  std::string complaint_;
};

// A piece of the text for a message: cut to a few characters, unprintable bytes as \xNN.
std::string quoted(std::string_view piece);

}  // namespace kqtorture
