// One lane of `kqtorture explore`: a supervisor, and one worker after the other until everything
// that was asked of the lane is done.
#pragma once

#include <vector>

#include "cli/explore_board.h"
#include "cli/explore_plan.h"
#include "cli/run.h"

namespace kqtorture {

// In the supervisor of the lane: the exit code of its process. In the worker: likewise.
int run_lane(int argc, char** argv, const std::vector<Scenario>& scenarios,
             const ExploreArguments& arguments, const ExplorePlan& plan, ExploreBoard* board,
             size_t lane);

}  // namespace kqtorture
