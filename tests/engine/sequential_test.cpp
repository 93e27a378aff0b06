// The sequential engine accuses kqueues that are wrong, in few words and short programs, and no
// other.
#include "engine/sequential.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "scenario/generate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "subjects.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;
using testing::HasSubstr;

std::unique_ptr<SequentialEngine> engine_for(const Subject& subject) {
  std::string error;
  auto engine = SequentialEngine::create(subject, &error);
  EXPECT_TRUE(engine) << error;
  return engine;
}

TEST(SequentialEngine, GeneratedProgramsFindNothingOnTheEmulator) {
  const auto engine = engine_for(emulator());
  int clean = 0;
  for (uint64_t seed = 0; seed < 3000; seed++) {
    const Program program = generate(seed);
    const SequentialResult result = engine->run(program);
    ASSERT_NE(result.status, Status::kFinding) << "seed " << seed << ": " << result.verdict << " "
                                               << result.rule << ": " << result.message << "\n"
                                               << print(program);
    clean += result.status == Status::kClean;
  }
  EXPECT_GT(clean, 2700);
  EXPECT_GT(engine->deliveries(), 3000u) << "programs that deliver nothing test nothing";
}

TEST(SequentialEngine, ProgramsForOthersAreSkippedWithTheReason) {
  const auto engine = engine_for(emulator());
  const SequentialResult other =
      engine->run(program_of("profile netbsd\npipe p\nthread T\nclose p.r\n"));
  EXPECT_EQ(other.status, Status::kSkipped);
  EXPECT_EQ(other.message, "it is about profile netbsd");
  const SequentialResult threads =
      engine->run(program_of("pipe p\nthread T\nclose p.r\nthread U\nclose p.w\n"));
  EXPECT_EQ(threads.status, Status::kSkipped);
  EXPECT_EQ(threads.message, "it has several threads");
}

constexpr const char* kSays =
    "pipe p\nkqueue k\nthread T\nwrite p.w 1\nkevent k (p.r READ ADD) room=1"
    " => (p.r READ ADD data=1)\n";

// Flags that a delivery echoes on one platform and not on another.
TEST(SequentialEngine, WhatAProgramSaysIsLeftAsideWhereTheProfileSaysOtherwise) {
  class Echoing : public Altered {
   public:
    Echoing() : Altered(real) { profile_ = "freebsd"; }
  };
  const Echoing echoing;
  EXPECT_EQ(engine_for(echoing)->run(program_of(kSays)).status, Status::kClean);
  const SequentialResult wrong = engine_for(echoing)->run(
      program_of("pipe p\nkqueue k\nthread T\nwrite p.w 1\nclose p.r => EBADF\n"));
  EXPECT_EQ(wrong.rule, "=>") << "of a close all profiles say the same";
}

TEST(SequentialEngine, WhatAProgramSaysIsNotShrunk) {
  const Program program =
      program_of("pipe p\nthread T\nwrite p.w 1\nread p.r 1\nread p.r 1 => 1\nclose p.w\n");
  const Finding finding = engine_for(emulator())->investigate(program);
  EXPECT_EQ(finding.rule, "=>");
  EXPECT_EQ(finding.reproducer, print(program)) << "what it says holds after what comes before";
}

TEST(SequentialEngine, AProfileThatDoesNotExistIsOneLine) {
  class Odd : public Altered {
   public:
    Odd() : Altered(real) { profile_ = "plan9"; }
  };
  std::string error;
  EXPECT_FALSE(SequentialEngine::create(Odd(), &error));
  EXPECT_EQ(error, "no profile is called plan9");
}

