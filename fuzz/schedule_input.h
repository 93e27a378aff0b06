// The inputs of schedule_fuzzer, and their mutation: for libFuzzer, for AFL++, whose mutators are
// libraries of their own, and for a replayer. Knows neither engine nor scheduler.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "scenario/program.h"
#include "scenario/random.h"

namespace kqtorture {

struct ScheduleInput {
  std::string text;  // of the program
  Program program;
  bool loaded = false;  // by the engine
  std::vector<uint8_t> choices;
};

// False when the bytes are no program with threads.
bool read_schedule_input(const uint8_t* data, size_t size, ScheduleInput* input);
// Two to four threads. Connections are two handshakes each, and files wait for a grace period of
// the kernel when they are let go: what is about threads needs neither.
Program generate_for_threads(Random* random);
// How many choices there were in the last schedule: beyond, a byte says nothing. A mutator that is
// not in the process of the schedules is not told.
void note_choices(size_t count);

}  // namespace kqtorture
