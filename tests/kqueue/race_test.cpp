// Does a kqueue survive threads that do everything at once? Short storms with a ledger each: for
// the thread sanitizer, and as a first net before the stress programs. Handlers touch plain data,
// so that handing one event to two threads is a data race of its own.
#include <gmock/gmock.h>

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <random>

#include "objects.h"

namespace kqtorture {
namespace {

uint64_t storm_seed() {
  const char* given = std::getenv("KQ_SEED");
  const uint64_t seed =
      given != nullptr ? std::strtoull(given, nullptr, 0) : std::random_device{}();
  std::printf("seed %llu\n", static_cast<unsigned long long>(seed));
  std::fflush(stdout);
  return seed;
}

// Long enough to sleep instead of spinning, short enough to see that the storm is over.
constexpr timespec kShortWait{0, 2000000};

class Race : public PipeTest {
 protected:
  // Runs body(thread number) in count threads.
  template <typename Body>
  static void run(int count, Body body) {
    std::vector<std::thread> threads;
    for (int i = 0; i < count; ++i) threads.emplace_back([&body, i] { body(i); });
    for (std::thread& thread : threads) thread.join();
  }
};

TEST_F(Race, DispatchedEventsAreHeldByOneThread) {
  REQUIRE_KNOB(knob().dispatch_with_clear);
  constexpr int kPipes = 4;
  constexpr int kDeliveries = 400;
  struct Connection {
    Pair pipe;
    std::atomic<int> holders{0};
    long handled = 0;  // plain on purpose
  };
  std::vector<Connection> connections(kPipes);
  for (Connection& connection : connections) {
    connection.pipe = open_pipe();
    put(connection.pipe.far, 1);
    ASSERT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{connection.pipe.near}), filter::kRead,
                             flag::kAdd | flag::kDispatch, 0, 0, &connection)),
              0);
  }
  std::atomic<long> total{0};
  std::atomic<long> doubles{0};
  run(3, [&](int) {
    while (total < kDeliveries) {
      const Outcome outcome = call(kq_, {}, 2, &kShortWait);
      for (const Kevent& event : outcome.entries) {
        auto* connection = static_cast<Connection*>(event.udata);
        if (++connection->holders != 1) ++doubles;
        ++connection->handled;
        ++total;
        --connection->holders;
        EXPECT_EQ(submit(kq_, ev(event.ident, filter::kRead, flag::kEnable, 0, 0, connection)), 0);
      }
    }
  });
  EXPECT_EQ(doubles, 0);
  long handled = 0;
  for (const Connection& connection : connections) handled += connection.handled;
  EXPECT_EQ(handled, total);
}

TEST_F(Race, OneshotsAddedEqualDeliveredPlusDeleted) {
  constexpr int kRounds = 100;
  std::atomic<long> delivered{0};
  std::atomic<long> deleted{0};
  std::atomic<bool> done{false};
  long added = 0;
  put(pipe_.far, 1);
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  run(3, [&](int thread) {
    if (thread == 0) {
      while (added < kRounds) {
        // Added again only when it is gone, so that every ADD makes a generation.
        if (submit(kq_, ev(fd, filter::kRead, flag::kEnable)) == ENOENT) {
          EXPECT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kAdd | flag::kOneshot)), 0);
          ++added;
        } else {
          std::this_thread::yield();
        }
      }
      done = true;
    } else if (thread == 1) {
      while (!done) delivered += static_cast<long>(call(kq_, {}, 4, &kShortWait).entries.size());
    } else {
      while (!done) {
        deleted += submit(kq_, ev(fd, filter::kRead, flag::kDelete)) == 0 ? 1 : 0;
        std::this_thread::yield();
      }
    }
  });
  delivered += static_cast<long>(poll_events(kq_).size());
  deleted += submit(kq_, ev(fd, filter::kRead, flag::kDelete)) == 0 ? 1 : 0;
  EXPECT_EQ(delivered + deleted, added);
}