TEST(SequentialEngine, WhatAProgramSaysIsCheckedBesidesTheModel) {
  const auto engine = engine_for(emulator());
  const SequentialResult result =
      engine->run(program_of("pipe p\nkqueue k\nthread T\nwrite p.w 5\nkevent k (p.r READ ADD)\n"
                             "kevent k room=1 => (p.r READ 0 data=4)\nclose p.r\n"),
                  true);
  EXPECT_EQ(result.status, Status::kFinding);
  EXPECT_EQ(result.rule, "=>");
  EXPECT_EQ(result.trace, (std::vector<std::string>{
                              "   write p.w 5 => 5", "   kevent k (p.r READ ADD) => nothing",
                              ">> kevent k room=1 => (p.r READ 0 data=5)",
                              "   the program: kevent k room=1 => (p.r READ 0 data=4)"}));
}

// A fault, and what the engine must make of it.
struct Fault {
  const char* name;
  Altered::Hook hook;
};

std::vector<Fault> faults() {
  return {
      {"an unknown flag is accepted",
       [](const Altered::Call& call) {
         std::vector<Kevent> changes;
         for (int i = 0; i < call.nchanges && call.changes; i++) changes.push_back(call.changes[i]);
         for (Kevent& change : changes) change.flags &= 0xf3ff;
         Altered::Call altered = call;
         if (!changes.empty()) altered.changes = changes.data();
         return Altered::real(altered);
       }},
      {"events come back with the wrong udata",
       [](const Altered::Call& call) {
         const int count = Altered::real(call);
         for (int i = 0; i < count; i++) {
           if (!(call.events[i].flags & flag::kError)) call.events[i].udata = nullptr;
         }
         return count;
       }},
      {"the last of several events is forgotten",
       [](const Altered::Call& call) {
         const int count = Altered::real(call);
         return count > 1 && !(call.events[0].flags & flag::kError) ? count - 1 : count;
       }},
      {"a receipt shows the flags of the change",
       [](const Altered::Call& call) {
         const int count = Altered::real(call);
         for (int i = 0; i < count; i++) {
           if (call.events[i].flags == flag::kError) call.events[i].flags |= flag::kReceipt;
         }
         return count;
       }},
      {"ENOENT is reported as EINVAL",
       [](const Altered::Call& call) {
         const int count = Altered::real(call);
         if (count < 0 && errno == ENOENT) errno = EINVAL;
         return count;
       }},
      {"FORCEONESHOT does nothing",
       [](const Altered::Call& call) {
         std::vector<Kevent> changes;
         for (int i = 0; i < call.nchanges && call.changes; i++) changes.push_back(call.changes[i]);
         for (Kevent& change : changes) change.flags &= static_cast<uint16_t>(~flag::kForceOneshot);
         Altered::Call altered = call;
         if (!changes.empty()) altered.changes = changes.data();
         return Altered::real(altered);
       }},
  };
}

// Changes that fault must not be copied by the hooks above.
GenerateOptions tame() { return {.inet = false, .bad_calls = false}; }

TEST(SequentialEngine, PlantedFaultsAreFoundAndShrunkToFiveOperationsOrFewer) {
  for (const Fault& fault : faults()) {
    const Altered subject(fault.hook);
    const auto engine = engine_for(subject);
    Finding finding;
    for (uint64_t seed = 0; seed < 3000 && finding.verdict.empty(); seed++) {
      finding = engine->investigate(generate(seed, tame()));
    }
    ASSERT_FALSE(finding.verdict.empty()) << fault.name;
    Program small;
    ASSERT_FALSE(parse(finding.reproducer, &small)) << finding.reproducer;
    EXPECT_LE(count_ops(small), 5u) << fault.name << "\n" << finding.reproducer;
    EXPECT_EQ(engine->run(small).verdict, finding.verdict) << fault.name;
    EXPECT_NE(engine_for(emulator())->run(small).status, Status::kFinding)
        << fault.name << ": the reproducer accuses a kqueue without the fault\n"
        << finding.reproducer;
    EXPECT_EQ(finding.engine, "sequential");
    EXPECT_EQ(finding.subject, "altered");
    ASSERT_FALSE(finding.detail.empty());
    EXPECT_THAT(finding.detail, testing::Contains(testing::StartsWith(">> "))) << fault.name;
  }
}

