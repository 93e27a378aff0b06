// Tokens in hand: what every part of the parser does with them, and how it complains.
//
// Every method that takes something returns false after fail(). The first complaint wins and ends
// the parse, so callers only ever pass the false on.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "scenario/lexer.h"
#include "scenario/parse.h"
#include "scenario/words.h"

namespace kqtorture {

class Cursor {
 public:
  explicit Cursor(std::string_view text) : lexer_(text) { advance(); }

 protected:
  void advance() { token_ = lexer_.next(); }

  bool fail_at(int line, int column, std::string reason) {
    if (error_.line == 0) error_ = {line, column, std::move(reason)};
    return false;
  }
  bool fail(std::string reason) {
    if (token_.kind == Token::kBad) reason = lexer_.complaint();
    return fail_at(token_.line, token_.column, std::move(reason));
  }
  // "<what> expected, not 'x'"
  bool expected(std::string_view what) {
    if (token_.kind == Token::kNewline || token_.kind == Token::kEnd) {
      return fail(std::string(what) + " expected before the end of the line");
    }
    return fail(std::string(what) + " expected, not " + quoted(token_.text));
  }

  bool is(Token::Kind kind) const { return token_.kind == kind; }
  bool is_word(std::string_view text) const { return is(Token::kWord) && token_.text == text; }
  bool accept(Token::Kind kind) {
    if (!is(kind)) return false;
    advance();
    return true;
  }

  bool word(std::string_view what, std::string_view* text) {
    if (!is(Token::kWord)) return expected(what);
    *text = token_.text;
    advance();
    return true;
  }

  bool number(std::string_view what, int64_t* value) {
    const auto parsed = is(Token::kWord) ? signed_of_word(token_.text) : std::nullopt;
    if (!parsed) return expected(what);
    *value = *parsed;
    advance();
    return true;
  }

  template <typename T>
  bool number_between(std::string_view what, int64_t least, int64_t most, T* value) {
    const Token at = token_;
    int64_t parsed = 0;
    if (!number(what, &parsed)) return false;
    if (parsed < least || parsed > most) {
      return fail_at(at.line, at.column,
                     std::string(what) + " must be between " + std::to_string(least) + " and " +
                         std::to_string(most));
    }
    *value = static_cast<T>(parsed);
    return true;
  }

  template <typename T, typename Lookup>
  bool bits(std::string_view what, T* value, Lookup lookup) {
    do {
      const auto bit = is(Token::kWord) ? lookup(token_.text) : std::nullopt;
      if (!bit) return expected(what);
      *value = static_cast<T>(*value | *bit);
      advance();
    } while (accept(Token::kBar));
    return true;
  }

  Lexer lexer_;
  Token token_;
  ParseError error_;
};

}  // namespace kqtorture
