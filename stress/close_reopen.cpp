// close() and dup2() of a watched descriptor: does the number start anew? (I2)
//
// Closers lead descriptor numbers from life to life while workers deliver: open, EV_ADD with a
// udata that names the life, close or replace by dup2, open again, often the same number at once.
// Some lives keep their file alive through a duplicate, which is where emulations forget the knote.
// The rules: a call that began after the close had ended returns nothing of the old life; the new
// owner of the number finds no knote there; a life whose object was never written to never fires.
// In a second race others add knotes to numbers at the very moment they are closed: EBADF or
// success, but a knote added before a close is gone after it.
#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "kqueue_race.h"
#include "lane_chart.h"
#include "sanitizer.h"

namespace kqtorture {
namespace {

// Bounds the memory of a round.
constexpr size_t kLivesPerLane = 8192;

class ReopeningRace : public KqueueRace {
 public:
  explicit ReopeningRace(bool adds_race) : adds_race_(adds_race), workers_((threads() + 1) / 2) {
    for (int i = 0; i < closers(); ++i) {
      rows_.push_back(std::make_unique<Row>());
      rows_.back()->lives = std::make_unique<Life[]>(kLivesPerLane);
      rows_.back()->slots.resize(
          static_cast<size_t>(std::max(1, settings().objects / std::max(1, closers()))));
    }
    seen_.assign(static_cast<size_t>(workers_),
                 std::vector<uint64_t>(rows_.size() * kLivesPerLane));
  }

  bool waits(int thread) const override { return thread < workers_; }

  bool renews_keys() const override { return true; }

  void thread(Lane& self) override {
    if (waits(self.index())) return serve(self);
    Row& row = *rows_[static_cast<size_t>(self.index() - workers_)];
    while (!self.stopping() && !self.guilty() && row.count < kLivesPerLane) {
      if (adds_race_ && self.random().chance(1, 3)) {
        add_to_a_stranger(self, &row);
      } else if (!lead(self, &row, &self.random().element(row.slots))) {
        break;
      }
    }
    for (Slot& slot : row.slots) {
      if (slot.read_end >= 0) end_life(self, &row, &slot);
      if (slot.duplicate >= 0) close_plain(self, &row, &slot.duplicate);
    }
  }

  void deliver(Lane& self, const Call& call, const Kevent& event,
               std::vector<Kevent>* pending) override {
    const Token token(event);
    Life* life = life_of(self, token);
    if (!life || life->number != static_cast<int>(event.ident)) {
      accuse(self, "wrong-udata", "I12",
             "a delivery carries a udata that no change has given its knote", event);
      return;
    }
    delivered(life, opaque());
    if (life->idle) {
      accuse(self, "stale-generation", "I2",
             "a knote fired whose object was never ready: an event of the number's former owner",
             event);
      return;
    }
    uint64_t& latest = seen_[static_cast<size_t>(self.index())][index_of(token)];
    latest = std::max(latest, call.begin);
    if (event.flags & flag::kDispatch) {
      // Without writing udata: the number may have a new owner by now.
      pending->push_back(
          make_change(event.ident, event.filter, flag::kEnable | flag::kKeepUdata, nullptr));
    }
    self.jitter();
  }

  bool asked_for(const Kevent& entry) override {
    return entry.data == ENOENT || entry.data == EBADF;  // the handler came after the close
  }

  void judge(Lane& self) override {
    Kevent events[8];
    const timespec poll{0, 0};
    const Call call = self.kevent(kq(), nullptr, 0, events, 8, &poll);
    if (call.result > 0) {
      accuse(self, "after-delete", "I2",
             "every watched descriptor is closed, yet a poll of the kqueue returns an event",
             events[0]);
    }
  }

  void verify(Lane& self, const std::vector<const Lane*>&) override;

  Tallies tallies() const override {
    return {{"lives", lives_}, {"lives that fired", fired_}, {"closes", closes_}};
  }

 private:
  // One EV_ADD of a number.
  struct Life {
    // Plain: written before the EV_ADD, read by whom it is delivered to.
    int number = -1;
    bool idle = false;
    // Plain: written after it, read when all threads have ended.
    uint64_t added_begin = 0, added_end = 0;
    bool refused = false;
  };
  struct Close {
    uint64_t begin, end;
  };
  struct Slot {
    int read_end = -1, write_end = -1;
    int duplicate = -1;  // keeps the file of the former life open
    std::atomic<int> number{-1};
    Slot() = default;
    Slot(const Slot&) {}
  };
  struct Row {
    std::unique_ptr<Life[]> lives;
    size_t count = 0;
    std::vector<Slot> slots;
    std::map<int, std::vector<Close>> closes;
  };

  int closers() const { return threads() - workers_; }

