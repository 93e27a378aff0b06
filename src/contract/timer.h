// When does a timer expire, as far as a program without a clock can tell? (3.4)
#pragma once

#include <cstdint>

#include "contract/knote.h"
#include "contract/profile.h"

namespace kqtorture::contract {

// A relative timer of at most kSoonNs surely expires while a program waits; one of kFarNs never
// expires within one.
inline constexpr int64_t kSoonNs = 1'000'000;
inline constexpr int64_t kFarNs = 3600LL * 1'000'000'000;
// Absolute times before the first are past on any machine and before its start (2001); those after
// the second are far (2100). In seconds since the epoch.
inline constexpr int64_t kSurelyPast = 1'000'000'000;
inline constexpr int64_t kSurelyFuture = 4'102'444'800;

// 0, or the errno with which these parameters are refused. `flags`: of the knote.
int timer_error(const Profile& profile, uint32_t fflags, int64_t data, uint16_t flags);

// Starts the timer with parameters that timer_error() accepts; expirations not yet delivered are
// discarded.
void start_timer(const Profile& profile, uint32_t fflags, int64_t data, Knote* knote);

// The flags that a timer gets besides those it was given: CLEAR, mostly.
uint16_t implied_timer_flags(const Profile& profile, uint32_t fflags);

// A change of an existing timer; returns the errno it is refused with, or 0.
int touch_timer(const Profile& profile, const Event& change, uint32_t tick, Knote* knote);

}  // namespace kqtorture::contract
