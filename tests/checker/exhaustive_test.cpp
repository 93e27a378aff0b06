// The checker against the enumerator on all small histories up to a bound, not a sample of them.
//
// After a prefix that creates one knote (and makes it fire, or not), calls of an alphabet of calls
// with their outcomes, in each way in which their intervals can lie: two calls of the alphabet and
// three of a smaller one or, with KQ_EFFORT=100, three of the alphabet (15 ways) and four of the
// smaller one (105 ways); with less than 10, one call less. The bound is printed.
#include <gtest/gtest.h>

#include <cerrno>
#include <cstdio>

#include "brute_force.h"
#include "contract/checker/checker.h"
#include "effort.h"

namespace kqtorture::contract::testing {
namespace {

constexpr int kQueue = 3, kReader = 10, kWriter = 11, kOtherReader = 12, kOtherWriter = 13;

struct Symbol {
  HistoryOp op;
  std::vector<Event> changes, seen;
};

Event event(int16_t number, uint16_t flags, uint64_t udata, uint32_t fflags = 0) {
  Event made;
  made.ident = number == filter::kRead ? kReader : 0;
  made.filter = number;
  made.flags = flags;
  made.fflags = fflags;
  made.udata = udata;
  return made;
}

Symbol change(int16_t number, uint16_t flags, uint64_t udata, int error = 0, uint32_t fflags = 0) {
  Symbol symbol;
  symbol.op.fd = kQueue;
  symbol.op.nchanges = 1;
  symbol.op.value = error == 0 ? 0 : -1;
  symbol.op.error = error;
  symbol.changes = {event(number, flags, udata, fflags)};
  return symbol;
}

Symbol poll(std::vector<Event> seen) {
  Symbol symbol;
  symbol.op.fd = kQueue;
  symbol.op.nevents = 1;
  symbol.op.value = static_cast<int64_t>(seen.size());
  symbol.seen = std::move(seen);
  return symbol;
}

Symbol faulting_poll() {
  Symbol symbol = poll({});
  symbol.op.value = -1;
  symbol.op.error = EFAULT;
  return symbol;
}

Symbol object_call(OpKind kind, int fd, int64_t amount, int64_t value, int error = 0) {
  Symbol symbol;
  symbol.op.kind = kind;
  symbol.op.fd = fd;
  symbol.op.amount = amount;
  symbol.op.value = value;
  symbol.op.error = error;
  return symbol;
}

Symbol pipe_call() {
  Symbol symbol = object_call(OpKind::kPipe, kReader, 0, 0);
  symbol.op.fd2 = kWriter;
  return symbol;
}

constexpr uint16_t kFinal = flag::kOneshot | flag::kForceOneshot;
constexpr uint16_t kKinds[] = {0, flag::kOneshot, flag::kClear, flag::kDispatch,
                               flag::kDispatch | flag::kClear};

std::vector<Symbol> user_alphabet(uint16_t kind) {
  constexpr int16_t kUser = filter::kUser;
  return {change(kUser, flag::kAdd, 2),
          change(kUser, flag::kDelete, 1),
          change(kUser, flag::kDelete, 1, ENOENT),
          change(kUser, flag::kEnable, 1),
          change(kUser, flag::kEnable, 1, ENOENT),
          change(kUser, flag::kDisable, 1),
          change(kUser, 0, 1, 0, note::kTrigger),
          change(kUser, flag::kForceOneshot, 1),
          change(kUser, flag::kForceOneshot | flag::kEnable, 1),
          poll({}),
          faulting_poll(),
          poll({event(kUser, kind, 1)}),
          poll({event(kUser, kind, 2)}),
          poll({event(kUser, kind | kFinal, 1)})};
}

std::vector<Symbol> small_user_alphabet(uint16_t kind) {
  constexpr int16_t kUser = filter::kUser;
  return {change(kUser, flag::kAdd, 2),          change(kUser, flag::kDelete, 1),
          change(kUser, flag::kEnable, 1),       change(kUser, 0, 1, 0, note::kTrigger),
          change(kUser, flag::kForceOneshot, 1), poll({event(kUser, kind, 1)}),
          poll({event(kUser, kind | kFinal, 1)})};
}

std::vector<Symbol> small_pipe_alphabet(uint16_t kind) {
  constexpr int16_t kRead = filter::kRead;
  return {change(kRead, flag::kAdd, 2),
          change(kRead, flag::kEnable, 1),
          change(kRead, flag::kEnable, 1, ENOENT),
          object_call(OpKind::kWrite, kWriter, 1, 1),
          object_call(OpKind::kClose, kReader, 0, 0),
          object_call(OpKind::kClose, kWriter, 0, 0),
          poll({event(kRead, kind, 1)}),
          poll({event(kRead, kind | flag::kEof, 1)})};
}

// A second pipe, at first with nothing in it, is put under the number of the first.
std::vector<Symbol> dup2_alphabet(uint16_t kind) {
  constexpr int16_t kRead = filter::kRead;
  Symbol replaces = object_call(OpKind::kDup2, kOtherReader, 0, kReader);
  replaces.op.fd2 = kReader;
  return {replaces,
          change(kRead, flag::kAdd, 2),
          change(kRead, flag::kEnable, 1),
          change(kRead, flag::kEnable, 1, ENOENT),
          change(kRead, flag::kEnable, 1, EBADF),
          object_call(OpKind::kRead, kReader, 1, 1),
          object_call(OpKind::kRead, kReader, 1, -1, EAGAIN),
          object_call(OpKind::kClose, kReader, 0, 0),
          poll({}),
          poll({event(kRead, kind, 1)}),
          poll({event(kRead, kind, 2)})};
}

std::vector<Symbol> pipe_alphabet(uint16_t kind) {
  constexpr int16_t kRead = filter::kRead;
  return {change(kRead, flag::kAdd, 2),
          change(kRead, flag::kAdd, 2, EBADF),
          change(kRead, flag::kDelete, 1),
          change(kRead, flag::kEnable, 1),
          change(kRead, flag::kForceOneshot, 1),
          object_call(OpKind::kWrite, kWriter, 1, 1),
          object_call(OpKind::kRead, kReader, 1, 1),
          object_call(OpKind::kRead, kReader, 1, -1, EAGAIN),
          object_call(OpKind::kRead, kReader, 1, 0),
          object_call(OpKind::kClose, kReader, 0, 0),
          object_call(OpKind::kClose, kWriter, 0, 0),
          pipe_call(),
          poll({}),
          poll({event(kRead, kind, 1)}),
          poll({event(kRead, kind | flag::kEof, 1)}),
          poll({event(kRead, kind | kFinal, 1)})};
}

// All ways in which `count` intervals can lie, begins in order: each as the 2 * count times.
void lay_out(size_t count, size_t begun, std::vector<size_t>* open, std::vector<uint64_t>* times,
             uint64_t now, std::vector<std::vector<uint64_t>>* all) {
  if (begun == count && open->empty()) {
    all->push_back(*times);
    return;
  }
  if (begun < count) {
    (*times)[2 * begun] = now;
    open->push_back(begun);
    lay_out(count, begun + 1, open, times, now + 1, all);
    open->pop_back();
  }
  for (size_t i = 0; i < open->size(); ++i) {
    std::vector<size_t> rest = *open;
    const size_t ended = rest[i];
    rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
    (*times)[2 * ended + 1] = now;
    lay_out(count, begun, &rest, times, now + 1, all);
  }
}

class Exhaustive {
 public:
  Exhaustive(std::vector<Symbol> prefix, std::vector<Symbol> alphabet, size_t calls, bool late)
      : prefix_(std::move(prefix)), alphabet_(std::move(alphabet)), calls_(calls), late_(late) {
    std::vector<size_t> open;
    std::vector<uint64_t> times(2 * calls);
    lay_out(calls, 0, &open, &times, 0, &layouts_);
  }

