// A score as Markdown for docs/score.md, as JSON for scripts, and in a few lines for a terminal.
#pragma once

#include <string>

#include "cli/score_run.h"

namespace kqtorture {

std::string to_markdown(const Score& score);
std::string to_json(const Score& score);
// Ends with "passed" or with why not.
std::string to_summary(const Score& score);

}  // namespace kqtorture
