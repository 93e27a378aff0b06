// A small world for tests of the model: objects are made, calls are predicted and judged.
//
// call() takes the model's prediction, has it judged (it must be accepted), and returns it, so that
// a test states what a kqueue answers and at once that the judge agrees. refusal() and accepts()
// judge another answer on a copy of the world.
#pragma once

#include <gtest/gtest.h>

#include <cerrno>
#include <memory>
#include <string>
#include <vector>

#include "contract/model.h"

namespace kqtorture::contract {

struct Answered {
  int64_t value = 0;
  int error = 0;
  std::vector<Event> events;

  static Answered failed(int error_number) { return {-1, error_number, {}}; }
  static Answered of(std::vector<Event> list) {
    const int64_t count = static_cast<int64_t>(list.size());
    return {count, 0, std::move(list)};
  }
  friend bool operator==(const Answered&, const Answered&) = default;
};

inline std::ostream& operator<<(std::ostream& out, const Event& event) {
  return out << to_text(event);
}
inline std::ostream& operator<<(std::ostream& out, const Answered& answered) {
  out << answered.value;
  if (answered.value == -1) out << ' ' << errno_name(answered.error);
  for (const Event& event : answered.events) out << " {" << event << '}';
  return out;
}

// A change, or an event.
inline Event ev(int16_t filter, int64_t ident, int flags, uint32_t fflags = 0, int64_t data = 0,
                uint64_t udata = 0) {
  return {static_cast<uint64_t>(ident), filter, static_cast<uint16_t>(flags), fflags, data, udata};
}

struct Pair {
  int first;   // of a pipe: the reader
  int second;  // of a pipe: the writer
};

class World {
 public:
  explicit World(const char* profile = "strict-2006", const char* host = "linux-at-once")
      : World(*find_profile(profile), *find_host(host)) {}
  World(const Profile& profile, const Host& host)
      : model_(profile, host), states_(std::make_unique<StateSet>()) {
    states_->reset();
  }

  int kqueue() { return make(OpKind::kKqueue).first; }
  Pair pipe() { return make(OpKind::kPipe); }
  Pair stream() { return make(OpKind::kStreamPair); }
  Pair datagrams() { return make(OpKind::kDgramPair); }
  Pair tcp() { return make(OpKind::kTcpPair); }
  int eventfd(int64_t value = 0) { return make(OpKind::kEventfd, value).first; }
  int file(int64_t size = 0) { return make(OpKind::kFile, size).first; }
  int listener() { return make(OpKind::kUnixListener).first; }
  int tcp_listener() { return make(OpKind::kTcpListener).first; }

  // Operations on objects, with the outcome that the model predicts.
  Answered write(int fd, int64_t bytes) { return object_op(OpKind::kWrite, fd, bytes); }
  Answered read(int fd, int64_t bytes) { return object_op(OpKind::kRead, fd, bytes); }
  Answered close(int fd) { return object_op(OpKind::kClose, fd); }
  Answered close_unseen(int fd) { return object_op(OpKind::kUnseenClose, fd); }
  Answered shutdown(int fd, int how) { return object_op(OpKind::kShutdown, fd, how); }
  Answered seek(int fd, int64_t offset) { return object_op(OpKind::kSeek, fd, offset); }
  Answered truncate(int fd, int64_t size) { return object_op(OpKind::kTruncate, fd, size); }
  Answered await() { return object_op(OpKind::kAwait, -1); }
  int dup(int fd) {
    const int number = next_++;
    object_op(OpKind::kDup, fd, 0, -1, number);
    return number;
  }
  Answered dup2(int fd, int onto) { return object_op(OpKind::kDup2, fd, 0, onto); }
  int connect(int listener) {
    const int number = next_++;
    object_op(OpKind::kConnect, listener, 0, -1, number);
    return number;
  }
  int accept(int listener) {
    const int number = next_++;
    object_op(OpKind::kAccept, listener, 0, -1, number);
    return number;
  }

  // The host says otherwise: judged, must be accepted.
  void object_saw(OpKind kind, int fd, int64_t amount, int64_t value, int error = 0) {
    Op op;
    op.kind = kind;
    op.fd = fd;
    op.amount = amount;
    Outcome outcome;
    outcome.value = value;
    outcome.error = error;
    outcome.fd = fd;
    judge(op, outcome);
  }
  Explanation object_refusal(Op op, Outcome outcome) {
    const auto copy = std::make_unique<StateSet>(*states_);
    Explanation why;
    EXPECT_EQ(model_.check(copy.get(), op, outcome, &why), Answer::kRefused)
        << to_text(op, outcome);
    return why;
  }

  // The changes must outlive the operation.
  static Op kevent_op(int kq, std::vector<Event>&& changes, int room) = delete;
  static Op kevent_op(int kq, int room) {
    static const std::vector<Event> kNone;
    return kevent_op(kq, kNone, room);
  }
  static Op kevent_op(int kq, const std::vector<Event>& changes, int room) {
    Op op;
    op.fd = kq;
    op.changes = changes.data();
    op.nchanges = static_cast<int>(changes.size());
    op.nevents = room;
    return op;
  }

