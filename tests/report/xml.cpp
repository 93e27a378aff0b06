// A strict reader of the subset that the reports use; it rejects what a real parser would, and a
// little more (comments, CDATA), which the reports never write.
#include "xml.h"

#include <cctype>
#include <vector>

#include "report/text.h"

namespace kqtorture::testing {
namespace {

class Reader {
 public:
  explicit Reader(const std::string& text) : text_(text) {}

  std::string problem() {
    if (to_utf8(text_) != text_) return "not UTF-8";
    for (const char c : text_) {
      const auto byte = static_cast<unsigned char>(c);
      if (byte < 0x20 && c != '\t' && c != '\n' && c != '\r') return "control character";
    }
    if (text_.compare(0, 5, "<?xml") == 0) at_ = text_.find("?>") + 2;
    while (problem_.empty() && at_ < text_.size()) text_[at_] == '<' ? tag() : text();
    if (problem_.empty() && !open_.empty()) fail("unclosed " + open_.back());
    if (problem_.empty() && roots_ != 1) fail("not one root element");
    return problem_;
  }

 private:
  void fail(const std::string& what) {
    if (problem_.empty()) problem_ = what + " at byte " + std::to_string(at_);
  }
  bool take(char c) {
    if (at_ >= text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void spaces() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
  }
  std::string name() {
    const size_t begin = at_;
    while (at_ < text_.size() && (std::isalnum(static_cast<unsigned char>(text_[at_])) ||
                                  text_[at_] == '-' || text_[at_] == '_')) {
      ++at_;
    }
    if (at_ == begin) fail("name expected");
    return text_.substr(begin, at_ - begin);
  }
  void entity() {
    const size_t end = text_.find(';', at_);
    const std::string known = " amp lt gt quot apos #39 #13 ";
    const std::string found = end == std::string::npos ? "?" : text_.substr(at_, end - at_);
    if (known.find(" " + found + " ") == std::string::npos) return fail("unknown entity");
    at_ = end + 1;
  }
  void text() {
    const bool inside = !open_.empty();
    while (problem_.empty() && at_ < text_.size() && text_[at_] != '<') {
      const char c = text_[at_++];
      if (!inside && !std::isspace(static_cast<unsigned char>(c))) fail("text outside the root");
      if (c == '&') entity();
    }
  }
  void attributes() {
    for (spaces(); problem_.empty() && at_ < text_.size() && text_[at_] != '>' && text_[at_] != '/';
         spaces()) {
      name();
      if (!take('=') || !take('"')) return fail("attribute without a quoted value");
      while (problem_.empty() && at_ < text_.size() && text_[at_] != '"') {
        const char c = text_[at_++];
        if (c == '<') fail("'<' in an attribute");
        if (c == '&') entity();
      }
      if (!take('"')) fail("unterminated attribute");
    }
  }
  void tag() {
    ++at_;
    if (take('/')) {
      const std::string closed = name();
      if (open_.empty() || open_.back() != closed) return fail("closes " + closed);
      open_.pop_back();
    } else {
      const std::string opened = name();
      if (open_.empty()) ++roots_;
      attributes();
      if (!take('/')) open_.push_back(opened);
    }
    if (problem_.empty() && !take('>')) fail("'>' expected");
  }

  const std::string& text_;
  size_t at_ = 0;
  int roots_ = 0;
  std::vector<std::string> open_;
  std::string problem_;
};

}  // namespace

std::string xml_problem(const std::string& document) { return Reader(document).problem(); }

}  // namespace kqtorture::testing
