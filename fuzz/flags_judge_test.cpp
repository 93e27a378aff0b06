// Does the judge of flags_fuzzer accuse a kqueue that lies, and only then?
//
// A fuzzer that finds nothing is worth what its judge is worth. So the emulator's true answers are
// passed on with one lie each, and the judge has to name it; told the truth it has to be silent, on
// programs drawn at random. Encoding is checked here as well: mutations work on programs only as
// long as decode() gives back what encode() was given.
#include <errno.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "flags_mutator.h"
#include "flags_program.h"
#include "flags_run.h"
#include "subject/subject.h"

namespace kqtorture::flags {
namespace {

constexpr uint8_t kRead = 1, kUser = 11;
constexpr uint8_t kPipeReader = 0, kUserIdent = 12, kClosedNumber = 6;

// One kevent() call as it came back, before the judge sees it.
struct Answer {
  Kevent* events;
  int room;
  int* result;
};
using Lie = std::function<void(const Answer&)>;

// The emulator, but for what its answers are made into.
class Liar : public Subject {
 public:
  Liar(const Subject& truth, Lie lie) : truth_(truth), lie_(std::move(lie)) {
    calls_ = truth.calls();
    spec_ = truth.spec();
    profile_ = truth.profile();
    layout_ = truth.layout();
  }
  void claim(const std::string& profile) { profile_ = profile; }
  int kevent(int kq, const Kevent* changes, int change_count, Kevent* events, int room,
             const timespec* timeout) const override {
    int result = truth_.kevent(kq, changes, change_count, events, room, timeout);
    const int error = errno;
    lie_({events, room, &result});
    errno = error;
    return result;
  }

 private:
  const Subject& truth_;
  const Lie lie_;
};

Change change(uint8_t ident, uint8_t filter, int flags, uint32_t fflags = 0) {
  return {ident, filter, static_cast<uint16_t>(flags), fflags, 0};
}

Step call(std::vector<Change> changes, uint8_t room = kMaxRoom) {
  Step step;
  step.slot = 7;
  step.room = room;
  step.count = static_cast<uint8_t>(changes.size());
  std::copy(changes.begin(), changes.end(), step.changes.begin());
  return step;
}

Step write_to_pipe() {
  Step step;
  step.op = Op::kWrite;
  step.slot = 1;
  return step;
}

class FlagsJudge : public ::testing::Test {
 protected:
  void SetUp() override {
    signal(SIGPIPE, SIG_IGN);
    std::string error;
    subject_ = Subject::open("emulator", &error);
    ASSERT_TRUE(subject_) << error;
  }

  // Under another profile than the subject's if one is given.
  std::optional<Violation> run(const Program& program, Lie lie,
                               const std::string& profile = "strict-2006") {
    Liar liar(*subject_, std::move(lie));
    liar.claim(profile);
    return run_on(liar, program);
  }
  std::optional<Violation> run_on(const Subject& subject, const Program& program) {
    model_ = make_model_judge(subject);
    return kqtorture::flags::Run(subject, memory_, records_, model_.get()).run(program);
  }
  void expect_found(const Program& program, Lie lie, const std::string& verdict,
                    const std::string& rule) {
    const auto truth = run(program, [](const Answer&) {});
    EXPECT_FALSE(truth) << truth->message;
    const auto violation = run(program, std::move(lie));
    ASSERT_TRUE(violation);
    EXPECT_EQ(violation->verdict, verdict) << violation->message;
    EXPECT_EQ(violation->rule, rule) << violation->message;
  }

