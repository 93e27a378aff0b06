// The server as its clients see it at its limits: when it shuts down, when it is full, and when
// somebody takes too long. Over libkq and over raw epoll, which have to behave alike.
#include "stress/webserver/server.h"

#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <thread>

#include "stress/webserver/limits.h"
#include "stress/webserver/session.h"

namespace kqtorture::web {
namespace {

constexpr int64_t kMinute = 60'000'000'000;

class ServerTest : public testing::TestWithParam<bool> {
 protected:
  // Nobody ignores it here as main() does, and clients do leave while they are written to.
  void SetUp() override { signal(SIGPIPE, SIG_IGN); }
  void start(ServerOptions options) {
    std::string error;
    subject_ = Subject::open("emulator", &error);
    ASSERT_TRUE(subject_) << error;
    options.raw_epoll = GetParam();
    server_ = std::make_unique<Server>(*subject_, options, &ledger_);
    ASSERT_EQ(server_->start(), "");
  }
  void wait_until_empty() {
    while (!server_->is_empty()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    server_->stop();
    EXPECT_FALSE(ledger_.guilty()) << ledger_.first()->message;
    EXPECT_EQ(server_->counts().accepted, server_->counts().closed);
  }
  std::unique_ptr<Session> connect(int port, int receive_buffer = 0) {
    auto session = std::make_unique<Session>(*subject_, &ledger_, "test");
    EXPECT_TRUE(session->connect(port, receive_buffer, 0));
    return session;
  }
  static std::string ask(Session& session, uint64_t id, size_t size) {
    Expected expected;
    expected.id = id;
    expected.body = body_of(id, size);
    session.expect(std::move(expected));
    return "GET /bytes/" + std::to_string(size) + "?id=" + std::to_string(id) +
           " HTTP/1.1\r\nHost: h\r\n\r\n";
  }

  std::unique_ptr<Subject> subject_;
  Ledger ledger_;
  std::unique_ptr<Server> server_;
};

TEST_P(ServerTest, ShutdownEndsWhatIsIdleAndCompletesWhatIsNot) {
  ServerOptions options;
  options.send_buffer = 16 * 1024;
  start(options);
  const auto idle = connect(server_->port());
  const auto downloading = connect(server_->port(), 4096);
  ASSERT_TRUE(idle->send(ask(*idle, 1, 10)));
  ASSERT_EQ(idle->fetch(), Session::End::kAnswered);
  ASSERT_TRUE(downloading->send(ask(*downloading, 2, 1'000'000)));
  ASSERT_EQ(downloading->fetch_some(4096), Session::End::kAnswered);
  server_->begin_shutdown(kMinute);
  EXPECT_EQ(idle->fetch_until_closed(), Session::End::kClosed);
  downloading->fetch_until_closed();
  downloading->must_be_settled();
  EXPECT_EQ(downloading->answered(), 1u);
  wait_until_empty();
}

TEST_P(ServerTest, ShutdownWaitsNoLongerThanItsGrace) {
  ServerOptions options;
  options.send_buffer = 16 * 1024;
  start(options);
  const auto never_reading = connect(server_->port(), 4096);
  ASSERT_TRUE(never_reading->send(ask(*never_reading, 1, 1'000'000)));
  ASSERT_EQ(never_reading->fetch_some(4096), Session::End::kAnswered);
  server_->begin_shutdown(1'000'000);
  wait_until_empty();
}

TEST_P(ServerTest, FullServerAcceptsTheNextWhenOneHasLeft) {
  ServerOptions options;
  options.most_connections = 2;
  start(options);
  auto first = connect(server_->port());
  const auto second = connect(server_->port());
  for (Session* session : {first.get(), second.get()}) {
    ASSERT_TRUE(session->send(ask(*session, 1, 10)));
    ASSERT_EQ(session->fetch(), Session::End::kAnswered);
  }
  const auto third = connect(server_->port());  // in the backlog
  ASSERT_TRUE(third->send(ask(*third, 2, 10)));
  EXPECT_LE(server_->open_connections(), 2u);
  first->close();
  EXPECT_EQ(third->fetch(), Session::End::kAnswered);
  server_->begin_shutdown(kMinute);
  wait_until_empty();
  EXPECT_EQ(server_->counts().accepted, 3u);
}

TEST_P(ServerTest, TimeoutsEndTheIdleAndTheSlowAndNobodyElse) {
  ServerOptions options;
  options.impatience = 20'000'000;
  start(options);
  const auto patient = connect(server_->port());
  const auto silent = connect(server_->impatient_port());
  const auto halfway = connect(server_->impatient_port());
  halfway->accept_status(408);
  ASSERT_TRUE(halfway->send("GET / HTT"));
  silent->fetch_until_closed();
  halfway->fetch_until_closed();
  ASSERT_TRUE(patient->send(ask(*patient, 1, 10)));
  EXPECT_EQ(patient->fetch(), Session::End::kAnswered);
  server_->begin_shutdown(kMinute);
  wait_until_empty();
  EXPECT_EQ(server_->counts().reasons[static_cast<size_t>(Reason::kTimeout)], 2u);
}

INSTANTIATE_TEST_SUITE_P(Backends, ServerTest, testing::Bool(),
                         [](const testing::TestParamInfo<bool>& with) {
                           return std::string(with.param ? "RawEpoll" : "Libkq");
                         });

}  // namespace
}  // namespace kqtorture::web
