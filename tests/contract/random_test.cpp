// Does the model agree with itself? Over random programs, under every profile and host:
// what it predicts it accepts, every outcome that step() enumerates it accepts, and an outcome with
// one field changed beyond what the contract leaves open it refuses.
#include <random>

#include "contract/wrong_events.h"
#include "world.h"

namespace kqtorture::contract {
namespace {

struct Case {
  const char* profile;
  const char* host;
};

class RandomPrograms : public testing::TestWithParam<Case> {
 protected:
  static constexpr uint64_t kSeed = 20060917;
  static constexpr int kPrograms = 150;
  static constexpr int kOperations = 30;
  static constexpr int kCapacity = 2 * kMaxKnotes;

  RandomPrograms()
      : model_(*find_profile(GetParam().profile), *find_host(GetParam().host)),
        states_(std::make_unique<StateSet>()) {}

  int64_t below(int64_t bound) {
    return static_cast<int64_t>(random_() % static_cast<uint64_t>(bound));
  }

  int any_descriptor() {
    const State& state = states_->state[0];
    if (state.descriptors == 0 || below(12) == 0) return 900;
    return state.descriptor[below(state.descriptors)].number;
  }

  int any_kqueue() {
    const State& state = states_->state[0];
    for (int tries = 0; tries < 50; tries++) {
      const Descriptor& descriptor = state.descriptor[below(std::max<int>(state.descriptors, 1))];
      if (state.descriptors > 0 && state.object[descriptor.object].kind == ObjectKind::kKqueue) {
        return descriptor.number;
      }
    }
    return any_descriptor();
  }

  Event any_change() {
    static constexpr int kActions[] = {ADD,
                                       ADD,
                                       ADD,
                                       ADD,
                                       DELETE,
                                       ENABLE,
                                       DISABLE,
                                       0,
                                       FORCE,
                                       FORCE | ENABLE,
                                       ENABLE | DISABLE,
                                       ADD | DISABLE};
    static constexpr int kBehaviours[] = {
        0, 0, 0, ONESHOT, CLEAR, DISPATCH, DISPATCH | CLEAR, RECEIPT, KEEP, 0x0400, 0xF000};
    static constexpr uint32_t kUserNotes[] = {0, TRIGGER, TRIGGER | note::kFfCopy | 5,
                                              note::kFfOr | 3, note::kFfAnd | 1};
    static constexpr uint32_t kTimerNotes[] = {0, note::kNseconds, note::kSeconds, note::kAbstime,
                                               0x20};
    Event change;
    change.flags = static_cast<uint16_t>(kActions[below(std::size(kActions))] |
                                         kBehaviours[below(std::size(kBehaviours))]);
    // Where these bits mean something else the model says nothing.
    if (model_.profile().flag_clash) change.flags &= static_cast<uint16_t>(~(FORCE | KEEP));
    change.udata = static_cast<uint64_t>(below(1 << 20));
    switch (below(10)) {
      case 0:
        change.filter = TIMER;
        change.ident = static_cast<uint64_t>(below(2));
        change.fflags = kTimerNotes[below(std::size(kTimerNotes))];
        change.data = below(3) == 0 ? 1LL << 40 : below(4) - 1;
        break;
      case 1:
      case 2:
      case 3:
        change.filter = USER;
        change.ident = static_cast<uint64_t>(below(3));
        change.fflags = kUserNotes[below(std::size(kUserNotes))];
        change.data = below(3);
        break;
      case 4:
        change.filter = static_cast<int16_t>(below(18) - 16);
        change.ident = static_cast<uint64_t>(any_descriptor());
        break;
      default:
        change.filter = below(3) == 0 ? WRITE : READ;
        if (files_modelled() && below(5) == 0) {
          change.filter = below(3) == 0 ? filter::kEmpty : filter::kVnode;
        }
        change.ident = static_cast<uint64_t>(below(8) == 0 ? any_kqueue() : any_descriptor());
        if (below(4) == 0) {
          change.fflags = static_cast<uint32_t>(below(4));
          change.data = below(8);
        }
        if (change.filter == filter::kVnode) change.fflags = static_cast<uint32_t>(below(1 << 11));
    }
    return change;
  }