TEST(SequentialEngine, AWaiterThatSleepsOverAnEventIsStuckAndNotAHang) {
  const Altered subject([](const Altered::Call& call) {
    if (call.timeout != nullptr || call.nevents == 0) return Altered::real(call);
    pause();
    errno = EINTR;
    return -1;
  });
  const SequentialResult result = engine_for(subject)->run(
      program_of("pipe p\nkqueue k\nthread T\nwrite p.w 1\nkevent k (p.r READ ADD)\n"
                 "kevent k room=1 timeout=forever\n"));
  EXPECT_EQ(result.status, Status::kFinding);
  EXPECT_EQ(result.verdict, "stuck-waiter");
  EXPECT_EQ(result.rule, "I8");
}

TEST(SequentialEngine, AWaiterWhoseEventIsGoneHasLostIt) {
  const Altered subject([](const Altered::Call& call) {
    if (call.nevents == 0) return Altered::real(call);
    if (call.timeout == nullptr) {
      pause();
      errno = EINTR;
      return -1;
    }
    return 0;
  });
  const SequentialResult result = engine_for(subject)->run(
      program_of("pipe p\nkqueue k\nthread T\nwrite p.w 1\nkevent k (p.r READ ADD)\n"
                 "kevent k room=1 timeout=forever\n"));
  EXPECT_EQ(result.verdict, "lost");
}

TEST(SequentialEngine, ACallThatNothingWouldEndPolls) {
  int waits = 0;
  const Altered subject([&](const Altered::Call& call) {
    waits += call.timeout == nullptr;
    return Altered::real(call);
  });
  const auto engine = engine_for(subject);
  EXPECT_EQ(engine
                ->run(program_of("pipe p\nkqueue k\nthread T\n"
                                 "kevent k (p.r READ ADD) room=1 timeout=forever => nothing\n"
                                 "kevent k room=1 timeout=forever => nothing\n"))
                .status,
            Status::kClean);
  EXPECT_EQ(waits, 0);
  EXPECT_EQ(engine
                ->run(program_of("pipe p\nkqueue k\nthread T\nwrite p.w 1\n"
                                 "kevent k (p.r READ ADD) room=1 timeout=forever => (p.r READ)\n"))
                .status,
            Status::kClean);
  EXPECT_EQ(waits, 1);
}

// FreeBSD 13 takes a negative room for one that never fills, and a negative number of changes for
// none: such a call sleeps as any other.
TEST(SequentialEngine, ACallThatNothingWouldEndPollsWhateverItsCounts) {
  class Unlimited : public Altered {
   public:
    explicit Unlimited(int* waits)
        : Altered([waits](const Altered::Call& call) {
            *waits += call.timeout == nullptr;
            Altered::Call counted = call;
            if (call.nevents < 0) counted.nevents = limit::kRoom;
            if (call.nchanges < 0) counted.nchanges = 0;
            return real(counted);
          }) {
      profile_ = "freebsd13";
    }
  };
  int waits = 0;
  const Unlimited subject(&waits);
  const auto engine = engine_for(subject);
  EXPECT_EQ(engine
                ->run(program_of("profile freebsd13\npipe p\nkqueue k\nthread T\n"
                                 "kevent k room=-2147483648 timeout=forever => nothing\n"
                                 "kevent k (p.r READ ADD) room=-1 timeout=forever => nothing\n"
                                 "kevent k nchanges=-1 room=1 timeout=forever => nothing\n"))
                .status,
            Status::kClean);
  EXPECT_EQ(waits, 0);
  EXPECT_EQ(engine
                ->run(program_of("profile freebsd13\npipe p\nkqueue k\nthread T\nwrite p.w 1\n"
                                 "kevent k (p.r READ ADD)\n"
                                 "kevent k room=-2147483648 timeout=forever => (p.r READ)\n"
                                 "kevent k nchanges=-1 room=1 timeout=forever => (p.r READ)\n"))
                .status,
            Status::kClean);
  EXPECT_EQ(waits, 2);
}