  bool run() {
    std::vector<size_t> word(calls_);
    do {
      for (const std::vector<uint64_t>& times : layouts_) {
        if (!compare(word, times)) return false;
      }
    } while (next(&word));
    return true;
  }

  static uint64_t histories, explainable;

 private:
  bool next(std::vector<size_t>* word) const {
    for (size_t i = 0; i < word->size(); ++i) {
      if (++(*word)[i] < alphabet_.size()) return true;
      (*word)[i] = 0;
    }
    return false;
  }

  void add(const Symbol& symbol, size_t thread, uint64_t begin, uint64_t end) {
    HistoryOp op = symbol.op;
    op.begin = begin;
    op.end = end;
    history_.threads[thread].add(op, symbol.changes, symbol.seen);
  }

  bool compare(const std::vector<size_t>& word, const std::vector<uint64_t>& times) {
    history_.threads.resize(calls_ + 1);
    for (History::Thread& thread : history_.threads) {
      thread.ops.clear();
      thread.events.clear();
    }
    uint64_t now = 1;
    for (const Symbol& symbol : prefix_) {
      add(symbol, 0, now, now + 1);
      now += 2;
    }
    for (size_t i = 0; i < calls_; ++i) {
      add(alphabet_[word[i]], i + 1, now + times[2 * i], now + times[2 * i + 1]);
    }
    const HistoryView view = history_.view();
    const BruteForce truth = brute_force(view, late_);
    const CheckReport report = check_history(view, *find_profile("strict-2006"),
                                             *find_host(late_ ? "linux" : "linux-at-once"));
    ++histories;
    explainable += truth.explainable ? 1 : 0;
    const bool objects =
        report.undecided[static_cast<size_t>(Undecided::kObjectOrder)] != 0 && !report.violation;
    const bool refused = report.violation.has_value() || objects;
    if (!truth.too_large && refused != truth.explainable) return true;
    std::string text;
    for (const ThreadLog& log : view.threads) {
      for (const HistoryOp& op : log.ops) {
        text += "[" + std::to_string(op.begin) + ", " + std::to_string(op.end) + "] " +
                to_text(log, op) + "\n";
      }
    }
    ADD_FAILURE() << "enumerator: " << (truth.explainable ? "explainable" : "not explainable")
                  << ", checker: " << to_text(report) << "\n"
                  << text;
    return false;
  }