  bool files_modelled() const {
    return model_.profile().freebsd_files && model_.host().unmodelled_filters == 0;
  }

  Op any_call() {
    changes_.clear();
    for (int64_t n = below(6) == 0 ? below(20) : below(4); n > 0; n--) {
      changes_.push_back(any_change());
    }
    Op op = World::kevent_op(any_kqueue(), changes_, static_cast<int>(below(8)));
    if (below(30) == 0) op.nevents = -1;
    if (below(30) == 0) op.changes_readable = static_cast<int>(below(op.nchanges + 1));
    if (below(15) == 0) op.events_writable = static_cast<int>(below(3));
    if (below(30) == 0) op.timeout = Timeout::kBadNanos;
    return op;
  }

  Op any_object_op() {
    static constexpr OpKind kKinds[] = {
        OpKind::kKqueue,  OpKind::kPipe,     OpKind::kStreamPair,   OpKind::kDgramPair,
        OpKind::kTcpPair, OpKind::kEventfd,  OpKind::kUnixListener, OpKind::kFile,
        OpKind::kConnect, OpKind::kAccept,   OpKind::kClose,        OpKind::kDup,
        OpKind::kDup2,    OpKind::kRead,     OpKind::kRead,         OpKind::kWrite,
        OpKind::kWrite,   OpKind::kWrite,    OpKind::kShutdown,     OpKind::kSeek,
        OpKind::kAwait,   OpKind::kTruncate, OpKind::kTcpListener,  OpKind::kUnseenClose,
        OpKind::kChmod,   OpKind::kLink,     OpKind::kUnlink,       OpKind::kRename,
        OpKind::kReplace};
    Op op;
    op.kind = kKinds[below(std::size(kKinds))];
    op.fd = any_descriptor();
    op.fd2 = any_descriptor();
    op.amount = op.kind == OpKind::kShutdown ? below(3) : 1 + below(9);
    return op;
  }

  // The prediction, judged. False: the program ends here.
  bool advance(const Op& op) {
    Event events[kCapacity];
    Outcome outcome;
    outcome.fd = next_++;
    outcome.fd2 = next_++;
    if (model_.predict(states_->state[0], op, events, kCapacity, &outcome) != Answer::kAccepted) {
      return false;
    }
    if (op.kind == OpKind::kKevent) change_and_refuse(op, outcome);
    Explanation why;
    const Answer answer = model_.check(states_.get(), op, outcome, &why);
    EXPECT_NE(answer, Answer::kRefused)
        << to_text(op, outcome) << "\n  " << verdict_word(why.verdict) << ' ' << why.rule << ": "
        << why.message << "\nseed " << seed_;
    checked_++;
    return answer == Answer::kAccepted;
  }

  // One change that no rule leaves open.
  void change_and_refuse(const Op& op, const Outcome& outcome) {
    if (outcome.value < 0) {
      expect_refused(op, Outcome::failed(EXDEV), "another errno");
      return;
    }
    if (outcome.value == 0) return;
    std::vector<Event> events(outcome.events, outcome.events + outcome.value);
    const auto at = static_cast<size_t>(below(outcome.value));
    if (op.events_writable != Op::kAll && static_cast<int64_t>(at) >= op.events_writable) return;
    spoil(static_cast<size_t>(below(kWrongs)), at, &events);
    Outcome wrong = outcome;
    wrong.value = static_cast<int64_t>(events.size());
    wrong.events = events.data();
    expect_refused(op, wrong, "a changed field");
  }

  void expect_refused(const Op& op, const Outcome& outcome, const char* what) {
    const auto copy = std::make_unique<StateSet>(*states_);
    Explanation why;
    const Answer answer = model_.check(copy.get(), op, outcome, &why);
    if (answer == Answer::kUndecided) return;
    EXPECT_EQ(answer, Answer::kRefused)
        << what << ": " << to_text(op, outcome) << "\nseed " << seed_ << '\n'
        << to_text(states_->state[0]);
    EXPECT_FALSE(why.rule.empty());
    EXPECT_FALSE(why.message.empty());
    refused_++;
  }

