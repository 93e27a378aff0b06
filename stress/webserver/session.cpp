#include "session.h"

#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <thread>

#include "subject/socket_flags.h"

namespace kqtorture::web {
namespace {

sockaddr_in loopback(uint32_t host, int port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + host);
  address.sin_port = htons(static_cast<uint16_t>(port));
  return address;
}

// All ports of an address may be in use or in TIME_WAIT for a while.
constexpr int kTriesForAPort = 3000;
constexpr std::chrono::milliseconds kPauseForAPort{10};

}  // namespace

Session::Session(const Subject& subject, Ledger* ledger, std::string who)
    : subject_(subject), ledger_(*ledger), who_(std::move(who)) {}

Session::~Session() { close(); }

bool Session::connect(int port, int receive_buffer, int source) {
  const SubjectCalls& calls = subject_.calls();
  for (int i = 0; i < kTriesForAPort; ++i) {
    fd_ = calls.socket(AF_INET, SOCK_STREAM | kSocketCloexec, 0);
    if (fd_ < 0 || !finish_socket(calls, fd_, false))
      throw NoConnection(std::string("socket: ") + std::strerror(errno));
    if (receive_buffer != 0) {
      calls.setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
#ifdef __linux__
    if (source != 0 && !subject_.has_own_descriptors()) {
      const int yes = 1;
      calls.setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
      const sockaddr_in from = loopback(static_cast<uint32_t>(source), 0);
      calls.bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from);
    }
#else
    static_cast<void>(source);
#endif
    const sockaddr_in to = loopback(0, port);
    if (calls.connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) == 0) return true;
    const int error = errno;
    close();
    if (error == ECONNREFUSED || error == ECONNRESET || error == ECONNABORTED) return false;
    if (error != EADDRNOTAVAIL && error != EINTR) {
      throw NoConnection(std::string("connect: ") + std::strerror(error));
    }
    std::this_thread::sleep_for(kPauseForAPort);
  }
  throw NoConnection("connect: no port became free");
}

bool Session::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t size = subject_.write(fd_, bytes.data(), bytes.size());
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(size));
  }
  return true;
}

void Session::accuse(std::string verdict, std::string message, std::string fact) {
  ledger_.accuse({std::move(verdict), "", std::move(message), {"client: " + who_, fact}});
}

// An answer is complete: whose is it?
void Session::settle(const Received& answer) {
  was_last_ |= answer.close;
  if (accepted_status_ != 0 && answer.status == accepted_status_) {
    accepted_status_ = 0;
    owed_.clear();  // the server said that it gives up
    return;
  }
  if (owed_.empty()) {
    accuse("duplicate", "an answer that nobody asked for",
           "status " + std::to_string(answer.status));
    return;
  }
  const Expected expected = std::move(owed_.front());
  owed_.pop_front();
  const std::string id = expected.id == 0 ? "" : std::to_string(expected.id);
  if (answer.status != expected.status) {
    accuse("wrong-answer", "a request was answered with another status",
           std::to_string(answer.status) + " in place of " + std::to_string(expected.status));
  } else if (answer.id != id) {
    accuse("wrong-answer", "requests were not answered in order, each once",
           "answer " + answer.id + " in place of " + id);
  } else if (!expected.any_body && !expected.head && answer.body != expected.body) {
    accuse("wrong-answer", "the bytes of an answer are not those of its request",
           std::to_string(answer.body.size()) + " bytes in place of " +
               std::to_string(expected.body.size()));
  }
  ++answered_;
}

Session::End Session::fetch_some(size_t at_once) {
  buffer_.resize(at_once);
  ssize_t size;
  do {
    size = subject_.read(fd_, buffer_.data(), at_once);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return End::kReset;
  if (size == 0) return End::kClosed;
  std::string_view data(buffer_.data(), static_cast<size_t>(size));
  while (!data.empty()) {
    size_t taken = 0;
    const bool head = !owed_.empty() && owed_.front().head;
    const AnswerReader::Result result = reader_.execute(data, head, &taken);
    data.remove_prefix(taken);
    if (result == AnswerReader::Result::kGarbage) {
      accuse("wrong-answer", "what came is no HTTP", std::string(data.substr(0, 80)));
      return End::kReset;
    }
    if (result == AnswerReader::Result::kAnswer) settle(reader_.answer());
  }
  return End::kAnswered;
}

Session::End Session::fetch() {
  while (!owed_.empty() && !ledger_.guilty()) {
    if (const End end = fetch_some(16384); end != End::kAnswered) return end;
  }
  return End::kAnswered;
}

Session::End Session::fetch_until_closed(size_t at_once) {
  for (;;) {
    if (const End end = fetch_some(at_once); end != End::kAnswered) return end;
    if (ledger_.guilty()) return End::kClosed;
  }
}

void Session::must_be_settled() {
  if (owed_.empty()) return;
  accuse("lost", "a request was not answered",
         std::to_string(owed_.size()) + " after " + std::to_string(answered_) + " answers" +
             (reader_.in_answer() ? ", the next in part" : ""));
}

void Session::shut_down_writing() { subject_.calls().shutdown(fd_, SHUT_WR); }

void Session::reset() {
  const linger at_once{1, 0};
  subject_.calls().setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void Session::close() {
  if (fd_ >= 0) subject_.close(fd_);
  fd_ = -1;
}

}  // namespace kqtorture::web
