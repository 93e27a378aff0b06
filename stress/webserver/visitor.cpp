#include "visitor.h"

#include <chrono>
#include <thread>

#include "limits.h"

namespace kqtorture::web {
namespace {

constexpr int kSmallBuffer = 4096;
constexpr char kHost[] = " HTTP/1.1\r\nHost: localhost\r\n";

std::string chunked(Random& random, const std::string& body) {
  std::string text;
  for (size_t at = 0; at < body.size();) {
    const size_t size = std::min(body.size() - at, 1 + random.below(200));
    char head[32];
    std::snprintf(head, sizeof head, "%zx\r\n", size);
    text += head + body.substr(at, size) + "\r\n";
    at += size;
  }
  return text + "0\r\n\r\n";
}

}  // namespace

Visitor::Visitor(const Subject& subject, const VisitOptions& options, Ledger* ledger,
                 Doorway* doorway, int number, uint64_t seed)
    : subject_(subject),
      options_(options),
      ledger_(*ledger),
      doorway_(*doorway),
      number_(number),
      random_(seed) {}

const std::array<Visitor::Role, Visitor::kRoles>& Visitor::roles() {
  static const std::array<Role, kRoles> all{{
      {"polite", 30, false, &Visitor::polite},
      {"pipelined", 20, false, &Visitor::pipelined},
      {"half-closed", 10, false, &Visitor::half_closed},
      {"slow but complete", 2, false, &Visitor::slow_but_complete},
      {"resets", 10, false, &Visitor::resets},
      {"abrupt", 4, false, &Visitor::abrupt},
      {"malformed", 6, false, &Visitor::malformed},
      {"oversized", 3, false, &Visitor::oversized},
      {"silent", 3, true, &Visitor::silent},
      {"lazy", 3, true, &Visitor::lazy},
      {"dribbling", 2, true, &Visitor::dribbling},
      {"never reading", 2, true, &Visitor::never_reading},
      {"racing", 8, true, &Visitor::racing},
      {"leaving", 6, true, &Visitor::leaving},
  }};
  return all;
}

const Visitor::Role& Visitor::choose() {
  size_t sum = 0;
  for (const Role& role : roles()) {
    if (!role.impatient || options_.impatient_port) sum += static_cast<size_t>(role.weight);
  }
  size_t at = random_.below(sum);
  for (const Role& role : roles()) {
    if (role.impatient && !options_.impatient_port) continue;
    if (at < static_cast<size_t>(role.weight)) return role;
    at -= static_cast<size_t>(role.weight);
  }
  return roles()[0];
}

bool Visitor::visit() {
  const Role& role = choose();
  Session session(subject_, &ledger_,
                  std::string(role.name) + ", visitor " + std::to_string(number_));
  const bool slow =
      role.play == &Visitor::slow_but_complete || role.play == &Visitor::never_reading;
  const int port = role.impatient ? options_.impatient_port : options_.port;
  if (!session.connect(port, slow ? kSmallBuffer : 0, 1 + number_ % 200)) {
    if (doorway_.shutting_down.load()) return false;
    throw NoConnection("connect: the server refuses connections");
  }
  (this->*role.play)(session);
  doorway_.answers.fetch_add(session.answered(), std::memory_order_relaxed);
  doorway_.visits.fetch_add(1, std::memory_order_relaxed);
  ++played_[static_cast<size_t>(&role - roles().data())];
  return true;
}

std::string Visitor::download(Session& session, size_t size) {
  const uint64_t id = ++serial_;
  Expected expected;
  expected.id = id;
  expected.body = body_of(id, size);
  session.expect(std::move(expected));
  return "GET /bytes/" + std::to_string(size) + "?id=" + std::to_string(id) + kHost;
}

std::string Visitor::upload(Session& session, const std::string& head, uint64_t id) {
  Expected expected;
  expected.id = id;
  expected.body = body_of(id, random_.below(2000));
  const std::string body = expected.body;
  session.expect(std::move(expected));
  const std::string start = "POST /echo?id=" + std::to_string(id) + kHost + head;
  if (random_.chance(1, 2)) {
    return start + "Transfer-Encoding: chunked\r\n\r\n" + chunked(random_, body);
  }
  return start + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

std::string Visitor::request(Session& session, bool last) {
  const std::string head = last ? "Connection: close\r\n" : "";
  const size_t kind = random_.below(10);
  if (kind < 2) {
    // The server says "100 Continue" before; whoever does not wait may send all the same.
    return upload(session, head + (random_.chance(1, 4) ? "Expect: 100-continue\r\n" : ""),
                  ++serial_);
  }
  if (kind < 7) {
    const size_t size = random_.chance(1, 8) ? random_.below(100'000) : random_.below(2000);
    return download(session, size) + head + "\r\n";
  }
  Expected expected;
  expected.id = ++serial_;
  expected.any_body = true;
  const std::string id = "?id=" + std::to_string(expected.id);
  std::string start;
  if (kind == 7) {
    expected.head = true;
    start = "HEAD /bytes/1000" + id;
  } else if (kind == 8) {
    expected.status = 404;
    start = "GET /nothing" + id;
  } else {
    expected.status = 405;
    start = "DELETE /echo" + id;
  }
  session.expect(std::move(expected));
  return start + kHost + head + "\r\n";
}

void Visitor::sleep(int64_t ns) {
  if (ns > 0) std::this_thread::sleep_for(std::chrono::nanoseconds(ns));
}

void Visitor::sleep_about_as_long() {
  // The timeout thread looks four times per patience: a spread of half of it on either side.
  const int64_t half = options_.impatience / 2;
  sleep(half + static_cast<int64_t>(random_.below(static_cast<size_t>(2 * half) + 1)));
}

// Every request must have been answered, unless the server is shutting down.
void Visitor::settle(Session& session) {
  if (!doorway_.shutting_down.load()) session.must_be_settled();
}

void Visitor::polite(Session& session) {
  const bool closes = random_.chance(1, 2);
  const size_t count = 1 + random_.below(4);
  for (size_t i = 0; i < count; ++i) {
    const bool last = closes && i + 1 == count;
    session.send(request(session, last));
    session.fetch();
    if (session.owes() || session.was_last()) break;
  }
  if (closes) session.fetch_until_closed();
  settle(session);
}

void Visitor::pipelined(Session& session) {
  std::string bytes;
  const size_t count = 2 + random_.below(15);
  for (size_t i = 0; i < count; ++i) bytes += request(session, false);
  for (size_t at = 0; at < bytes.size();) {
    const size_t size = random_.chance(1, 3) ? bytes.size() : 1 + random_.below(bytes.size());
    if (!session.send(std::string_view(bytes).substr(at, size))) break;
    at += size;
    if (random_.chance(1, 4)) std::this_thread::yield();
  }
  session.fetch();
  settle(session);
}

void Visitor::half_closed(Session& session) {
  std::string bytes;
  const size_t count = random_.below(4);
  for (size_t i = 0; i < count; ++i) bytes += request(session, false);
  if (random_.chance(1, 4)) bytes += "GET /bytes/1 HT";  // never completed, never answered
  session.send(bytes);
  session.shut_down_writing();
  session.fetch_until_closed();
  settle(session);
}

void Visitor::slow_but_complete(Session& session) {
  session.send(download(session, 200'000 + random_.below(200'000)) + "\r\n");
  while (session.owes()) {
    if (session.fetch_some(8192) != Session::End::kAnswered) break;
    if (random_.chance(1, 8)) sleep(1'000'000);
  }
  settle(session);
}

void Visitor::resets(Session& session) {
  const std::string bytes = request(session, false) + request(session, false);
  session.send(std::string_view(bytes).substr(0, random_.below(bytes.size() + 1)));
  if (random_.chance(1, 2)) std::this_thread::yield();
  if (random_.chance(1, 4)) sleep(static_cast<int64_t>(random_.below(2'000'000)));
  session.reset();
}

void Visitor::abrupt(Session& session) { session.close(); }

void Visitor::refused(Session& session, const std::string& bytes, int status) {
  Expected expected;
  expected.status = status;
  expected.any_body = true;
  session.expect(std::move(expected));
  session.send(bytes);
  session.fetch_until_closed();
  settle(session);
}

void Visitor::malformed(Session& session) {
  static const struct {
    const char* bytes;
    int status;
  } kMalformed[] = {
      {"GET / HTTP/1.1\r\n\r\n", 400},  // no Host
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"\x16\x03\x01\x02\x01 hello", 400},  // TLS
      {"get / HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET  / FTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n", 400},
      {"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n",
       400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", 400},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 400},
      {"BREW / HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 501},
      {"GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505},
      {"GET / HTTP/7.3\r\nHost: a\r\n\r\n", 505},
      {"POST /echo HTTP/1.1\r\nHost: a\r\nExpect: tea\r\nContent-Length: 1\r\n\r\nx", 417},
  };
  const size_t count = sizeof kMalformed / sizeof kMalformed[0];
  const auto& chosen = kMalformed[random_.below(count)];
  // What came before it is answered first.
  const std::string before = random_.chance(1, 2) ? request(session, false) : "";
  refused(session, before + chosen.bytes, chosen.status);
}

void Visitor::oversized(Session& session) {
  const std::string start = std::string("GET /") + kHost;
  switch (random_.below(5)) {
    case 0:
      return refused(session, "GET /" + std::string(kMostTarget + 1, 'a') + kHost + "\r\n", 414);
    case 1:
      return refused(session, start + "X: " + std::string(kMostFieldBytes, 'b') + "\r\n\r\n", 431);
    case 2: {
      std::string fields;
      for (size_t i = 0; i <= kMostFields; ++i) fields += "X: y\r\n";
      return refused(session, start + fields + "\r\n", 431);
    }
    case 3:
      return refused(session,
                     std::string("POST /echo") + kHost + "Content-Length: 1048577\r\n\r\n" +
                         std::string(random_.below(50'000), 'c'),
                     413);
    default: {
      std::string body;
      const std::string chunk = "10000\r\n" + std::string(0x10000, 'd') + "\r\n";
      for (size_t i = 0; i <= kMostBody / 0x10000; ++i) body += chunk;
      return refused(
          session, std::string("POST /echo") + kHost + "Transfer-Encoding: chunked\r\n\r\n" + body,
          413);
    }
  }
}

void Visitor::silent(Session& session) { session.fetch_until_closed(); }

void Visitor::lazy(Session& session) {
  session.accept_status(408);
  session.send(request(session, false));
  session.fetch_until_closed();
}

void Visitor::dribbling(Session& session) {
  session.accept_status(408);
  const std::string bytes = std::string("GET /bytes/10") + kHost + "X: 12345678901234567890";
  for (size_t at = 0; at < bytes.size(); ++at) {
    if (!session.send(std::string_view(bytes).substr(at, 1))) break;
    sleep(options_.impatience / 16);
  }
  session.fetch_until_closed();
}

void Visitor::never_reading(Session& session) {
  session.accept_status(408);
  std::string bytes;
  for (int i = 0; i < 3; ++i) bytes += download(session, 400'000) + "\r\n";
  session.send(bytes);
  sleep(2 * options_.impatience);
  session.fetch_until_closed();
}

void Visitor::racing(Session& session) {
  session.accept_status(408);
  for (int i = 0; i < 3; ++i) {
    sleep_about_as_long();
    const std::string bytes = request(session, false);
    if (!session.send(bytes) || session.fetch() != Session::End::kAnswered) return;
  }
}

void Visitor::leaving(Session& session) {
  session.accept_status(408);
  if (random_.chance(1, 2)) session.send(request(session, false));
  sleep_about_as_long();
  switch (random_.below(3)) {
    case 0:
      return session.reset();
    case 1:
      session.shut_down_writing();
      session.fetch_until_closed();
      return;
    default:
      return session.close();
  }
}

}  // namespace kqtorture::web
