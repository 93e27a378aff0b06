// Which program, and which order of its threads' steps, breaks a kqueue?
//
// An input is a litmus program with threads (docs/litmus.md) as text, and behind a line "schedule:"
// a byte for each choice of the scheduler: below 128 the running thread goes on, above another one
// does. Behind their end it goes on as long as it can. What guides the search are pairs: of a step,
// and the step of another thread that was the last on the same object (sched/interleaving.h); so an
// input is kept when two threads met where none had met before.
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "engine/controlled.h"
#include "engine/parting.h"
#include "fuzz_session.h"
#include "scenario/print.h"
#include "scenario/random.h"
#include "sched/strategies.h"
#include "schedule_input.h"
#include "subject/executable.h"

using namespace kqtorture;

namespace {

constexpr char kName[] = "schedule_fuzzer";
ControlledEngine& engine() {
  static const std::unique_ptr<ControlledEngine> engine = [] {
    std::string error;
    auto created = ControlledEngine::create(FuzzSession::get().subject(), &error);
    if (!created) {
      fprintf(stderr, "%s: %s\n", kName, error.c_str());
      _Exit(2);
    }
    return created;
  }();
  return *engine;
}

// Of this process, so far.
uint64_t processor_us() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

// A picture of it needs names for places, and nothing else of it does: it is run again for that, if
// the process can.
[[noreturn]] void report(const Program& program, const ControlledEngine::Options& options) {
  FuzzSession::get().stats().extra["processor_us"] = processor_us();
  ControlledResult result = engine().last();
  std::vector<StepMark> steps = marks_of_last_run();
  if (!result.schedule.dirty) {
    ControlledEngine::Options picture = options;
    picture.record = true;
    const auto replay = sched::make_replay(result.schedule.decisions);
    replay->begin(0);
    const ControlledResult& again = engine().run(replay.get(), picture);
    if (again.trace == result.trace) result.lanes = again.lanes;
  }
  Finding finding;
  finding.verdict = result.verdict;
  finding.rule = result.rule;
  finding.scenario = "program";
  finding.message = result.message;
  finding.reproducer = print(program);
  finding.detail = result.detail;
  finding.lanes = result.lanes;
  finding.schedule.strategy = "bytes";
  finding.schedule.trace = result.trace;
  finding.schedule.most_steps = options.most_steps;
  finding.schedule.races = options.races;
  finding.schedule.decisions = result.schedule.decisions;
  finding.schedule.steps = std::move(steps);
  FuzzSession::get().violation(std::move(finding));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  setenv("KQ_LIBKQ", (executable_directory() + "/../lib/controlled/libkq.so").c_str(), 0);
  std::string error;
  if (!ControlledEngine::start(sched::Engine::kFibers, &error)) {
    fprintf(stderr, "%s: %s\n", kName, error.c_str());
    exit(77);
  }
  // Memory that the subject gets before the first run would not be put back between runs.
  FuzzSession::start(kName, argc, argv, true);
  ControlledEngine::level_descriptors();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzSession& session = FuzzSession::get();
  static ScheduleInput input;
  if (size <= 1) {
    // Where libFuzzer starts from when it is given nothing, and nothing would be reached by that.
    Random random(size);
    input.program = generate_for_threads(&random);
    input.text.clear();
    input.loaded = false;
    input.choices.clear();
  } else if (!read_schedule_input(data, size, &input)) {
    return 0;
  }
  ControlledEngine& judge = engine();
  std::string why_not;
  if (!input.loaded && !judge.load(input.program, &why_not)) return 0;
  input.loaded = true;
  session.begin_input(data, size);
  ControlledEngine::Options options;
  const auto strategy = sched::make_bytes(input.choices);
  strategy->begin(0);
  const ControlledResult& result = judge.run(strategy.get(), options);
  note_choices(result.schedule.choices);
  session.stats().operations += result.operations;
  session.stats().deliveries += result.deliveries;
  if (result.status == SequentialResult::Status::kFinding) report(input.program, options);
  session.end_input();
  return 0;
}
