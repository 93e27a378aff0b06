// A case of the sweep with one word, or with the words of a batch, as a litmus program: what a
// finding hands back.
#pragma once

#include <vector>

#include "engine/sweep_case.h"
#include "scenario/program.h"

namespace kqtorture {

// Each word on a knote of its own, all steps side by side: at most SweepBench::kSlots words.
Program program_of(const SweepCase& one, const std::vector<uint16_t>& words);

// All words in one changelist after another on the same knote, as refused words are tried.
Program program_of_list(const SweepCase& one, const std::vector<uint16_t>& words);

}  // namespace kqtorture