  template <typename Each>
  void run(Each each) {
    for (int program = 0; program < kPrograms && !HasFailure(); program++) {
      seed_ = kSeed + static_cast<uint64_t>(program);
      random_.seed(seed_);
      states_->reset();
      next_ = 3;
      Op first;
      first.kind = OpKind::kKqueue;
      bool alive = advance(first);
      for (int i = 0; alive && i < kOperations; i++) {
        const Op op = below(5) < 2 ? any_object_op() : any_call();
        if (!each(op)) break;
        alive = advance(op);
      }
    }
  }

  Model model_;
  std::unique_ptr<StateSet> states_;
  std::mt19937_64 random_;
  std::vector<Event> changes_;
  uint64_t seed_ = 0;
  int next_ = 3;
  int64_t checked_ = 0;
  int64_t refused_ = 0;
};

TEST_P(RandomPrograms, WhatIsPredictedIsAcceptedAndWhatIsChangedIsRefused) {
  run([](const Op&) { return true; });
  EXPECT_GT(checked_, 1000);
  EXPECT_GT(refused_, 200);
}

TEST_P(RandomPrograms, EveryOutcomeOfAStepIsAcceptedAndLeadsSomewhere) {
  int64_t visited = 0;
  run([&](const Op& op) {
    const State state = states_->state[0];
    Outcome descriptors;
    descriptors.fd = 5000;
    descriptors.fd2 = 5001;
    const int count =
        model_.step(state, op, descriptors, [&](const Outcome& outcome, const StateSet& after) {
          EXPECT_GE(after.count, 1) << to_text(op, outcome);
          return true;
        });
    visited += count;
    return true;
  });
  EXPECT_GT(visited, checked_);
}

std::string case_name(const testing::TestParamInfo<Case>& info) {
  std::string name = std::string(info.param.profile) + "_on_" + info.param.host;
  for (char& c : name) {
    if (c == '-') c = '_';
  }
  return name;
}

INSTANTIATE_TEST_SUITE_P(All, RandomPrograms,
                         testing::Values(Case{"strict-2006", "linux"},
                                         Case{"strict-2006", "linux-at-once"},
                                         Case{"freebsd", "bsd"}, Case{"freebsd13", "bsd"},
                                         Case{"netbsd", "bsd"}, Case{"openbsd", "bsd"},
                                         Case{"dragonfly", "bsd"}, Case{"macos", "bsd"},
                                         Case{"libkqueue", "linux"}),
                         case_name);

TEST(Step, VisitsBothFuturesOfATimerThatMayHaveExpired) {
  World world;
  const int kq = world.kqueue();
  world.change(kq, {ev(TIMER, 1, ADD | ONESHOT, note::kNseconds, 1), ev(USER, 1, ADD)});
  world.change(kq, {ev(USER, 1, 0, TRIGGER)});
  std::vector<int64_t> counts;
  const Op op = World::kevent_op(kq, 4);
  world.model().step(world.state(), op, Outcome(), [&](const Outcome& outcome, const StateSet&) {
    counts.push_back(outcome.value);
    return true;
  });
  EXPECT_NE(std::count(counts.begin(), counts.end(), 1), 0);
  EXPECT_NE(std::count(counts.begin(), counts.end(), 2), 0);
}

TEST(Step, StopsWhenTold) {
  World world;
  const int kq = world.kqueue();
  for (int i = 0; i < 3; i++) world.change(kq, {ev(TIMER, i, ADD, note::kNseconds, 1)});
  int visits = 0;
  const int count = world.model().step(world.state(), World::kevent_op(kq, 4), Outcome(),
                                       [&](const Outcome&, const StateSet&) {
                                         visits++;
                                         return visits < 2;
                                       });
  EXPECT_EQ(visits, 2);
  EXPECT_EQ(count, 2);
}

}  // namespace
}  // namespace kqtorture::contract