  Life* life_of(Lane& self, const Token& token) {
    if (token.round() != (self.round() & 0xffff) || token.lane() < workers_ ||
        token.lane() >= threads() || token.serial() == 0 || token.serial() > kLivesPerLane) {
      return nullptr;
    }
    return &rows_[static_cast<size_t>(token.lane() - workers_)]->lives[token.serial() - 1];
  }
  size_t index_of(const Token& token) const {
    return static_cast<size_t>(token.lane() - workers_) * kLivesPerLane + token.serial() - 1;
  }

  // Opens descriptors while others use, or are about to be told of, the numbers they will get.
  void open_pipe(Lane& self, int ends[2]) {
    const auto& calls = subject().calls();
    const uint64_t begin = now_ns();
    int failed = 0;
    {
      const IgnoreDescriptorWrites ignore(subject(), calls.pipe2);
      failed = calls.pipe2(ends, O_NONBLOCK | O_CLOEXEC);
    }
    if (failed) ends[0] = ends[1] = -1;
    self.log_call(Deed::kOpen, static_cast<uintptr_t>(ends[0]), begin, failed);
  }

  void record(Lane& self, Row* row, int number, uint64_t begin, int result) {
    row->closes[number].push_back({begin, now_ns()});
    self.log_call(Deed::kClose, static_cast<uintptr_t>(number), begin, result);
  }

  void close_plain(Lane& self, Row* row, int* fd) {
    const int number = *fd;
    *fd = -1;
    const uint64_t begin = now_ns();
    int result = 0;
    {
      const IgnoreDescriptorWrites ignore(subject(), subject().calls().close);
      result = subject().close(number);
    }
    record(self, row, number, begin, result);
  }

  // The slot's number ends its life; the reading end goes first, so that no EOF comes before.
  void end_life(Lane& self, Row* row, Slot* slot) {
    close_plain(self, row, &slot->read_end);
    close_plain(self, row, &slot->write_end);
  }

  // The slot's number gets another file without ever being free.
  bool replace(Lane& self, Row* row, Slot* slot) {
    int ends[2];
    open_pipe(self, ends);
    if (ends[0] < 0) return false;
    const uint64_t begin = now_ns();
    int result = 0;
    {
      const IgnoreDescriptorWrites ignore(subject(), subject().calls().dup2);
      result = subject().calls().dup2(ends[0], slot->read_end);
    }
    record(self, row, slot->read_end, begin, result);
    close_plain(self, row, &ends[0]);
    close_plain(self, row, &slot->write_end);
    slot->write_end = ends[1];
    return true;
  }

  bool lead(Lane& self, Row* row, Slot* slot) {
    Random& random = self.random();
    if (slot->read_end >= 0) {
      if (slot->duplicate < 0 && random.chance(1, 3)) {
        slot->duplicate = subject().calls().dup(slot->read_end);
      } else if (slot->duplicate >= 0 && random.chance(1, 2)) {
        close_plain(self, row, &slot->duplicate);
      }
      if (random.chance(1, 3)) {
        if (!replace(self, row, slot)) return false;
      } else {
        end_life(self, row, slot);
      }
    }
    if (slot->read_end < 0) {
      int ends[2];
      open_pipe(self, ends);
      if (ends[0] < 0) return false;
      slot->read_end = ends[0];
      slot->write_end = ends[1];
    }
    slot->number.store(slot->read_end, std::memory_order_relaxed);
    return begin_life(self, row, slot);
  }

  bool begin_life(Lane& self, Row* row, Slot* slot) {
    Random& random = self.random();
    const auto ident = static_cast<uintptr_t>(slot->read_end);
    if (!adds_race_ && random.chance(1, 2)) {
      const Kevent probe = make_change(
          ident, filter::kRead, random.pick<uint16_t>({0, flag::kEnable, flag::kDelete}), nullptr);
      const int error = self.change(kq(), probe);
      if (error != ENOENT) {
        return accuse(self, "after-delete", "I2",
                      "a knote of a closed descriptor is still there for the number's new owner",
                      probe, {"expected ENOENT, got errno " + std::to_string(error)});
      }
    }
    const bool idle = random.chance(1, 3);
    if (!idle && random.chance(1, 2)) fill(self, *slot);
    const uint16_t flags =
        random.pick<uint16_t>({0, 0, flag::kClear, flag::kOneshot,
                               static_cast<uint16_t>(traits().keep_udata ? flag::kDispatch : 0)});
    const int error = add(self, row, slot->read_end, idle, flags);
    if (error) {
      return accuse(self, "wrong-errno", "1.3", "EV_ADD of an open descriptor was refused",
                    make_change(ident, filter::kRead, flag::kAdd | flags, nullptr),
                    {"errno: " + std::to_string(error)});
    }
    if (!idle) fill(self, *slot);
    // Half of the lives are over at once, the others give a worker time to deliver.
    if (random.chance(1, 2)) std::this_thread::yield();
    for (size_t i = random.below(8); i > 0; --i) self.jitter();
    return true;
  }

