// Cutting litmus text into tokens, one character after the other, never back.
#include "scenario/lexer.h"

namespace kqtorture {
namespace {

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '.' || c == ':' || c == '-';
}

// What no line may hold. Bytes from 0x80 are let through in comments alone, by the caller.
bool is_control(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return (byte < 0x20 && c != '\t' && c != '\n') || byte == 0x7f;
}

void append_escaped(std::string* out, char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  const auto byte = static_cast<unsigned char>(c);
  if (byte >= 0x20 && byte < 0x7f) {
    *out += c;
  } else {
    out->append("\\x").append(1, kDigits[byte >> 4]).append(1, kDigits[byte & 15]);
  }
}

}  // namespace

std::string quoted(std::string_view piece) {
  constexpr size_t kMost = 40;
  std::string text = "'";
  for (const char c : piece.substr(0, kMost)) append_escaped(&text, c);
  text += piece.size() > kMost ? "...'" : "'";
  return text;
}

Token Lexer::make(Token::Kind kind, size_t length) {
  Token token{kind, text_.substr(at_, length), line_, static_cast<int>(at_ - line_start_) + 1};
  at_ += length;
  return token;
}

Token Lexer::refuse(std::string complaint) {
  complaint_ = std::move(complaint);
  return make(Token::kBad, 0);
}

// Blanks, a comment, continued line ends. False on a control character, with at_ upon it.
bool Lexer::skip_blanks() {
  while (at_ < text_.size()) {
    const char c = text_[at_];
    if (c == ' ' || c == '\t') {
      at_++;
    } else if (c == '#') {
      while (at_ < text_.size() && text_[at_] != '\n') {
        if (is_control(text_[at_])) return false;
        at_++;
      }
    } else if (c == '\\' && at_ + 1 < text_.size() && text_[at_ + 1] == '\n') {
      at_ += 2;
      line_++;
      line_start_ = at_;
    } else {
      return !is_control(c);
    }
  }
  return true;
}

Token Lexer::next() {
  if (!skip_blanks()) return refuse("control character " + quoted(text_.substr(at_, 1)));
  if (at_ == text_.size()) return make(Token::kEnd, 0);
  const char c = text_[at_];
  const char after = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
  if (c == '\n') {
    const Token token = make(Token::kNewline, 1);
    line_++;
    line_start_ = at_;
    return token;
  }
  if (c == '(') return make(Token::kOpen, 1);
  if (c == ')') return make(Token::kClose, 1);
  if (c == '|') return make(Token::kBar, 1);
  if (c == '=' && after == '>') return make(Token::kYields, 2);
  if (c == '=') return make(Token::kEquals, 1);
  if (c == '-' && after == '>') return make(Token::kArrow, 2);
  size_t length = 0;
  while (at_ + length < text_.size() && is_word(text_[at_ + length])) {
    const bool arrow = text_.substr(at_ + length, 2) == "->";
    if (arrow) break;
    length++;
  }
  if (length != 0) return make(Token::kWord, length);
  return refuse("unexpected character " + quoted(text_.substr(at_, 1)));
}

Token Lexer::rest_of_line() {
  while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) at_++;
  size_t length = 0;
  while (at_ + length < text_.size() && text_[at_ + length] != '\n') {
    const char c = text_[at_ + length];
    if (is_control(c) || c == '\t' || static_cast<unsigned char>(c) >= 0x80) {
      at_ += length;
      return refuse("the title holds " + quoted(text_.substr(at_, 1)) +
                    ", which is not plain ASCII");
    }
    length++;
  }
  Token token = make(Token::kWord, length);
  while (token.text.ends_with(' ')) token.text.remove_suffix(1);
  return token;
}

}  // namespace kqtorture
