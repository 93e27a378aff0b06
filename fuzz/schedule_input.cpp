// What is mutated, and how: a switch more, or fewer, or elsewhere; another program; a schedule
// drawn anew.
#include "schedule_input.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <utility>
#include <vector>

#include "scenario/generate.h"
#include "scenario/mutate.h"
#include "scenario/parse.h"
#include "scenario/print.h"

// libFuzzer's own mutations, where there is libFuzzer.
extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size)
    __attribute__((weak));

namespace kqtorture {
namespace {

constexpr std::string_view kMark = "\nschedule:\n";
// What few threads do in few operations is met often; long programs are mostly noise.
constexpr size_t kMostOps = 12;
constexpr size_t kMostChoices = 512;
// On libkq, by how many other threads can go on.
constexpr size_t kLeastChoicesOfAnOp = 8, kMostChoicesOfAnOp = 48;

// Two threads that close one end at once: the later close may hit whatever got the number
// meanwhile, and in a user-space kqueue that may be a descriptor of its own (docs/libkq.md,
// "Limits").
bool closes_in_two_threads(const Program& program) {
  std::vector<std::pair<Ref, const Thread*>> closed;
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      if (op.kind != OpKind::kClose) continue;
      for (const auto& [end, closer] : closed) {
        if (end == op.target && closer != &thread) return true;
      }
      closed.emplace_back(op.target, &thread);
    }
  }
  return false;
}

// Which events a call lost in a list that faults, no history tells.
bool is_for_threads(const Program& program) {
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      if (op.bad_events != bad::kNone) return false;
    }
  }
  return !is_sequential(program) && !closes_in_two_threads(program);
}

// For whoever asks about the schedules of the programs that are given, and about nothing else.
bool programs_stay() {
  static const bool stay = [] {
    const char* value = std::getenv("KQ_SCHEDULES_ONLY");
    return value != nullptr && strcmp(value, "1") == 0;
  }();
  return stay;
}

size_t write_input(const ScheduleInput& input, uint8_t* data, size_t max_size) {
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

// Of the last schedule; 0: nobody has told.
size_t last_choices = 0;

// Few switches, anywhere: what most bugs need, whatever the input was. The other bytes say who goes
// on where the running thread cannot.
void draw_choices(const Program& program, std::vector<uint8_t>* choices, Random* random) {
  const size_t of_an_op =
      kLeastChoicesOfAnOp + random->below(kMostChoicesOfAnOp - kLeastChoicesOfAnOp + 1);
  const size_t about = last_choices > 0 ? last_choices : of_an_op * count_ops(program);
  choices->resize(std::min(about, kMostChoices));
  for (uint8_t& byte : *choices) byte = static_cast<uint8_t>(random->below(128));
  for (size_t n = random->below(5); n > 0 && !choices->empty(); n--) {
    (*choices)[random->below(choices->size())] |= 128;
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

}  // namespace

bool read_schedule_input(const uint8_t* data, size_t size, ScheduleInput* input) {
  const std::string_view all(reinterpret_cast<const char*>(data), size);
  const size_t mark = all.find(kMark);
  // The line before the mark ends there, too.
  const std::string_view text = mark == all.npos ? all : all.substr(0, mark + 1);
  // Most inputs differ from the one before in their choices alone.
  if (input->text != text || text.empty()) {
    input->text.clear();
    input->loaded = false;
    if (parse(text, &input->program) || !is_for_threads(input->program)) return false;
    input->text = text;
  }
  const std::string_view rest = mark == all.npos ? "" : all.substr(mark + kMark.size());
  input->choices.assign(rest.begin(), rest.end());
  return true;
}

Program generate_for_threads(Random* random) {
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
    if ((!file || random->chance(1, 64)) && is_for_threads(program)) return program;
  }
}

void note_choices(size_t count) { last_choices = count; }

}  // namespace kqtorture

using namespace kqtorture;

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  Random random(seed);
  ScheduleInput input;
  const bool read = read_schedule_input(data, size, &input);
  if (read && programs_stay()) {
    // The choices alone.
  } else if (!read || random.chance(1, 128)) {
    input.program = generate_for_threads(&random);
  } else if (random.chance(1, 8)) {
    mutate(&input.program, random.next(), kMostOps);
    if (!is_for_threads(input.program)) input.program = generate_for_threads(&random);
  }
  if (input.choices.empty() || random.chance(1, 2)) {
    draw_choices(input.program, &input.choices, &random);
  } else {
    for (size_t n = 1 + random.below(4); n > 0; n--) mutate_choices(&input.choices, &random);
  }
  return write_input(input, data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_out_size, unsigned int seed) {
  ScheduleInput first, second;
  if (!read_schedule_input(data1, size1, &first) || !read_schedule_input(data2, size2, &second))
    return 0;
  if (programs_stay() && first.text != second.text) return 0;
  Random random(seed);
  // The switches of the one until somewhere, then those of the other; rarely the program, too.
  const size_t cut = random.below(std::min(first.choices.size(), second.choices.size()) + 1);
  first.choices.resize(cut);
  first.choices.insert(first.choices.end(),
                       second.choices.begin() + static_cast<std::ptrdiff_t>(cut),
                       second.choices.end());
  if (!programs_stay() && random.chance(1, 4)) {
    first.program = cross_over(first.program, second.program, random.next(), kMostOps);
    if (!is_for_threads(first.program)) return 0;
  }
  return write_input(first, out, max_out_size);
}