TEST_F(Race, NoTriggerIsLost) {
  constexpr int kTriggers = 200;
  ASSERT_EQ(submit(kq_, ev(1, filter::kUser, flag::kAdd | flag::kClear)), 0);
  // Ping-pong: the next trigger comes after the delivery of the last, so each must be delivered.
  std::atomic<int> delivered{0};
  run(2, [&](int thread) {
    for (int i = 0; i < kTriggers; ++i) {
      if (thread == 0) {
        EXPECT_EQ(submit(kq_, trigger(1)), 0);
        while (delivered <= i) std::this_thread::yield();
      } else {
        EXPECT_EQ(call(kq_, {}, 4, nullptr).count, 1);
        ++delivered;
      }
    }
  });
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Race, NothingIsDeliveredByACallThatBeganAfterADelete) {
  constexpr int kRounds = 80;
  put(pipe_.far, 1);
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  std::atomic<uintptr_t> dead{0};  // generations up to this one have been deleted
  std::atomic<bool> done{false};
  std::atomic<int> late{0};
  run(3, [&](int thread) {
    if (thread == 0) {
      for (uintptr_t generation = 1; generation <= kRounds; ++generation) {
        EXPECT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kAdd, 0, 0, tag(generation))), 0);
        std::this_thread::yield();
        EXPECT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kDelete)), 0);
        dead = generation;
      }
      done = true;
      return;
    }
    while (!done) {
      const uintptr_t before = dead;
      for (const Kevent& event : call(kq_, {}, 4, &kShortWait).entries) {
        if (reinterpret_cast<uintptr_t>(event.udata) <= before) ++late;
      }
    }
  });
  EXPECT_EQ(late, 0);
}

TEST_F(Race, NothingIsDeliveredByACallThatBeganAfterAClose) {
  REQUIRE_KNOB(knob().close_removes_knotes);
  constexpr int kRounds = 80;
  put(pipe_.far, 1);
  std::atomic<uintptr_t> dead{0};
  std::atomic<bool> done{false};
  std::atomic<int> late{0};
  run(3, [&](int thread) {
    if (thread == 0) {
      for (uintptr_t generation = 1; generation <= kRounds; ++generation) {
        Fd copy(subject().calls().dup(pipe_.near));
        EXPECT_EQ(submit(kq_, ev(static_cast<uintptr_t>(int{copy}), filter::kRead, flag::kAdd, 0, 0,
                                 tag(generation))),
                  0);
        std::this_thread::yield();
        copy.reset();
        dead = generation;
      }
      done = true;
      return;
    }
    while (!done) {
      const uintptr_t before = dead;
      for (const Kevent& event : call(kq_, {}, 4, &kShortWait).entries) {
        if (reinterpret_cast<uintptr_t>(event.udata) <= before) ++late;
      }
    }
  });
  EXPECT_EQ(late, 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(Race, TheFinalEventComesOnceAndLast) {
  REQUIRE_KNOB(knob().forceoneshot);
  constexpr uintptr_t kRounds = 100;
  put(pipe_.far, 1);
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  std::atomic<uintptr_t> finals{0};
  std::atomic<bool> done{false};
  std::atomic<int> wrong{0};
  run(3, [&](int thread) {
    if (thread == 0) {
      for (uintptr_t generation = 1; generation <= kRounds; ++generation) {
        EXPECT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kAdd | flag::kDispatch)), 0);
        std::this_thread::yield();
        EXPECT_EQ(submit(kq_, ev(fd, filter::kRead, flag::kForceOneshot)), 0);
        while (finals < generation) std::this_thread::yield();
        if (submit(kq_, ev(fd, filter::kRead, flag::kDelete)) != ENOENT) ++wrong;
      }
      done = true;
      return;
    }
    while (!done) {
      for (const Kevent& event : call(kq_, {}, 4, &kShortWait).entries) {
        if (event.flags & flag::kOneshot) {
          ++finals;
        } else if (submit(kq_, ev(fd, filter::kRead, flag::kEnable)) != 0) {
          ++wrong;  // the handler held the event, so the knote cannot be gone
        }
      }
    }
  });
  EXPECT_EQ(finals, kRounds);
  EXPECT_EQ(wrong, 0);
}