  void fill(Lane& self, const Slot& slot) {
    const uint64_t begin = now_ns();
    static_cast<void>(!subject().write(slot.write_end, "x", 1));
    self.log_call(Deed::kWrite, static_cast<uintptr_t>(slot.read_end), begin, 1);
  }

  int add(Lane& self, Row* row, int number, bool idle, uint16_t flags) {
    Life& life = row->lives[row->count++];
    life.number = number;
    life.idle = idle;
    armed(&life, opaque());
    Call call;
    const int error =
        self.change(kq(),
                    make_change(static_cast<uintptr_t>(number), filter::kRead, flag::kAdd | flags,
                                Token(self.round(), self.index(), row->count).udata()),
                    &call);
    life.added_begin = call.begin;
    life.added_end = call.end;
    life.refused = error != 0;
    return error;
  }

  void add_to_a_stranger(Lane& self, Row* row) {
    const Row& other = *rows_[self.random().below(rows_.size())];
    const Slot& slot = other.slots[self.random().below(other.slots.size())];
    const int number = slot.number.load(std::memory_order_relaxed);
    if (number < 0) return;
    const int error = add(self, row, number, false, 0);
    if (error && error != EBADF) {
      accuse(self, "wrong-errno", "1.3", "EV_ADD racing close() returned neither success nor EBADF",
             make_change(static_cast<uintptr_t>(number), filter::kRead, flag::kAdd, nullptr),
             {"errno: " + std::to_string(error)});
    }
  }

  const bool adds_race_;
  const int workers_;
  std::vector<std::unique_ptr<Row>> rows_;  // one per closer
  // When the latest call that returned an event of a life began, per worker.
  std::vector<std::vector<uint64_t>> seen_;
  uint64_t lives_ = 0, fired_ = 0, closes_ = 0;
};

void ReopeningRace::verify(Lane& self, const std::vector<const Lane*>&) {
  std::map<int, std::vector<Close>> closes;
  for (const auto& row : rows_) {
    for (const auto& [number, list] : row->closes) {
      closes[number].insert(closes[number].end(), list.begin(), list.end());
      closes_ += list.size();
    }
  }
  for (auto& [number, list] : closes) {
    std::sort(list.begin(), list.end(),
              [](const Close& a, const Close& b) { return a.begin < b.begin; });
  }
  for (size_t r = 0; r < rows_.size(); ++r) {
    for (size_t i = 0; i < rows_[r]->count; ++i) {
      const Life& life = rows_[r]->lives[i];
      uint64_t seen = 0;
      for (const auto& worker : seen_) seen = std::max(seen, worker[r * kLivesPerLane + i]);
      ++lives_;
      if (!seen) continue;
      ++fired_;
      const Kevent about =
          make_change(static_cast<uintptr_t>(life.number), filter::kRead, 0,
                      Token(self.round(), static_cast<int>(r) + workers_, i + 1).udata());
      if (life.refused) {
        accuse(self, "phantom", "I18", "a knote fired whose EV_ADD was refused", about);
        return;
      }
      // The first close that began after the EV_ADD had ended took the knote away for good.
      uint64_t gone = UINT64_MAX;
      const auto& list = closes[life.number];
      for (auto close =
               std::upper_bound(list.begin(), list.end(), life.added_end,
                                [](uint64_t time, const Close&c) { return time < c.begin; });
           close != list.end(); ++close) {
        gone = std::min(gone, close->end);
        if (close->begin > gone) break;
      }
      if (seen > gone) {
        accuse(self, "stale-generation", "I2",
               "a call that began after close() had returned delivered an event of the closed "
               "descriptor",
               about,
               {"the call began " + std::to_string(seen - gone) + " ns after the close had ended"});
        return;
      }
    }
  }
}

class CloseReopen : public testing::Test {
 protected:
  void SetUp() override {
    if (!environment().traits.close_removes_knotes) {
      GTEST_SKIP() << "the profile says that close() leaves knotes behind";
    }
  }
};

TEST_F(CloseReopen, NewOwnerOfANumberInheritsNothing) {
  run_race(current_case(), [] { return std::make_unique<ReopeningRace>(false); });
}

TEST_F(CloseReopen, KnoteAddedWhileItsNumberIsClosedDoesNotOutliveTheClose) {
  run_race(current_case(), [] { return std::make_unique<ReopeningRace>(true); });
}

}  // namespace
}  // namespace kqtorture
