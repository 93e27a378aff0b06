// What is written is read again, and nothing else is.
#include "contract/checker/history_file.h"

#include <gtest/gtest.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "scenario/random.h"
#include "simulator.h"

namespace kqtorture::contract::testing {
namespace {

History some_history(uint64_t seed) {
  SimulatorOptions options;
  options.calls = 200;
  options.pipes = 2;
  History history = Simulator(options, seed).run();
  history.ns_per_tick = 0.37;
  history.threads[1].truncated = UINT64_MAX - 5;
  return history;
}

void expect_equal(const History& a, const History& b) {
  ASSERT_EQ(a.threads.size(), b.threads.size());
  EXPECT_EQ(a.ns_per_tick, b.ns_per_tick);
  for (size_t t = 0; t < a.threads.size(); ++t) {
    const History::Thread& one = a.threads[t];
    const History::Thread& other = b.threads[t];
    EXPECT_EQ(one.truncated, other.truncated);
    ASSERT_EQ(one.ops.size(), other.ops.size());
    ASSERT_EQ(one.events, other.events);
    for (size_t i = 0; i < one.ops.size(); ++i) {
      EXPECT_EQ(std::memcmp(&one.ops[i], &other.ops[i], sizeof(HistoryOp)), 0) << t << " " << i;
    }
  }
}

TEST(HistoryFile, RoundTrips) {
  for (uint64_t seed = 1; seed <= 50; ++seed) {
    const History history = some_history(seed);
    const std::vector<uint8_t> bytes = to_bytes(history.view());
    std::string error;
    const std::optional<History> read = history_from_bytes(bytes, &error);
    ASSERT_TRUE(read) << error;
    expect_equal(history, *read);
    if (seed == 1) {
      std::printf("%zu calls, %zu bytes\n", static_cast<size_t>(operations(history.view())),
                  bytes.size());
    }
  }
}

TEST(HistoryFile, RoundTripsThroughADisk) {
  const std::string path = ::testing::TempDir() + "/round-trip.kqhist";
  const History history = some_history(7);
  std::string error;
  ASSERT_TRUE(write_history(history.view(), path, &error)) << error;
  const std::optional<History> read = read_history(path, &error);
  ASSERT_TRUE(read) << error;
  expect_equal(history, *read);
  std::remove(path.c_str());
}

TEST(HistoryFile, SaysWhyItCannotReadOrWrite) {
  std::string error;
  EXPECT_FALSE(read_history("/nonexistent/history", &error));
  EXPECT_NE(error.find("/nonexistent/history"), std::string::npos);
  EXPECT_FALSE(write_history(some_history(1).view(), "/nonexistent/history", &error));
  EXPECT_NE(error.find("cannot write"), std::string::npos);
}

TEST(HistoryFile, RefusesWhatIsCutShort) {
  const std::vector<uint8_t> bytes = to_bytes(some_history(3).view());
  for (size_t size = 0; size < bytes.size(); ++size) {
    std::string error;
    EXPECT_FALSE(history_from_bytes({bytes.data(), size}, &error)) << size;
    EXPECT_FALSE(error.empty());
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

TEST(HistoryFile, RefusesWhatFollowsIt) {
  std::vector<uint8_t> bytes = to_bytes(some_history(3).view());
  bytes.push_back(0);
  std::string error;
  EXPECT_FALSE(history_from_bytes(bytes, &error));
  EXPECT_NE(error.find("1 bytes"), std::string::npos);
}

TEST(HistoryFile, GarbledBytesAreRefusedOrWellFormed) {
  Random random(1);
  const std::vector<uint8_t> good = to_bytes(some_history(5).view());
  size_t refused = 0;
  for (int round = 0; round < 20000; ++round) {
    std::vector<uint8_t> bytes = good;
    for (size_t i = 1 + random.below(4); i > 0; --i) {
      bytes[random.below(bytes.size())] = static_cast<uint8_t>(random.next());
    }
    std::string error;
    const std::optional<History> read = history_from_bytes(bytes, &error);
    if (read) {
      EXPECT_EQ(malformed(read->view()), "");
    } else {
      EXPECT_FALSE(error.empty());
      ++refused;
    }
  }
  EXPECT_GT(refused, 5000u);
}

TEST(HistoryFile, HostileCountsCostNothing) {
  // A count of threads, of calls, of changes or of events that the file cannot hold. Before the
  // first there are the magic word and the nine bytes of 1.0; a call has twelve bytes before its
  // counts.
  for (const uint64_t count : {uint64_t{4097}, uint64_t{1} << 40, ~uint64_t{0}}) {
    for (const size_t at : {17u, 18u, 31u, 32u}) {
      History history;
      history.threads.resize(1);
      history.threads[0].add(HistoryOp{.begin = 1, .end = 2});
      std::vector<uint8_t> bytes = to_bytes(history.view());
      std::vector<uint8_t> number;
      for (uint64_t rest = count;; rest >>= 7) {
        number.push_back(static_cast<uint8_t>(rest < 0x80 ? rest : rest | 0x80));
        if (rest < 0x80) break;
      }
      ASSERT_EQ(bytes.size(), 33u);
      bytes.erase(bytes.begin() + static_cast<std::ptrdiff_t>(at));
      bytes.insert(bytes.begin() + static_cast<std::ptrdiff_t>(at), number.begin(), number.end());
      std::string error;
      EXPECT_FALSE(history_from_bytes(bytes, &error)) << count << " at " << at;
    }
  }
}

TEST(Malformed, SaysWhatIsWrong) {
  History history;
  history.threads.resize(1);
  std::vector<HistoryOp>& ops = history.threads[0].ops;
  const auto problem = [&] { return malformed(history.view()); };
  ops = {HistoryOp{.begin = 5, .end = 4}};
  EXPECT_NE(problem().find("ends before it begins"), std::string::npos);
  ops = {HistoryOp{.begin = 1, .end = 4}, HistoryOp{.begin = 3, .end = 5}};
  EXPECT_NE(problem().find("before the one before it has ended"), std::string::npos);
  ops = {HistoryOp{.begin = 1}, HistoryOp{.begin = 3, .end = 5}};
  EXPECT_NE(problem().find("before the one before it has ended"), std::string::npos);
  ops = {HistoryOp{.begin = 1, .end = 2, .value = 1, .nevents = 4}};
  EXPECT_NE(problem().find("not as long"), std::string::npos);
  ops = {HistoryOp{.begin = 1, .end = 2, .first = 1}};
  EXPECT_NE(problem().find("outside"), std::string::npos);
  ops = {HistoryOp{.begin = 1, .end = 2, .kind = static_cast<OpKind>(200)}};
  EXPECT_NE(problem().find("unknown kind"), std::string::npos);
  ops = {HistoryOp{.begin = 1, .end = 2, .timeout = Timeout::kForever, .quiescent = true}};
  EXPECT_NE(problem().find("probe"), std::string::npos);
  ops = {HistoryOp{.begin = 1, .end = 2}};
  history.threads[0].truncated = 0;
  EXPECT_NE(problem().find("after the end of the log"), std::string::npos);
  history.threads[0].truncated = kUnreturned;
  EXPECT_EQ(problem(), "");
}

}  // namespace
}  // namespace kqtorture::contract::testing
