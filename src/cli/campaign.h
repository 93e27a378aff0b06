// A campaign: every engine against one subject, sharing one budget.
#pragma once

#include "cli/engines.h"
#include "report/summary.h"

namespace kqtorture {

// Runs the campaign, with its progress on stdout (stderr when the result goes there as JSON),
// writes the reports into options.out, and returns the exit code of the program: 1 when anything
// was found; 2 when nothing was, but the campaign cannot vouch for that.
int run_campaign(const CampaignOptions& options);

}  // namespace kqtorture
