#include "answer.h"

#include <time.h>

#include <charconv>
#include <optional>

#include "limits.h"

namespace kqtorture::web {
namespace {

// A server that has a clock says when (RFC 9110, 6.6.1); made once a second, by each thread.
std::string_view date() {
  thread_local time_t last = 0;
  thread_local char text[64];
  const time_t now = time(nullptr);
  if (now != last) {
    last = now;
    tm parts;
    gmtime_r(&now, &parts);
    strftime(text, sizeof text, "%a, %d %b %Y %H:%M:%S GMT", &parts);
  }
  return text;
}

void append_number(uint64_t number, std::string* output) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number);
  output->append(digits, end.ptr);
}

struct Answer {
  int status = 200;
  std::string_view id, body, extra;
  bool with_body = true;
};

void append(const Answer& answer, bool close, std::string* output) {
  output->append("HTTP/1.1 ");
  append_number(static_cast<uint64_t>(answer.status), output);
  output->append(" ").append(phrase_of(answer.status)).append("\r\nDate: ").append(date());
  output->append("\r\nContent-Type: text/plain\r\nContent-Length: ");
  append_number(answer.body.size(), output);
  if (!answer.id.empty()) output->append("\r\nX-Id: ").append(answer.id);
  output->append(answer.extra);
  output->append(close ? "\r\nConnection: close\r\n\r\n" : "\r\n\r\n");
  if (answer.with_body) output->append(answer.body);
}

// The digits after "id=", or nothing.
std::string_view id_of(std::string_view target) {
  const size_t at = target.find("?id=");
  if (at == std::string_view::npos) return {};
  const std::string_view rest = target.substr(at + 4);
  return rest.substr(0, rest.find_first_not_of("0123456789"));
}

uint64_t number(std::string_view digits) {
  uint64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

// The N of /bytes/N, at most kMostBytes.
std::optional<size_t> size_of(std::string_view path) {
  constexpr std::string_view kPrefix = "/bytes/";
  if (path.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
  path.remove_prefix(kPrefix.size());
  if (path.empty() || path.size() > 7) return std::nullopt;
  if (path.find_first_not_of("0123456789") != std::string_view::npos) return std::nullopt;
  const uint64_t size = number(path);
  return size <= kMostBytes ? std::optional<size_t>(size) : std::nullopt;
}

}  // namespace

std::string_view phrase_of(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 400:
      return "Bad Request";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 413:
      return "Content Too Large";
    case 414:
      return "URI Too Long";
    case 417:
      return "Expectation Failed";
    case 431:
      return "Request Header Fields Too Large";
    case 501:
      return "Not Implemented";
    case 505:
      return "HTTP Version Not Supported";
    default:
      return "Unknown";
  }
}

void append_answer(const Request& request, bool close, std::string* output) {
  const std::string_view target = request.target;
  const std::string_view path = target.substr(0, target.find('?'));
  Answer answer;
  answer.id = id_of(target);
  const bool gets = request.method == HTTP_GET || request.method == HTTP_HEAD;
  answer.with_body = request.method != HTTP_HEAD;
  const auto size = size_of(path);
  if (path == "/echo") {
    answer.status = request.method == HTTP_POST ? 200 : 405;
    answer.extra = answer.status == 405 ? "\r\nAllow: POST" : "";
    answer.body = answer.status == 200 ? std::string_view(request.body) : "405\n";
  } else if (path != "/" && !size) {
    answer.status = 404;
    answer.body = "404\n";
  } else if (!gets) {
    answer.status = 405;
    answer.extra = "\r\nAllow: GET, HEAD";
    answer.body = "405\n";
  } else {
    answer.body = size ? body_of(number(answer.id), *size) : "kqtorture\n";
  }
  append(answer, close, output);
}

void append_refusal(int status, std::string* output) {
  Answer answer;
  answer.status = status;
  answer.body = phrase_of(status);
  append(answer, true, output);
}

void append_continue(std::string* output) { output->append("HTTP/1.1 100 Continue\r\n\r\n"); }

}  // namespace kqtorture::web
