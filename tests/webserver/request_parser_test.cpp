// What the server takes for a request, and what it says to everything else. The bytes are fed whole
// and one by one: where a packet ends must not matter.
#include "stress/webserver/request_parser.h"

#include <gtest/gtest.h>

#include <vector>

#include "stress/webserver/answer.h"
#include "stress/webserver/limits.h"

namespace kqtorture::web {
namespace {

using Result = RequestParser::Result;

struct Parsed {
  std::vector<Request> requests;
  int refused = 0, continues = 0;
};

Parsed parse(const std::string& bytes, size_t at_once) {
  RequestParser parser;
  Parsed parsed;
  for (size_t at = 0; at < bytes.size();) {
    size_t taken = 0;
    const Result result = parser.execute(std::string_view(bytes).substr(at, at_once), &taken);
    at += taken;
    if (result == Result::kRequest) parsed.requests.push_back(parser.request());
    if (result == Result::kContinue) ++parsed.continues;
    if (result == Result::kRefused) {
      parsed.refused = parser.status();
      break;
    }
  }
  return parsed;
}

// However the bytes are cut.
Parsed parse_always(const std::string& bytes) {
  const Parsed whole = parse(bytes, bytes.size());
  for (const size_t at_once : {size_t{1}, size_t{7}}) {
    const Parsed cut = parse(bytes, at_once);
    EXPECT_EQ(cut.refused, whole.refused) << bytes.substr(0, 80);
    EXPECT_EQ(cut.continues, whole.continues);
    EXPECT_EQ(cut.requests.size(), whole.requests.size());
  }
  return whole;
}

TEST(RequestParser, PipelinedRequestsComeOneAtATime) {
  const Parsed parsed = parse_always(
      "GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
      "POST /b HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
      "POST /c HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nde\r\n0\r\n\r\n"
      "GET /d HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
  ASSERT_EQ(parsed.requests.size(), 4u);
  EXPECT_EQ(parsed.requests[0].target, "/a");
  EXPECT_EQ(parsed.requests[1].body, "abc");
  EXPECT_EQ(parsed.requests[2].body, "de");
  EXPECT_TRUE(parsed.requests[2].keep_alive);
  EXPECT_FALSE(parsed.requests[3].keep_alive);
  EXPECT_EQ(parsed.refused, 0);
}

TEST(RequestParser, OldClientsNeedNoHostAndAreNotKept) {
  const Parsed parsed = parse_always("GET / HTTP/1.0\r\n\r\n");
  ASSERT_EQ(parsed.requests.size(), 1u);
  EXPECT_FALSE(parsed.requests[0].keep_alive);
}

TEST(RequestParser, ExpectedContinueIsSaidOnceBeforeTheBody) {
  const Parsed parsed = parse_always(
      "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab");
  ASSERT_EQ(parsed.requests.size(), 1u);
  EXPECT_EQ(parsed.continues, 1);
  EXPECT_EQ(parsed.requests[0].body, "ab");
}

TEST(RequestParser, UpgradeIsIgnored) {
  const Parsed parsed = parse_always(
      "GET /a HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: tea\r\n\r\n"
      "GET /b HTTP/1.1\r\nHost: h\r\n\r\n");
  ASSERT_EQ(parsed.requests.size(), 2u);
  EXPECT_EQ(parsed.requests[1].target, "/b");
}

TEST(RequestParser, WhatIsRefusedIsRefusedWithTheStatusThatHttpHas) {
  const std::string get = "GET / HTTP/1.1\r\nHost: h\r\n";
  const std::string post = "POST /echo HTTP/1.1\r\nHost: h\r\n";
  std::string many;
  for (size_t i = 0; i <= kMostFields; ++i) many += "X: y\r\n";
  const struct {
    std::string bytes;
    int status;
  } cases[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"\x16\x03\x01", 400},
      {get + "no colon\r\n\r\n", 400},
      {post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
      {post + "Content-Length: +1\r\n\r\n", 400},
      {"BREW / HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"CONNECT h:1 HTTP/1.1\r\nHost: h\r\n\r\n", 501},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", 505},
      {post + "Expect: tea\r\nContent-Length: 1\r\n\r\nx", 417},
      {"GET /" + std::string(kMostTarget, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n", 414},
      {get + "X: " + std::string(kMostFieldBytes, 'b') + "\r\n\r\n", 431},
      {get + many + "\r\n", 431},
      {post + "Content-Length: " + std::to_string(kMostBody + 1) + "\r\n\r\n", 413},
  };
  for (const auto& one : cases) {
    const Parsed parsed = parse_always(one.bytes);
    EXPECT_EQ(parsed.refused, one.status) << one.bytes.substr(0, 80);
    EXPECT_TRUE(parsed.requests.empty()) << one.bytes.substr(0, 80);
    EXPECT_NE(phrase_of(one.status), "Unknown");
  }
}

TEST(RequestParser, WhatIsJustShortEnoughIsTaken) {
  std::string many;
  for (size_t i = 1; i < kMostFields; ++i) many += "X: y\r\n";
  EXPECT_EQ(parse_always("GET / HTTP/1.1\r\nHost: h\r\n" + many + "\r\n").requests.size(), 1u);
  const std::string target = "/" + std::string(kMostTarget - 1, 'a');
  EXPECT_EQ(parse_always("GET " + target + " HTTP/1.1\r\nHost: h\r\n\r\n").requests.size(), 1u);
}

}  // namespace
}  // namespace kqtorture::web
