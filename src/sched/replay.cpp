// Answers that were given before, or that somebody else invents.
#include "sched/strategies.h"

namespace kqtorture::sched {
namespace {

// Whom a thread that yields makes way for: in turn, or two that spin would wait for each other.
size_t after(const Choice& choice) { return (choice.current + 1) % choice.candidates.size(); }

class Recorded : public Replay {
 public:
  explicit Recorded(std::vector<uint8_t> decisions) : decisions_(std::move(decisions)) {}
  std::string name() const override { return "replay"; }

  void begin(uint64_t) override {
    at_ = 0;
    misfit_ = false;
    yielded_ = false;
  }

  size_t choose(const Choice& choice) override {
    size_t stay = choice.current == kNobody ? 0 : choice.current;
    if (yielded_ && choice.current != kNobody) stay = after(choice);
    yielded_ = false;
    return at_ == decisions_.size() ? stay : next(choice.candidates.size(), stay);
  }

  size_t pick(size_t count) override { return at_ == decisions_.size() ? 0 : next(count, 0); }
  void yielded(uint32_t) override { yielded_ = true; }
  void end(uint64_t, uint32_t) override {
    if (at_ < decisions_.size()) misfit_ = true;
  }
  bool misfit() const override { return misfit_; }

 private:
  size_t next(size_t count, size_t otherwise) {
    const size_t answer = decisions_[at_++];
    if (answer < count) return answer;
    misfit_ = true;
    return otherwise;
  }

  const std::vector<uint8_t> decisions_;
  size_t at_ = 0;
  bool misfit_ = false;
  bool yielded_ = false;
};

class Bytes : public Strategy {
 public:
  explicit Bytes(std::span<const uint8_t> bytes) : bytes_(bytes) {}
  std::string name() const override { return "bytes"; }
  void begin(uint64_t) override {
    at_ = 0;
    yielded_ = false;
  }

  size_t choose(const Choice& choice) override {
    const uint8_t byte = next();
    const size_t count = choice.candidates.size();
    const bool yields = yielded_;
    yielded_ = false;
    if (choice.current == kNobody) return byte % count;
    if (byte < 128) return yields ? after(choice) : choice.current;
    const size_t other = byte % (count - 1);
    return other < choice.current ? other : other + 1;
  }

  size_t pick(size_t count) override { return next() % count; }
  // Zeros for ever would let a thread spin for ever.
  void yielded(uint32_t) override { yielded_ = true; }

 private:
  uint8_t next() { return at_ < bytes_.size() ? bytes_[at_++] : 0; }

  const std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool yielded_ = false;
};

}  // namespace

std::unique_ptr<Replay> make_replay(std::vector<uint8_t> decisions) {
  return std::make_unique<Recorded>(std::move(decisions));
}

std::unique_ptr<Strategy> make_bytes(std::span<const uint8_t> bytes) {
  return std::make_unique<Bytes>(bytes);
}

}  // namespace kqtorture::sched
