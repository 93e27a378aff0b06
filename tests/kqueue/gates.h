// Does the subject do what its profile does not promise?
//
// A case that the profile does not promise is skipped: its failure would be no fault. But a gate
// that is never tried hides that the profile is wrong about the subject, or that the subject has
// become better than its profile. With KQ_GATES=open such cases run all the same, their failures
// are taken aside, and the end says of each gate how many of its cases pass.
#pragma once

#include <gtest/gtest.h>

#include <string>

namespace kqtorture {

// Called by GATE when the profile does not promise what the case asks. True when the case is to run
// all the same; from then on its failures count for nothing.
bool gate_is_open(const std::string& reason);

// At the end of every case, from a listener.
void close_gate(const ::testing::TestInfo& test);

// At the end of the program, on standard output: a line for each gate that was opened.
void report_gates();

}  // namespace kqtorture