  std::unique_ptr<Subject> subject_;
  Memory memory_;
  std::vector<Record> records_;
  std::unique_ptr<ModelJudge> model_;
};

bool is_event(const Answer& answer) {
  return *answer.result == 1 && answer.events[0].flags != flag::kError;
}

const Program kReadyPipe{{call({change(kPipeReader, kRead, flag::kAdd | flag::kDispatch)}, 0),
                          write_to_pipe(), call({})}};
const Program kTriggered{{call({change(kUserIdent, kUser, flag::kAdd | flag::kClear)}, 0),
                          call({change(kUserIdent, kUser, 0, note::kTrigger)}, 0), call({})}};

TEST_F(FlagsJudge, AnEventThatIsKeptBackIsLost) {
  expect_found(
      kReadyPipe,
      [](const Answer& answer) {
        if (is_event(answer)) *answer.result = 0;
      },
      "lost", "I8");
}

TEST_F(FlagsJudge, AnEventReturnedTwiceInOneCallIsADuplicate) {
  expect_found(
      kReadyPipe,
      [](const Answer& answer) {
        if (!is_event(answer) || answer.room < 2) return;
        answer.events[1] = answer.events[0];
        *answer.result = 2;
      },
      "duplicate", "I7");
}

TEST_F(FlagsJudge, AnEventAfterDispatchDisabledItsKnoteIsADuplicate) {
  auto last = std::make_shared<Kevent>();
  Program program = kReadyPipe;
  program.steps.push_back(call({}));
  expect_found(
      program,
      [last](const Answer& answer) {
        if (is_event(answer)) {
          *last = answer.events[0];
        } else if (*answer.result == 0 && answer.room > 0 && last->flags != 0) {
          answer.events[0] = *last;
          *answer.result = 1;
        }
      },
      "duplicate", "I5");
}

TEST_F(FlagsJudge, AnEventWithoutItsCauseIsAPhantom) {
  const Program program{{call({change(kUserIdent, kUser, flag::kAdd)}, 0), call({})}};
  expect_found(
      program,
      [](const Answer& answer) {
        if (*answer.result != 0 || answer.room == 0) return;
        answer.events[0] = {0, filter::kUser, 0, 0, 0, nullptr};
        *answer.result = 1;
      },
      "phantom", "I10");
}

TEST_F(FlagsJudge, AUdataThatNobodyWroteLastIsWrong) {
  expect_found(
      kTriggered,
      [](const Answer& answer) {
        if (is_event(answer)) answer.events[0].udata = nullptr;
      },
      "wrong-udata", "I12");
}

TEST_F(FlagsJudge, AnActionBitInAnEventIsWrong) {
  expect_found(
      kTriggered,
      [](const Answer& answer) {
        if (is_event(answer)) answer.events[0].flags |= flag::kAdd;
      },
      "wrong-answer", "2.3");
}

TEST_F(FlagsJudge, AFinalEventWithoutItsMarkIsWrong) {
  const Program program{{call({change(kPipeReader, kRead, flag::kAdd)}, 0),
                         call({change(kPipeReader, kRead, flag::kForceOneshot)})}};
  expect_found(
      program,
      [](const Answer& answer) {
        if (is_event(answer)) answer.events[0].flags &= static_cast<uint16_t>(~flag::kForceOneshot);
      },
      "wrong-answer", "I6");
}

TEST_F(FlagsJudge, DataThatTheObjectNeverHeldIsWrong) {
  expect_found(
      kReadyPipe,
      [](const Answer& answer) {
        if (is_event(answer)) answer.events[0].data++;
      },
      "wrong-answer", "I11");
}

TEST_F(FlagsJudge, AnotherErrnoThanTheFirstFailingChecksIsWrong) {
  const Program program{{call({change(kClosedNumber, kRead, flag::kAdd)})}};
  expect_found(
      program,
      [](const Answer& answer) {
        if (*answer.result == 1 && answer.events[0].data == EBADF) answer.events[0].data = ENOENT;
      },
      "wrong-errno", "1.5");
}

TEST_F(FlagsJudge, AReceiptThatIsMissingIsWrong) {
  const Program program{{call({change(kUserIdent, kUser, flag::kAdd | flag::kReceipt)})}};
  expect_found(
      program, [](const Answer& answer) { *answer.result = 0; }, "wrong-answer", "I13");
}

TEST_F(FlagsJudge, AnEntryBeyondTheRoomIsWrong) {
  const Program program{{call({change(kUserIdent, kUser, flag::kAdd | flag::kReceipt)}, 1)}};
  expect_found(
      program, [](const Answer& answer) { *answer.result = 2; }, "wrong-answer", "I13");
}

TEST_F(FlagsJudge, MemoryWrittenBesideTheEventListIsWrong) {
  expect_found(
      kReadyPipe,
      [](const Answer& answer) {
        if (is_event(answer)) answer.events[answer.room - 1].udata = nullptr;
      },
      "wrong-answer", "1.5");
}

// Refuses a change with an unknown flag, and deletes the knote all the same.
class Eager : public Liar {
 public:
  explicit Eager(const Subject& truth) : Liar(truth, [](const Answer&) {}) {}
  int kevent(int kq, const Kevent* changes, int change_count, Kevent* events, int room,
             const timespec* timeout) const override {
    const bool refused = change_count == 1 && (changes[0].flags & flag::kUnknown400);
    const Kevent key = refused ? changes[0] : Kevent{};
    const int result = Liar::kevent(kq, changes, change_count, events, room, timeout);
    const int error = errno;
    if (refused) {
      const Kevent removal{key.ident, key.filter, flag::kDelete, 0, 0, nullptr};
      Liar::kevent(kq, &removal, 1, nullptr, 0, nullptr);
    }
    errno = error;
    return result;
  }
};

TEST_F(FlagsJudge, ARefusedChangeThatTookEffectIsFound) {
  const Program program{{call({change(kUserIdent, kUser, flag::kAdd)}, 0),
                         call({change(kUserIdent, kUser, flag::kUnknown400)})}};
  const Eager eager(*subject_);
  const auto violation = run_on(eager, program);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->verdict, "wrong-errno") << violation->message;
}

TEST_F(FlagsJudge, TheTruthIsNeverCalledALie) {
  constexpr int kPrograms = 2000;  // a second's worth
  uint64_t deliveries = 0, followed = 0;
  model_ = make_model_judge(*subject_);
  for (int seed = 0; seed < kPrograms; seed++) {
    Random random(static_cast<uint64_t>(seed));
    Program program;
    for (int i = 0; i < 4; i++) mutate(program, random);
    kqtorture::flags::Run judged(*subject_, memory_, records_, model_.get());
    const auto violation = judged.run(program);
    ASSERT_FALSE(violation) << "seed " << seed << ": " << violation->message << '\n'
                            << judged.history().back();
    deliveries += judged.deliveries();
    followed += model_->follows();
  }
  EXPECT_GT(deliveries, 1000u);
  EXPECT_GT(followed, kPrograms / 2u) << "the model loses sight of most programs";
}

TEST(FlagsProgram, DecodingWhatWasEncodedGivesTheSameProgram) {
  for (uint64_t seed = 0; seed < 2000; seed++) {
    Random random(seed);
    Program program;
    for (int i = 0; i < 6; i++) mutate(program, random);
    const std::vector<uint8_t> bytes = encode(program);
    const Program again = decode(bytes.data(), bytes.size());
    ASSERT_EQ(again.steps.size(), program.steps.size()) << "seed " << seed;
    for (size_t i = 0; i < program.steps.size(); i++) {
      // What a step does not use is not encoded.
      if (program.steps[i].op == Op::kKevent) {
        EXPECT_EQ(encode({{again.steps[i]}}), encode({{program.steps[i]}})) << "seed " << seed;
      } else {
        EXPECT_EQ(again.steps[i], program.steps[i]) << "seed " << seed;
      }
    }
  }
}

TEST(FlagsProgram, AnyBytesDecodeToAProgramWithinItsBounds) {
  for (uint64_t seed = 0; seed < 2000; seed++) {
    Random random(seed);
    std::vector<uint8_t> bytes(random.below(3000));
    for (uint8_t& byte : bytes) byte = static_cast<uint8_t>(random.next());
    const Program program = decode(bytes.data(), bytes.size());
    EXPECT_LE(program.steps.size(), kMaxSteps);
    for (const Step& step : program.steps) {
      EXPECT_LE(step.count, kMaxChanges);
      EXPECT_LT(step.slot, kCallees);
      EXPECT_LT(step.room, kRooms);
    }
  }
}

void tell_the_truth(const Answer&) {}

Step operation(Op op, uint8_t slot, uint8_t argument = 0) {
  Step step;
  step.op = op;
  step.slot = slot;
  step.argument = argument;
  return step;
}

TEST_F(FlagsJudge, WithoutAModelTheRulesOfAllPlatformsRemain) {
  const Liar stranger(*subject_, [](const Answer& answer) {
    if (is_event(answer)) answer.events[0].udata = nullptr;
  });
  const auto violation = kqtorture::flags::Run(stranger, memory_, records_).run(kTriggered);
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->verdict, "wrong-udata") << violation->message;
}

