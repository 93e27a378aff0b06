// The objects and the bookkeeping behind bench.h.
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#endif

#include "report/finding.h"
#include "subject/worker.h"

namespace kqtorture::bench {

namespace {

double seconds_of_own = 0.2;

}  // namespace

int add(Question question) {
  questions().push_back(std::move(question));
  return 0;
}

std::vector<Question>& questions() {
  static std::vector<Question> all;
  return all;
}

double own_seconds() { return seconds_of_own; }

void set_own_seconds(double seconds) { seconds_of_own = seconds; }

Stats& stats() {
  static Stats total;
  return total;
}

void wrong_answer(const std::string& what) {
  Finding finding;
  finding.verdict = "wrong-answer";
  finding.engine = "bench";
  finding.scenario = "kq_bench";
  finding.subject = subject().spec();
  finding.profile = subject().profile();
  finding.message = what;
  save_finding(finding);
  write_stats(stats());
  announce_exit(kExitFinding);
  _exit(kExitFinding);
}

const char* name_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kPipe:
      return "pipe";
    case ObjectKind::kSocketpair:
      return "socketpair";
    default:
      return "eventfd";
  }
}

Calls subject_calls() {
  const SubjectCalls& calls = subject().calls();
  return {calls.pipe2, calls.socketpair, calls.read, calls.write, calls.close};
}

Calls host_calls() { return {::pipe2, ::socketpair, ::read, ::write, ::close}; }

bool has_host_descriptors() {
  return subject().calls().read == host_calls().read &&
         subject().calls().write == host_calls().write;
}

Object::Object(ObjectKind kind, const Calls& calls) : calls_(calls), bytes_(1) {
  int fds[2] = {-1, -1};
  int result = -1;
  switch (kind) {
    case ObjectKind::kPipe:
      result = calls.pipe2(fds, O_NONBLOCK);
      break;
    case ObjectKind::kSocketpair:
      result = calls.socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fds);
      break;
    case ObjectKind::kEventfd:
#ifdef __linux__
      fds[0] = fds[1] = result = eventfd(0, EFD_NONBLOCK);
      bytes_ = sizeof(uint64_t);
#endif
      break;
  }
  if (result < 0) wrong_answer(std::string("no ") + name_of(kind) + ": " + strerror(errno));
  reader_ = fds[0];
  writer_ = fds[1];
}

Object::~Object() {
  calls_.close(reader_);
  if (writer_ != reader_) calls_.close(writer_);
}

void Object::make_ready() const {
  const uint64_t one = 1;
  if (calls_.write(writer_, &one, bytes_) != static_cast<ssize_t>(bytes_)) {
    wrong_answer(std::string("an empty object takes no write: ") + strerror(errno));
  }
}

void Object::drain() const {
  uint64_t value;
  if (calls_.read(reader_, &value, bytes_) != static_cast<ssize_t>(bytes_)) {
    wrong_answer(std::string("an event for an object with nothing to read: ") + strerror(errno));
  }
}

Kqueue::Kqueue() : subject_(subject()), fd_(subject_.kqueue()) {
  if (fd_ < 0) wrong_answer(std::string("kqueue(): ") + strerror(errno));
}

Kqueue::~Kqueue() {
  subject_.close(fd_);
  stats().operations += calls_;
  stats().deliveries += events_;
}

void Kqueue::fail(int result) {
  if (result == 0) wrong_answer("kevent() without a timeout returned nothing");
  wrong_answer(std::string("kevent(): ") + strerror(errno));
}

}  // namespace kqtorture::bench
