// Is there still an order that explains one component of objects?
//
// Calls are told to the component in the order of time: when one begins its points become
// available, when it ends they must have been placed. Between two ends nothing is decided: a point
// is placed only when an end asks for it (Wing and Gong's search, taken one end at a time, with
// Lowe's memoisation), so the ways that are kept are few and their number does not grow with the
// length of the history. Calls that overlap nothing are placed without a search.
//
// Three observations keep the search small, and none gives up an explanation:
//   - a point that changes nothing (a level event, a refused change) is placed at the first instant
//     at which it fits: whoever could do with it later can do with it earlier;
//   - of two calls that do the same, the one that ends first goes first;
//   - a way that another one can still come to by placing one more point is not kept.
#pragma once

#include <cstdint>
#include <vector>

#include "contract/checker/checker.h"
#include "contract/checker/point.h"
#include "contract/checker/ways.h"

namespace kqtorture::contract::checking {

struct Effort {
  uint64_t points = 0;
  uint64_t searched = 0;
  uint64_t steps = 0;
  uint32_t most_states = 0;
};

class Component {
 public:
  enum class Status : uint8_t { kFine, kStuck, kTooMany };
  using Handle = uint32_t;

  explicit Component(const Profile& profile, const Host& host, double ns_per_tick)
      : rules_{profile, host, layout_, ns_per_tick} {}

  // Until start(): its knotes and numbers.
  Layout& layout() { return layout_; }
  const Rules& rules() const { return rules_; }
  void start();

  // A call begins; its points are added right after, in order, then sealed. `end` is kUnreturned
  // for one that has not returned. With `asleep_until` its deliveries wait for wake().
  Handle begin(uint32_t thread, uint32_t op, uint64_t end, bool asleep);
  // Changes and object points in order; deliveries, in no order, after them. The reference is valid
  // until the next add(). False: there is no bit left for it.
  Point* add(Handle handle, PointKind kind);
  void seal(Handle handle);

  // The call ends: everything of it that is not optional must have happened.
  Status finish(Handle handle, const CheckOptions& options, Effort* effort);
  // It sleeps: its changes have happened, and its deliveries, if any, are still to come.
  Status sleep(Handle handle, const CheckOptions& options, Effort* effort);
  void wake(Handle handle);

  // Drops the ways in which `wrong(world)` is true. False, and nothing is dropped, when it is true
  // of all.
  template <typename Wrong>
  bool exclude(Wrong wrong) {
    std::vector<uint8_t> keep(ways_.count());
    bool any = false;
    excluded_.clear();
    for (size_t i = 0; i < ways_.count(); ++i) {
      keep[i] = wrong(World(layout_, ways_.world(i))) ? 0 : 1;
      any = any || keep[i] != 0;
    }
    if (any) keep_only(keep);
    return any;
  }
  // After finish() found no way: is there one among those that were excluded since another call
  // ended? Then it is the only way left, as it was before this call.
  bool return_to_excluded(Handle handle, const CheckOptions& options, Effort* effort);

  // No call on it is under way, or none that does not sleep.
  bool idle() const { return open_calls_ == 0; }
  bool rests() const;
  bool given_up() const { return given_up_; }
  void give_up() { given_up_ = true; }

  // For naming what does not fit: the ways before the end that failed, and the call's points.
  Ways& ways() { return ways_; }
  const std::vector<Point>& points(Handle handle) const { return calls_[handle].points; }
  uint64_t bit(Handle handle, size_t point) const { return calls_[handle].bits[point]; }
  // Does a call that is under way force the knote, or may it? No way need have placed that yet.
  bool is_being_forced(uint16_t cell) const;

 private:
  struct Call {
    bool open = false;
    bool sealed = false;
    bool asleep = false;
    bool sibling = false;  // another call of its thread is open: at equal times only
    uint32_t thread = 0;
    uint32_t op = 0;
    uint64_t end = 0;
    uint64_t all = 0;        // bits of its points
    uint64_t required = 0;   // of those that are not optional
    uint64_t ordered = 0;    // of those that are no deliveries
    uint64_t signature = 0;  // equal for calls that do the same; 0: like no other
    std::vector<Point> points;
    std::vector<uint64_t> bits;
    uint16_t releases = kNoIndex;  // the number that it closes
  };

  bool place_alone(const Call& call, Effort* effort);
  Status search(const Call& call, uint64_t goal, const CheckOptions& options, Effort* effort);
  void expand(uint64_t goal, Effort* effort);
  uint64_t relevant(uint64_t placed, uint64_t goal, const World& world);
  bool available(const Call& call, size_t point, uint64_t placed) const;
  bool may_be_gone(size_t cell, uint64_t placed, const World& world) const;
  bool twin_goes_first(const Call& call, size_t point, uint64_t placed) const;
  void settle(uint64_t* row);
  bool settle_call(const Call& call, uint64_t* row);
  bool would_forgo(const Call& call, uint64_t placed) const;
  void drop_dominated(const Call& call);
  void keep_only(const std::vector<uint8_t>& keep);
  void remove_bits(uint64_t bits);
  uint64_t sign(const Call& call) const;
  void reach(uint64_t placed);

  Layout layout_;
  Rules rules_;
  Ways ways_, excluded_;
  std::vector<Call> calls_;
  std::vector<Handle> open_;  // handles of open calls
  uint64_t free_bits_ = ~uint64_t{0};
  uint64_t open_bits_ = 0;
  uint32_t open_calls_ = 0;
  bool given_up_ = false;
  // Of the search, kept for their memory.
  Ways visited_, found_;
  std::vector<uint64_t> row_, next_, groups_;
};

}  // namespace kqtorture::contract::checking