TEST(SequentialEngine, ATimerThatIsLateIsNoFinding) {
  // Withholds the first three answers, as a machine that stands still would.
  int withheld = 0;
  const Altered subject([&](const Altered::Call& call) {
    if (call.nevents > 0 && withheld < 3) {
      withheld++;
      return 0;
    }
    return Altered::real(call);
  });
  const SequentialResult result = engine_for(subject)->run(
      program_of("timer t 1\nkqueue k\nthread T\n"
                 "kevent k (t TIMER ADD fflags=USECONDS data=10)\nawait\nkevent k room=1\n"));
  EXPECT_EQ(result.status, Status::kUndecided);
  EXPECT_EQ(result.message, "an event came late");
}

// FreeBSD 13 tells whoever watches a kqueue from a task, which may be late for an await.
TEST(SequentialEngine, ATaskThatIsLateForANestedKqueueIsNoFinding) {
  class Late : public Altered {
   public:
    explicit Late(int* withheld)
        : Altered([withheld](const Altered::Call& call) {
            if (call.nevents == 0 || *withheld == 0) return real(call);
            --*withheld;
            return 0;
          }) {
      profile_ = "freebsd13";
    }
  };
  const Program nested = program_of(
      "pipe p\nkqueue k\nkqueue k2\nthread T\nkevent k (k2 READ ADD)\n"
      "kevent k2 (p.r READ ADD)\nwrite p.w 1\nawait\nkevent k room=1\n");
  int withheld = 3;
  const SequentialResult late = engine_for(Late(&withheld))->run(nested);
  EXPECT_EQ(late.status, Status::kUndecided);
  EXPECT_EQ(late.message, "an event came late");
  withheld = 1'000'000;
  EXPECT_EQ(engine_for(Late(&withheld))->run(nested).verdict, "lost") << "it never came";
}

// After the first scan the USER knote stands behind the timer, if that expired before it.
constexpr const char* kOrdered =
    "timer t 1\nuser u 2\nkqueue k\nthread T\n"
    "kevent k (t TIMER ADD|ONESHOT fflags=USECONDS data=10) (u USER ADD)\n"
    "kevent k (u USER 0 fflags=TRIGGER)\nawait\nkevent k room=1\nkevent k room=1\n";

TEST(SequentialEngine, AnOrderThatOnlyALateTimerBreaksIsNoFinding) {
  bool late = true;
  const Altered subject([&](const Altered::Call& call) {
    if (!late || call.nchanges == 0 || call.changes[0].filter != filter::kTimer) {
      return Altered::real(call);
    }
    late = false;
    std::vector<Kevent> changes(call.changes, call.changes + call.nchanges);
    changes[0].data = 1'000'000'000;  // far beyond the first run
    Altered::Call altered = call;
    altered.changes = changes.data();
    return Altered::real(altered);
  });
  const auto engine = engine_for(subject);
  int awaits = 0;
  engine->set_witness([&](const contract::Op& op, const contract::Outcome&) {
    awaits += op.kind == contract::OpKind::kAwait;
  });
  const SequentialResult result = engine->run(program_of(kOrdered));
  EXPECT_FALSE(late);
  EXPECT_EQ(awaits, 1) << "a witness sees a program once";
  EXPECT_EQ(result.status, Status::kUndecided);
  EXPECT_EQ(result.message, "a timer or task was late");
}

TEST(SequentialEngine, AnOrderThatIsWrongHoweverLongTheTimerHasIsAFinding) {
  const Altered subject([](const Altered::Call& call) {
    if (call.nevents != 1) return Altered::real(call);
    Kevent events[2];
    Altered::Call both = call;
    both.events = events;
    both.nevents = 2;
    const int count = Altered::real(both);
    for (int i = 0; i < count; i++) {
      if (i == 0 || events[i].filter == filter::kUser) call.events[0] = events[i];
    }
    return std::min(count, 1);
  });
  const SequentialResult result = engine_for(subject)->run(program_of(kOrdered));
  EXPECT_EQ(result.status, Status::kFinding);
  EXPECT_EQ(result.rule, "I16");
}

}  // namespace
}  // namespace kqtorture
