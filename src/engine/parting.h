// Two runs of one schedule: are they the same step by step, and if not, at which step did they
// part?
#pragma once

#include <string>
#include <vector>

#include "engine/controlled.h"
#include "report/schedule.h"

namespace kqtorture {

// The steps of the engine's last run.
std::vector<StepMark> marks_of_last_run();

// Where the engine's last run left the one that was recorded, for people: "step 57 of 393: thread B
// takes a lock in f() file.cpp:9; recorded was: main, calls". Empty when the steps are the same.
std::string where_parted(const std::vector<StepMark>& recorded, const ControlledEngine& engine);

}  // namespace kqtorture