TEST_F(FlagsJudge, OtherPlatformsAreJudgedByTheirOwnContract) {
  const Program both{{call({change(kPipeReader, kRead, flag::kAdd)}, 0),
                      call({change(kPipeReader, kRead, flag::kEnable | flag::kDisable)}, 0)}};
  EXPECT_FALSE(run(both, tell_the_truth));
  const auto violation = run(both, tell_the_truth, "openbsd");
  ASSERT_TRUE(violation) << "libkq refuses what OpenBSD takes";
  EXPECT_EQ(violation->verdict, "wrong-errno") << violation->message;
}

// The first chunk leaves a receipt on the first change of the second, which then asks for nothing
// of a key that the receipt names.
TEST_F(FlagsJudge, ChangesThatEntriesOverwriteAreReadAsOverwritten) {
  std::vector<Change> changes(9, change(kUserIdent, kUser, flag::kAdd));
  changes[0].flags |= flag::kReceipt;
  Step overlapping = call(changes, 1);
  overlapping.event_place = Place::kAliasShifted;
  overlapping.event_split = 8;
  const Program program{{overlapping}};
  EXPECT_FALSE(run(program, tell_the_truth));
  EXPECT_TRUE(model_->follows());
  const auto violation = run(program, [](const Answer& answer) {
    if (*answer.result == 1) answer.events[0].flags |= flag::kAdd;
  });
  ASSERT_TRUE(violation);
  EXPECT_EQ(violation->verdict, "wrong-answer") << violation->message;
}