TEST_F(Race, TimersStartAndStopUnderWaiters) {
  std::atomic<bool> done{false};
  std::atomic<long> expired{0};
  run(3, [&](int thread) {
    if (thread == 0) {
      for (uintptr_t i = 0; i < 200; ++i) {
        EXPECT_EQ(submit(kq_, ev(i % 7, filter::kTimer, flag::kAdd, note::kUseconds, 200)), 0);
        if (i % 3 == 0) submit(kq_, ev((i + 3) % 7, filter::kTimer, flag::kDelete));
        if (i % 20 == 0) sleep_ms(1);
      }
      done = true;
      return;
    }
    while (!done) {
      for (const Kevent& event : call(kq_, {}, 4, &kShortWait).entries) expired += event.data;
    }
  });
  EXPECT_GT(expired + poll_events(kq_).size(), 0u);
}

TEST_F(Race, KqueuesComeAndGoUnderTheirWaiters) {
  REQUIRE_KNOB(knob().close_under_waiter == CloseUnderWaiter::kNotWoken);
  put(pipe_.far, 1);
  const auto fd = static_cast<uintptr_t>(int{pipe_.near});
  std::atomic<int> answered{0};
  for (int round = 0; round < 40; ++round) {
    Fd kq(subject().kqueue());
    const int number = kq;
    std::vector<std::thread> threads;
    std::atomic<int> inside{0};
    for (int i = 0; i < 2; ++i) {
      threads.emplace_back([&] {
        const timespec limit{0, 1000000};
        ++inside;
        // Either the kqueue is still there, and tells of its level event, or it is gone.
        const Outcome outcome = call(number, {ev(fd, filter::kRead, flag::kAdd)}, 4, &limit);
        EXPECT_TRUE(outcome.count == 1 || outcome.error == EBADF)
            << outcome.count << " entries, errno " << outcome.error;
        ++answered;
      });
    }
    while (inside < 2) std::this_thread::yield();
    kq.reset();
    for (std::thread& thread : threads) thread.join();
  }
  EXPECT_EQ(answered, 80);
}

TEST_F(Race, RandomChangesFromManyThreads) {
  constexpr int kThreads = 3;
  constexpr int kOperations = 1000;
  const uint64_t seed = storm_seed();
  const Fd inner(subject().kqueue());
  put(pipe_.far, 1);
  const uintptr_t targets[] = {static_cast<uintptr_t>(int{pipe_.near}),
                               static_cast<uintptr_t>(int{pipe_.far}),
                               static_cast<uintptr_t>(int{inner})};
  std::atomic<long> refused{0};
  std::atomic<long> delivered{0};
  run(kThreads, [&](int thread) {
    std::mt19937_64 random(seed + static_cast<uint64_t>(thread));
    for (int i = 0; i < kOperations; ++i) {
      const uint64_t bits = random();
      const int16_t filters[] = {filter::kRead, filter::kWrite, filter::kUser, filter::kTimer};
      const int16_t chosen = filters[bits % 4];
      const uintptr_t ident = chosen == filter::kRead || chosen == filter::kWrite
                                  ? targets[(bits >> 4) % 3]
                                  : (bits >> 4) % 4;
      const auto flags = static_cast<uint16_t>((bits >> 8) & 0xff);
      const uint32_t fflags = chosen == filter::kUser && (bits >> 20) % 2 != 0 ? note::kTrigger : 0;
      const int kq = (bits >> 24) % 4 == 0 ? inner : kq_;
      if (kq == inner && ident == targets[2] && chosen != filter::kUser) continue;
      const intptr_t data = chosen == filter::kTimer ? 1 : 0;
      const Outcome outcome = call(kq, {ev(ident, chosen, flags, fflags, data, tag(bits))},
                                   static_cast<int>((bits >> 28) % 5));
      if (outcome.count < 0) ++refused;
      delivered += static_cast<long>(outcome.entries.size());
    }
  });
  EXPECT_GT(refused, 0);
  EXPECT_GT(delivered, 0);
  // And it still works.
  ASSERT_EQ(submit(kq_, {ev(999, filter::kUser, flag::kAdd), trigger(999)}), 0);
  EXPECT_THAT(idents(poll_events(kq_)), ::testing::Contains(uintptr_t{999}));
}

}  // namespace
}  // namespace kqtorture