  // Predicted and judged.
  Answered call(const Op& op) {
    Event events[kMaxKnotes * 2];
    Outcome outcome;
    const Answer predicted =
        model_.predict(states_->state[0], op, events, kMaxKnotes * 2, &outcome);
    EXPECT_EQ(predicted, Answer::kAccepted) << to_text(op);
    const Answered answered = as_answered(outcome);
    judge(op, outcome);
    return answered;
  }
  Answered call(int kq, const std::vector<Event>& changes, int room = 0) {
    return call(kevent_op(kq, changes, room));
  }
  // The changes are applied without a word.
  void change(int kq, const std::vector<Event>& changes) {
    EXPECT_EQ(call(kq, changes), Answered()) << "a change was refused";
  }
  Answered poll(int kq, int room = 16) { return call(kq, {}, room); }

  // Seen, judged, accepted.
  void saw(const Op& op, const Answered& answered) { judge(op, as_outcome(answered)); }
  void saw(int kq, const std::vector<Event>& changes, int room, const Answered& answered) {
    saw(kevent_op(kq, changes, room), answered);
  }

  Answer check_copy(const Op& op, const Answered& answered, Explanation* why = nullptr) const {
    const auto copy = std::make_unique<StateSet>(*states_);
    return model_.check(copy.get(), op, as_outcome(answered), why);
  }
  bool accepts(int kq, const std::vector<Event>& changes, int room,
               const Answered& answered) const {
    return check_copy(kevent_op(kq, changes, room), answered) == Answer::kAccepted;
  }
  Explanation refusal(const Op& op, const Answered& answered) const {
    Explanation why;
    EXPECT_EQ(check_copy(op, answered, &why), Answer::kRefused) << answered;
    return why;
  }
  Explanation refusal(int kq, const std::vector<Event>& changes, int room,
                      const Answered& answered) const {
    return refusal(kevent_op(kq, changes, room), answered);
  }
  // What a poll that returns these events is called.
  std::string verdict(int kq, int room, const std::vector<Event>& events) const {
    return verdict_word(refusal(kq, {}, room, Answered::of(events)).verdict);
  }
  std::string rule(int kq, int room, const std::vector<Event>& events) const {
    return refusal(kq, {}, room, Answered::of(events)).rule;
  }

  Tri pending(int kq) const { return model_.pending(*states_, kq); }
  const Model& model() const { return model_; }
  StateSet& states() { return *states_; }
  const State& state() const { return states_->state[0]; }

 private:
  Pair make(OpKind kind, int64_t amount = 0) {
    Op op;
    op.kind = kind;
    op.amount = amount;
    Outcome outcome;
    outcome.fd = next_++;
    outcome.fd2 = next_++;
    judge(op, outcome);
    return {outcome.fd, outcome.fd2};
  }

  Answered object_op(OpKind kind, int fd, int64_t amount = 0, int fd2 = -1, int created = -1) {
    Op op;
    op.kind = kind;
    op.fd = fd;
    op.fd2 = fd2;
    op.amount = amount;
    Outcome outcome;
    outcome.fd = created;
    EXPECT_EQ(model_.predict(states_->state[0], op, nullptr, 0, &outcome), Answer::kAccepted);
    judge(op, outcome);
    return as_answered(outcome);
  }

  void judge(const Op& op, const Outcome& outcome) {
    Explanation why;
    EXPECT_EQ(model_.check(states_.get(), op, outcome, &why), Answer::kAccepted)
        << to_text(op, outcome) << "\n  " << verdict_word(why.verdict) << ' ' << why.rule << ": "
        << why.message;
  }

  static Answered as_answered(const Outcome& outcome) {
    Answered answered{outcome.value, outcome.error, {}};
    if (outcome.events != nullptr && outcome.value > 0) {
      answered.events.assign(outcome.events, outcome.events + outcome.value);
    }
    return answered;
  }
  static Outcome as_outcome(const Answered& answered) {
    Outcome outcome;
    outcome.value = answered.value;
    outcome.error = answered.error;
    outcome.events = answered.events.data();
    return outcome;
  }

  Model model_;
  std::unique_ptr<StateSet> states_;
  int next_ = 3;
};

// The names that every table of the tests uses.
inline constexpr int16_t READ = filter::kRead, WRITE = filter::kWrite, USER = filter::kUser,
                         TIMER = filter::kTimer;
inline constexpr int ADD = flag::kAdd, DELETE = flag::kDelete, ENABLE = flag::kEnable,
                     DISABLE = flag::kDisable, ONESHOT = flag::kOneshot, CLEAR = flag::kClear,
                     RECEIPT = flag::kReceipt, DISPATCH = flag::kDispatch,
                     FORCE = flag::kForceOneshot, KEEP = flag::kKeepUdata, ERROR = flag::kError,
                     END = flag::kEof;
inline constexpr uint32_t TRIGGER = note::kTrigger, LOWAT = note::kLowat,
                          FILE_POLL = note::kFilePoll;
// All profiles, and FreeBSD's, for parametrised tests.
inline constexpr const char* kAllProfiles[] = {"strict-2006", "freebsd13", "freebsd", "netbsd",
                                               "openbsd",     "dragonfly", "macos",   "libkqueue"};
inline constexpr const char* kFreebsdProfiles[] = {"strict-2006", "freebsd13", "freebsd"};

// A readable name for a parametrised case.
template <typename Param>
std::string profile_case_name(const testing::TestParamInfo<Param>& info) {
  std::string name = info.param;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

template <typename Param>
std::string case_number(const testing::TestParamInfo<Param>& info) {
  return "Case" + std::to_string(info.index);
}

class EveryProfile : public testing::TestWithParam<const char*> {};
class FreebsdProfile : public testing::TestWithParam<const char*> {};

}  // namespace kqtorture::contract