  const std::vector<Symbol> prefix_, alphabet_;
  const size_t calls_;
  const bool late_;
  std::vector<std::vector<uint64_t>> layouts_;
  History history_;
};
uint64_t Exhaustive::histories = 0;
uint64_t Exhaustive::explainable = 0;

Symbol queue_call() { return object_call(OpKind::kKqueue, -1, 0, kQueue); }

// A sanitizer, under which efforts are small, takes ten times the time; another call takes thirty.
size_t at_most(size_t calls) { return effort() < 10 ? calls - 1 : calls; }
size_t large_or(size_t small) { return effort() < 100 ? at_most(small) : small + 1; }

void report(size_t calls, size_t symbols, size_t prefixes) {
  std::printf(
      "%zu calls of %zu, all layouts, %zu prefixes: %llu histories, %llu explainable, "
      "no disagreement\n",
      calls, symbols, prefixes, static_cast<unsigned long long>(Exhaustive::histories),
      static_cast<unsigned long long>(Exhaustive::explainable));
  EXPECT_GT(Exhaustive::explainable, Exhaustive::histories / 1000);
  EXPECT_LT(Exhaustive::explainable, Exhaustive::histories);
  Exhaustive::histories = Exhaustive::explainable = 0;
}

TEST(Exhaustive, TheWholeAlphabetOnAUserKnote) {
  const size_t calls = large_or(2);
  for (const uint16_t kind : kKinds) {
    for (const bool triggered : {false, true}) {
      std::vector<Symbol> prefix = {queue_call(), change(filter::kUser, flag::kAdd | kind, 1)};
      if (triggered) prefix.push_back(change(filter::kUser, 0, 1, 0, note::kTrigger));
      ASSERT_TRUE(Exhaustive(prefix, user_alphabet(kind), calls, false).run());
    }
  }
  report(calls, user_alphabet(0).size(), 10);
}

TEST(Exhaustive, MoreCallsOnATriggeredUserKnote) {
  const size_t calls = large_or(3);
  for (const uint16_t kind : kKinds) {
    const std::vector<Symbol> prefix = {queue_call(), change(filter::kUser, flag::kAdd | kind, 1),
                                        change(filter::kUser, 0, 1, 0, note::kTrigger)};
    ASSERT_TRUE(Exhaustive(prefix, small_user_alphabet(kind), calls, false).run());
  }
  report(calls, small_user_alphabet(0).size(), 5);
}

using Alphabet = std::vector<Symbol> (*)(uint16_t kind);

void calls_on_a_pipe(Alphabet alphabet, size_t calls, bool late) {
  for (const uint16_t kind : kKinds) {
    for (const bool written : {false, true}) {
      std::vector<Symbol> prefix = {queue_call(), pipe_call(),
                                    change(filter::kRead, flag::kAdd | kind, 1)};
      if (written) prefix.push_back(object_call(OpKind::kWrite, kWriter, 1, 1));
      ASSERT_TRUE(Exhaustive(prefix, alphabet(kind), calls, late).run());
    }
  }
  report(calls, alphabet(0).size(), 10);
}

TEST(Exhaustive, TheWholeAlphabetOnAPipe) { calls_on_a_pipe(pipe_alphabet, large_or(2), false); }
TEST(Exhaustive, TheWholeAlphabetOnAPipeWhoseActivityIsNoticedLate) {
  calls_on_a_pipe(pipe_alphabet, large_or(2), true);
}
TEST(Exhaustive, MoreCallsOnAPipe) { calls_on_a_pipe(small_pipe_alphabet, at_most(3), false); }
TEST(Exhaustive, MoreCallsOnAPipeWhoseActivityIsNoticedLate) {
  calls_on_a_pipe(small_pipe_alphabet, at_most(3), true);
}

TEST(Exhaustive, MoreCallsAroundADup2OverAWatchedNumber) {
  Symbol other = pipe_call();
  other.op.fd = kOtherReader;
  other.op.fd2 = kOtherWriter;
  for (const bool written : {false, true}) {
    for (const uint16_t kind : {uint16_t{0}, uint16_t{flag::kDispatch}}) {
      std::vector<Symbol> prefix = {queue_call(), pipe_call(), other,
                                    change(filter::kRead, flag::kAdd | kind, 1)};
      if (written) prefix.push_back(object_call(OpKind::kWrite, kWriter, 1, 1));
      ASSERT_TRUE(Exhaustive(prefix, dup2_alphabet(kind), at_most(3), false).run());
    }
  }
  report(at_most(3), dup2_alphabet(0).size(), 4);
}

}  // namespace
}  // namespace kqtorture::contract::testing