TEST_F(FlagsJudge, AnEventOfADescriptorThatWasClosedUnseenIsStale) {
  auto last = std::make_shared<Kevent>();
  const Program program{{call({change(kPipeReader, kRead, flag::kAdd)}, 0), write_to_pipe(),
                         call({}), operation(Op::kUnseenClose, kPipeReader), call({})}};
  expect_found(
      program,
      [last](const Answer& answer) {
        if (is_event(answer)) {
          *last = answer.events[0];
        } else if (*answer.result == 0 && answer.room > 0 && last->udata != nullptr) {
          answer.events[0] = *last;
          *answer.result = 1;
        }
      },
      "stale-generation", "I2");
  EXPECT_TRUE(model_->violation());
}

// Whether the knote went on through the absence of its file or was lost, a change tells; and what
// one change told, the next may not take back.
TEST_F(FlagsJudge, AKnoteOfAFileThatCameBackIsThereOrNotButNotBoth) {
  constexpr uint8_t kCopy = 9;
  const auto ask = [] { return call({change(kPipeReader, kRead, flag::kReceipt)}); };
  const Program program{{call({change(kPipeReader, kRead, flag::kAdd)}, 0),
                         operation(Op::kDup, kPipeReader, kCopy),
                         operation(Op::kUnseenClose, kPipeReader),
                         operation(Op::kDup, kCopy, kPipeReader), ask(), ask()}};
  auto answers = std::make_shared<int>(0);
  expect_found(
      program,
      [answers](const Answer& answer) {
        if (*answer.result != 1 || answer.events[0].flags != flag::kError) return;
        if (++*answers % 2 == 0) answer.events[0].data ^= ENOENT;
      },
      "wrong-errno", "1.5");
}

}  // namespace
}  // namespace kqtorture::flags
