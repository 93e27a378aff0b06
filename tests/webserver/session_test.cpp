// The client's account: a server that says anything else than it should is accused of exactly that.
#include "stress/webserver/session.h"

#include <gtest/gtest.h>

#include "fake_server.h"

namespace kqtorture::web {
namespace {

std::string answer(int id, const std::string& body) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) +
         "\r\nX-Id: " + std::to_string(id) + "\r\n\r\n" + body;
}

// Two requests are asked, "one" and "two" are due. The verdict, empty when there is none.
std::string verdict_on(const std::string& says) {
  std::string error;
  const auto subject = Subject::open("emulator", &error);
  EXPECT_TRUE(subject) << error;
  FakeServer server(says);
  Ledger ledger;
  Session session(*subject, &ledger, "test");
  EXPECT_TRUE(session.connect(server.port(), 0, 0));
  for (const auto& [id, body] : {std::pair{1, "one"}, std::pair{2, "two"}}) {
    Expected expected;
    expected.id = static_cast<uint64_t>(id);
    expected.body = body;
    session.expect(expected);
  }
  EXPECT_TRUE(session.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  session.fetch_until_closed();
  session.must_be_settled();
  return ledger.guilty() ? ledger.first()->verdict + ": " + ledger.first()->message : "";
}

TEST(Session, RightAnswersAreNobodysFault) {
  EXPECT_EQ(verdict_on(answer(1, "one") + answer(2, "two")), "");
}

TEST(Session, AnswersOutOfOrderAreWrong) {
  EXPECT_EQ(verdict_on(answer(2, "two") + answer(1, "one")),
            "wrong-answer: requests were not answered in order, each once");
}

TEST(Session, OneAnswerTooManyIsADuplicate) {
  EXPECT_EQ(verdict_on(answer(1, "one") + answer(2, "two") + answer(2, "two")),
            "duplicate: an answer that nobody asked for");
}

TEST(Session, OneAnswerTooFewIsLost) {
  EXPECT_EQ(verdict_on(answer(1, "one")), "lost: a request was not answered");
}

TEST(Session, HalfAnAnswerIsLost) {
  EXPECT_EQ(verdict_on(answer(1, "one") + answer(2, "two").substr(0, 30)),
            "lost: a request was not answered");
}

TEST(Session, BytesOfAnotherAnswerAreWrong) {
  EXPECT_EQ(verdict_on(answer(1, "one") + answer(2, "one")),
            "wrong-answer: the bytes of an answer are not those of its request");
}

TEST(Session, AnotherStatusIsWrong) {
  EXPECT_EQ(verdict_on("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nX-Id: 1\r\n\r\n"),
            "wrong-answer: a request was answered with another status");
}

TEST(Session, WhatIsNoHttpIsWrong) {
  EXPECT_EQ(verdict_on("hello\r\n"), "wrong-answer: what came is no HTTP");
}

TEST(Session, ContinueIsNoAnswer) {
  EXPECT_EQ(verdict_on("HTTP/1.1 100 Continue\r\n\r\n" + answer(1, "one") + answer(2, "two")), "");
}

}  // namespace
}  // namespace kqtorture::web
