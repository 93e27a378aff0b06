// The client's half of HTTP: bytes become answers, one at a time and in order.
//
// It knows nothing of the server but llhttp, so that what it says about the bytes is a second
// opinion.
#pragma once

#include <llhttp.h>

#include <string>
#include <string_view>

namespace kqtorture::web {

struct Received {
  int status = 0;
  std::string id;  // X-Id
  std::string body;
  bool close = false;  // the server says that it is the last one
};

class AnswerReader {
 public:
  enum class Result { kMore, kAnswer, kGarbage };

  AnswerReader();
  AnswerReader(const AnswerReader&) = delete;
  AnswerReader& operator=(const AnswerReader&) = delete;

  // Parses from the front of data, up to the end of an answer; says how many bytes it took.
  // head: the next answer has no body, because HEAD was asked.
  Result execute(std::string_view data, bool head, size_t* taken);
  const Received& answer() const { return answer_; }
  bool in_answer() const { return in_answer_; }

 private:
  friend struct AnswerCallbacks;
  llhttp_t parser_;
  Received answer_;
  std::string name_, value_;
  bool head_ = false, in_answer_ = false;
};

}  // namespace kqtorture::web
