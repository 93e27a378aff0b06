// By which steps does a fixture get into the state of a sweep's case, and how is it found out what
// the swept change has done?
#pragma once

#include "engine/sweep_case.h"

namespace kqtorture {

// Fills in everything of the case that its dimensions determine.
void lay_out_steps(const contract::Profile& profile, SweepCase* one);

}  // namespace kqtorture
