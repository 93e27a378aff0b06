// Which outcomes may a kqueue show for this operation, after everything that went before?
//
// The model holds the few facts that the rules speak of (state.h) as a plain value, and follows a
// sequential program operation by operation. Where the contract or the host leaves a choice the
// state says so: a fact is then known, unknown, or an interval (tri.h), and what is observed later
// narrows it. Where two futures differ in shape (an event that a faulting call may have swallowed)
// the set holds several states. Platforms differ in the table of knobs they are judged by
// (profile.h, host.h) and in nothing else.
//
//     Model model(*find_profile("strict-2006"), *find_host("linux"));
//     StateSet states;                            // an empty world
//     Op op; Outcome seen; ...                    // make the call, fill both in
//     Explanation why;
//     switch (model.check(&states, op, seen, &why)) {
//       case Answer::kAccepted:  break;           // states has moved on
//       case Answer::kRefused:   report(why);     // a finding; states is spent
//       case Answer::kUndecided: stop_here();     // beyond the model's bounds; states is spent
//     }
//
// Descriptors that no operation of the program created count as closed.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "contract/explanation.h"
#include "contract/host.h"
#include "contract/operation.h"
#include "contract/profile.h"
#include "contract/state.h"

namespace kqtorture::contract {

enum class Answer : uint8_t { kAccepted, kRefused, kUndecided };

class Model {
 public:
  Model(const Profile& profile, const Host& host) : profile_(profile), host_(host) {}

  // Judges one operation. On kAccepted *states holds the states that explain `seen`, otherwise it
  // is spent. `why` may be null; it is written on kRefused only. Allocates nothing unless refused.
  Answer check(StateSet* states, const Op& op, const Outcome& seen, Explanation* why) const;

  // Would a kevent() on this kqueue with room for one event return it? kYes: it must (I8); kNo: a
  // call without a timeout would hang. The operation's own changes are not looked at.
  Tri pending(const StateSet& states, int kq) const;
  Tri pending(const State& state, int kq) const;

  // Is the number an open descriptor, as far as the program knows?
  bool is_open(const StateSet& states, int fd) const;

  // What the contract says literally: the outcome of a kqueue that activates at once, delivers in
  // the order of activation, and whose every number is the smallest allowed. Writes up to
  // `capacity` events to *events (outcome->events points there). Descriptors to be created are
  // taken from `*outcome` as given. The outcome is always one that check() accepts. Returns
  // kUndecided when the state is beyond the model.
  Answer predict(const State& state, const Op& op, Event* events, int capacity,
                 Outcome* outcome) const;

  // All accepted outcomes of an operation, each with the state after it, for small worlds: every
  // choice between delivered or not is enumerated, numbers from intervals are visited at both ends.
  // Stops when `visit` returns false. Returns the number of outcomes visited.
  int step(const State& state, const Op& op, const Outcome& descriptors,
           const std::function<bool(const Outcome&, const StateSet&)>& visit) const;

  const Profile& profile() const { return profile_; }
  const Host& host() const { return host_; }

 private:
  Profile profile_;
  Host host_;
};

}  // namespace kqtorture::contract
