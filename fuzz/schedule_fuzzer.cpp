// Which program, and which order of its threads' steps, breaks a kqueue?
//
// An input is a litmus program with threads (docs/litmus.md) as text, and behind a line "schedule:"
// a byte for each choice of the scheduler: below 128 the running thread goes on, above another one
// does. Behind their end it goes on as long as it can. What guides the search are pairs: of a step,
// and the step of another thread that was the last on the same object (sched/interleaving.h); so an
// input is kept when two threads met where none had met before.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engine/controlled.h"
#include "fuzz_session.h"
#include "scenario/generate.h"
#include "scenario/mutate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/random.h"
#include "sched/strategies.h"
#include "subject/executable.h"

using namespace kqtorture;

// libFuzzer's own mutations, where there is libFuzzer.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size)
    __attribute__((weak));

namespace {

constexpr char kName[] = "schedule_fuzzer";
constexpr std::string_view kMark = "\nschedule:\n";
// What few threads do in few operations is met often; long programs are mostly noise.
constexpr size_t kMostOps = 12;
constexpr size_t kMostChoices = 512;

struct Input {
  Program program;
  std::vector<uint8_t> choices;
};

// Which events a call lost in a list that faults, no history tells.
bool is_for_threads(const Program& program) {
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      if (op.bad_events != bad::kNone) return false;
    }
  }
  return !is_sequential(program);
}

// False when the bytes are no such program.
bool read_input(const uint8_t* data, size_t size, Input* input) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t mark = all.find(kMark);
  // The line before the mark ends there, too.
  const std::string_view text = mark == all.npos ? all : all.substr(0, mark + 1);
  if (parse(text, &input->program) || !is_for_threads(input->program)) return false;
  const std::string_view rest = mark == all.npos ? "" : all.substr(mark + kMark.size());
  input->choices.assign(rest.begin(), rest.end());
  return true;
}

size_t write_input(const Input& input, uint8_t* data, size_t max_size) {
  std::string text;
  print_to(input.program, &text);
  if (!text.empty() && text.back() == '\n') text.pop_back();
  text += kMark;
  // A program does not survive being cut; one that does not fit is not made.
  if (text.size() > max_size) return 0;
  memcpy(data, text.data(), text.size());
  const size_t room = std::min(input.choices.size(), max_size - text.size());
  if (room > 0) memcpy(data + text.size(), input.choices.data(), room);
  return text.size() + room;
}

// Two to four threads. Connections are two handshakes each, and files wait for a grace period of
// the kernel when they are let go: what is about threads needs neither.
Program generate_program(Random* random) {
  GenerateOptions options;
  options.threads = 2 + static_cast<int>(random->below(3));
  options.max_ops = 8;
  options.inet = false;
  options.processes = false;
  options.bad_calls = false;
  while (true) {
    Program program = generate(random->next(), options);
    const bool file =
        std::any_of(program.objects.begin(), program.objects.end(),
                    [](const Object& object) { return object.kind == ObjectKind::kFile; });
    if (!file || random->chance(1, 64)) return program;
  }
}

// A switch more, or fewer, or elsewhere.
void mutate_choices(std::vector<uint8_t>* choices, Random* random) {
  const auto leave = [&] { return static_cast<uint8_t>(128 + random->below(128)); };
  const size_t size = choices->size();
  const size_t at = random->below(size + 1);
  const auto place = choices->begin() + static_cast<std::ptrdiff_t>(at);
  switch (random->below(6)) {
    case 0:  // a switch at a step that comes early more often than late
      if (at == size) {
        choices->resize(std::min(size + random->below(64) + 1, kMostChoices));
        if (!choices->empty()) choices->back() = leave();
      } else {
        *place = leave();
      }
      break;
    case 1:  // one fewer
      for (size_t i = 0; i < size; i++) {
        uint8_t& byte = (*choices)[(at + i) % size];
        if (byte < 128) continue;
        byte = 0;
        break;
      }
      break;
    case 2:  // earlier
      if (at < size) choices->erase(place);
      break;
    case 3:  // later
      if (size < kMostChoices) choices->insert(place, 0);
      break;
    case 4:  // a burst
      for (size_t i = at; i < std::min(size, at + 4); i++) (*choices)[i] = leave();
      break;
    default: {
      if (LLVMFuzzerMutate == nullptr) break;
      std::vector<uint8_t> room(kMostChoices);
      std::copy(choices->begin(), choices->end(), room.begin());
      room.resize(LLVMFuzzerMutate(room.data(), std::min(size, kMostChoices), kMostChoices));
      *choices = std::move(room);
    }
  }
}

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

[[noreturn]] void report(const Program& program, const ControlledResult& result,
                         const ControlledEngine::Options& options) {
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
  finding.schedule.decisions = result.schedule.decisions;
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
  FuzzSession::start(kName, argc, argv);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  Random random(seed);
  Input input;
  if (random.chance(1, 128) || !read_input(data, size, &input)) {
    input.program = generate_program(&random);
  } else if (random.chance(1, 4)) {
    mutate(&input.program, random.next(), kMostOps);
    if (!is_for_threads(input.program)) input.program = generate_program(&random);
  }
  for (size_t n = 1 + random.below(4); n > 0; n--) mutate_choices(&input.choices, &random);
  return write_input(input, data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_out_size, unsigned int seed) {
  Input first, second;
  if (!read_input(data1, size1, &first) || !read_input(data2, size2, &second)) return 0;
  Random random(seed);
  // The switches of the one until somewhere, then those of the other; rarely the program, too.
  const size_t cut = random.below(std::min(first.choices.size(), second.choices.size()) + 1);
  first.choices.resize(cut);
  first.choices.insert(first.choices.end(),
                       second.choices.begin() + static_cast<std::ptrdiff_t>(cut),
                       second.choices.end());
  if (random.chance(1, 4)) {
    first.program = cross_over(first.program, second.program, random.next(), kMostOps);
    if (!is_for_threads(first.program)) return 0;
  }
  return write_input(first, out, max_out_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzSession& session = FuzzSession::get();
  static Input input;
  if (size <= 1) {
    // Where libFuzzer starts from when it is given nothing, and nothing would be reached by that.
    Random random(size);
    input = {generate_program(&random), {}};
  } else if (!read_input(data, size, &input)) {
    return 0;
  }
  ControlledEngine& judge = engine();
  std::string why_not;
  if (!judge.load(input.program, &why_not)) return 0;
  session.begin_input(data, size);
  ControlledEngine::Options options;
  options.record = true;
  const auto strategy = sched::make_bytes(input.choices);
  strategy->begin(0);
  const ControlledResult& result = judge.run(strategy.get(), options);
  session.stats().operations += result.operations;
  session.stats().deliveries += result.deliveries;
  if (result.status == SequentialResult::Status::kFinding) report(input.program, result, options);
  session.end_input();
  return 0;
}
