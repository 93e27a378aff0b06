#include "request_parser.h"

#include <strings.h>

#include "http_callbacks.h"
#include "limits.h"

namespace kqtorture::web {
namespace {

// The longest field name that means something here, and more than any value of it needs.
constexpr size_t kKept = 32;

void append_some(std::string* text, std::string_view part) {
  if (text->size() < kKept) text->append(part.substr(0, kKept - text->size()));
}

RequestParser* self(llhttp_t* parser) { return static_cast<RequestParser*>(parser->data); }

}  // namespace

struct Callbacks {
  static int begin(llhttp_t* p) {
    self(p)->begin_request();
    return HPE_OK;
  }
  static int url(llhttp_t* p, const char* at, size_t length) {
    std::string& target = self(p)->request_.target;
    if (target.size() + length > kMostTarget) return self(p)->refuse(414);
    target.append(at, length);
    return HPE_OK;
  }
  static int field(llhttp_t* p, const char* at, size_t length) {
    return self(p)->take_field({at, length});
  }
  static int field_end(llhttp_t* p) { return self(p)->end_field(); }
  static int value(llhttp_t* p, const char* at, size_t length) {
    return self(p)->take_value({at, length});
  }
  static int value_end(llhttp_t* p) { return self(p)->end_value(); }
  static int fields_end(llhttp_t* p) { return self(p)->end_of_fields(); }
  static int body(llhttp_t* p, const char* at, size_t length) {
    return self(p)->take_body({at, length});
  }
  static int complete(llhttp_t* p) {
    self(p)->complete_ = true;
    self(p)->request_.keep_alive = llhttp_should_keep_alive(p) != 0;
    return HPE_PAUSED;
  }
};

void RequestParser::reset() {
  llhttp_init(&parser_, HTTP_REQUEST, http_settings<Callbacks>());
  parser_.data = this;
  status_ = 0;
  in_request_ = complete_ = wants_continue_ = false;
  first_byte_ = 0;
}

void RequestParser::begin_request() {
  request_.target.clear();
  request_.body.clear();
  name_.clear();
  value_.clear();
  field_bytes_ = fields_ = hosts_ = 0;
  in_request_ = true;
}

int RequestParser::refuse(int status) {
  status_ = status;
  return HPE_USER;
}

int RequestParser::take_field(std::string_view part) {
  field_bytes_ += part.size();
  append_some(&name_, part);
  return field_bytes_ > kMostFieldBytes ? refuse(431) : HPE_OK;
}

int RequestParser::end_field() { return ++fields_ > kMostFields ? refuse(431) : HPE_OK; }

int RequestParser::take_value(std::string_view part) {
  field_bytes_ += part.size();
  append_some(&value_, part);
  return field_bytes_ > kMostFieldBytes ? refuse(431) : HPE_OK;
}

int RequestParser::end_value() {
  const bool expects = strcasecmp(name_.c_str(), "expect") == 0;
  const bool continues = strcasecmp(value_.c_str(), "100-continue") == 0;
  hosts_ += strcasecmp(name_.c_str(), "host") == 0;
  wants_continue_ |= expects && continues;
  name_.clear();
  value_.clear();
  return expects && !continues ? refuse(417) : HPE_OK;
}

int RequestParser::end_of_fields() {
  request_.method = parser_.method;
  if (parser_.http_major != 1) return refuse(505);
  if (parser_.http_minor >= 1 && hosts_ != 1) return refuse(400);
  if (parser_.method == HTTP_CONNECT) return refuse(501);
  if ((parser_.flags & F_CONTENT_LENGTH) && parser_.content_length > kMostBody) return refuse(413);
  const bool has_body = (parser_.flags & F_CHUNKED) || parser_.content_length > 0;
  if (!wants_continue_ || !has_body || parser_.http_minor == 0) return HPE_OK;
  return HPE_PAUSED;
}

int RequestParser::take_body(std::string_view part) {
  if (request_.body.size() + part.size() > kMostBody) return refuse(413);
  request_.body.append(part);
  return HPE_OK;
}

// What llhttp calls an error, as a status. It refuses a word that it does not know as a method and
// bytes that are no word alike; HTTP does not.
void RequestParser::explain(llhttp_errno error) {
  if (status_ != 0) return;
  switch (error) {
    case HPE_INVALID_VERSION:
      status_ = 505;
      return;
    case HPE_INVALID_METHOD:
      status_ = first_byte_ >= 'A' && first_byte_ <= 'Z' ? 501 : 400;
      return;
    default:
      status_ = 400;
  }
}

RequestParser::Result RequestParser::execute(std::string_view data, size_t* taken) {
  if (!in_request_) {
    const size_t begin = data.find_first_not_of("\r\n");
    if (begin != std::string_view::npos) first_byte_ = data[begin];
  }
  *taken = data.size();
  const llhttp_errno error = llhttp_execute(&parser_, data.data(), data.size());
  if (error == HPE_OK) return Result::kMore;
  if (error != HPE_PAUSED && error != HPE_PAUSED_UPGRADE) {
    explain(error);
    return Result::kRefused;
  }
  *taken = static_cast<size_t>(llhttp_get_error_pos(&parser_) - data.data());
  if (error == HPE_PAUSED) {
    llhttp_resume(&parser_);
  } else {
    llhttp_resume_after_upgrade(&parser_);  // no other protocol is spoken here: go on with HTTP
  }
  if (!complete_) {
    const bool was_asked = wants_continue_;
    wants_continue_ = false;
    return was_asked ? Result::kContinue : Result::kMore;
  }
  complete_ = in_request_ = wants_continue_ = false;
  return Result::kRequest;
}

}  // namespace kqtorture::web
