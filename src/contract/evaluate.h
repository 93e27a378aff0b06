// What does a filter say about an object? (3.1, 3.2)
#pragma once

#include "contract/host.h"
#include "contract/profile.h"
#include "contract/state.h"

namespace kqtorture::contract {

// READ or WRITE on one end of an object, for a knote with this interest.
Evaluation evaluate_object(const Profile& profile, const Host& host, const State& state,
                           uint8_t object, uint8_t end, int16_t filter, const Interest& interest);

// Any knote.
Evaluation evaluate(const Profile& profile, const Host& host, const State& state,
                    const Knote& knote);

// Would a scan of this kqueue deliver something? kYes: surely.
Tri pending_events(const Profile& profile, const Host& host, const State& state, uint8_t kqueue);

// Can more be written at this end? kNo: the host said that it is full, and nothing was read since.
Tri has_space(const Host& host, const Object& object, uint8_t end);

}  // namespace kqtorture::contract
