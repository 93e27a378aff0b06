// Which request came, and is it one that is answered? llhttp parses; here its words become a
// request with its limits, and its complaints the status that HTTP has for them.
//
// One request at a time: execute() stops after each, so that a client that sends a thousand at once
// gets no further than the answers that it fetches.
#pragma once

#include <llhttp.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace kqtorture::web {

struct Request {
  uint8_t method = 0;  // llhttp's
  std::string target;
  std::string body;
  bool keep_alive = false;
};

class RequestParser {
 public:
  enum class Result {
    kMore,      // all bytes were taken, the request is not complete
    kContinue,  // the client waits for "100 Continue" before it sends the body
    kRequest,   // request() is complete
    kRefused,   // status() says why; nothing more can be parsed
  };

  RequestParser() { reset(); }
  RequestParser(const RequestParser&) = delete;
  RequestParser& operator=(const RequestParser&) = delete;
  void reset();

  // Parses from the front of data and says how many bytes it took.
  Result execute(std::string_view data, size_t* taken);
  const Request& request() const { return request_; }
  int status() const { return status_; }
  // Part of a request has come, but not all of it.
  bool in_request() const { return in_request_; }

 private:
  friend struct Callbacks;
  void begin_request();
  int refuse(int status);
  int take_field(std::string_view part);
  int end_field();
  int take_value(std::string_view part);
  int end_value();
  int end_of_fields();
  int take_body(std::string_view part);
  void explain(llhttp_errno error);

  llhttp_t parser_;
  Request request_;
  int status_ = 0;
  bool in_request_ = false, complete_ = false, wants_continue_ = false;
  char first_byte_ = 0;
  // Of the field that is being read: only two names matter, the rest is only counted.
  std::string name_, value_;
  size_t field_bytes_ = 0, fields_ = 0, hosts_ = 0;
};

}  // namespace kqtorture::web
