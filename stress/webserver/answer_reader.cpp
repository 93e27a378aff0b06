#include "answer_reader.h"

#include <strings.h>

#include "http_callbacks.h"

namespace kqtorture::web {

struct AnswerCallbacks {
  static AnswerReader* self(llhttp_t* p) { return static_cast<AnswerReader*>(p->data); }
  static int begin(llhttp_t* p) {
    self(p)->answer_ = Received();
    self(p)->name_.clear();
    self(p)->value_.clear();
    self(p)->in_answer_ = true;
    return HPE_OK;
  }
  static int field(llhttp_t* p, const char* at, size_t length) {
    self(p)->name_.append(at, length);
    return HPE_OK;
  }
  static int value(llhttp_t* p, const char* at, size_t length) {
    self(p)->value_.append(at, length);
    return HPE_OK;
  }
  static int value_end(llhttp_t* p) {
    if (strcasecmp(self(p)->name_.c_str(), "x-id") == 0) self(p)->answer_.id = self(p)->value_;
    self(p)->name_.clear();
    self(p)->value_.clear();
    return HPE_OK;
  }
  static int fields_end(llhttp_t* p) {
    self(p)->answer_.status = p->status_code;
    return self(p)->head_ ? 1 : HPE_OK;
  }
  static int body(llhttp_t* p, const char* at, size_t length) {
    self(p)->answer_.body.append(at, length);
    return HPE_OK;
  }
  static int complete(llhttp_t* p) {
    self(p)->answer_.close = (p->flags & F_CONNECTION_CLOSE) != 0;
    self(p)->in_answer_ = false;
    return HPE_PAUSED;
  }
};

AnswerReader::AnswerReader() {
  llhttp_init(&parser_, HTTP_RESPONSE, http_settings<AnswerCallbacks>());
  parser_.data = this;
}

AnswerReader::Result AnswerReader::execute(std::string_view data, bool head, size_t* taken) {
  head_ = head;
  *taken = data.size();
  const llhttp_errno error = llhttp_execute(&parser_, data.data(), data.size());
  if (error == HPE_OK) return Result::kMore;
  if (error != HPE_PAUSED) return Result::kGarbage;
  *taken = static_cast<size_t>(llhttp_get_error_pos(&parser_) - data.data());
  llhttp_resume(&parser_);
  return answer_.status == 100 ? Result::kMore : Result::kAnswer;
}

}  // namespace kqtorture::web
