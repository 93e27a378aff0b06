// The encoding of flags_fuzzer's programs: one byte per choice, reduced modulo the number of
// choices.
#include "flags_program.h"

#include <cstdio>

#include "subject/subject.h"
#include "tape.h"

namespace kqtorture::flags {

namespace {

template <typename Enum>
Enum choice(TapeReader& tape, uint8_t count = static_cast<uint8_t>(Enum::kCount)) {
  return static_cast<Enum>(tape.below(count));
}

Step decode_step(TapeReader& tape) {
  Step step;
  step.op = choice<Op>(tape);
  if (step.op != Op::kKevent) {
    step.slot = tape.below(kSlots);
    step.argument = tape.u8();
    return step;
  }
  step.slot = tape.below(kCallees);
  step.change_place = choice<Place>(tape, kChangePlaces);
  step.change_split = tape.below(kMaxChanges + 1);
  step.change_count = choice<ChangeCount>(tape);
  step.event_place = choice<Place>(tape, kEventPlaces);
  step.event_split = tape.below(kMaxRoom + 1);
  step.room = tape.below(kRooms);
  step.timeout = choice<Timeout>(tape);
  step.count = tape.below(kMaxChanges + 1);
  for (int i = 0; i < step.count; i++) {
    Change& change = step.changes[static_cast<size_t>(i)];
    change.ident = tape.below(kIdents);
    change.filter = tape.below(kFilters);
    change.flags = tape.u16();
    change.fflags = tape.u32();
    change.data = tape.below(kDatas);
  }
  return step;
}

void encode_step(const Step& step, TapeWriter& tape) {
  tape.u8(static_cast<uint8_t>(step.op));
  tape.u8(step.slot);
  if (step.op != Op::kKevent) {
    tape.u8(step.argument);
    return;
  }
  tape.u8(static_cast<uint8_t>(step.change_place));
  tape.u8(step.change_split);
  tape.u8(static_cast<uint8_t>(step.change_count));
  tape.u8(static_cast<uint8_t>(step.event_place));
  tape.u8(step.event_split);
  tape.u8(step.room);
  tape.u8(static_cast<uint8_t>(step.timeout));
  tape.u8(step.count);
  for (int i = 0; i < step.count; i++) {
    const Change& change = step.changes[static_cast<size_t>(i)];
    tape.u8(change.ident);
    tape.u8(change.filter);
    tape.u16(change.flags);
    tape.u32(change.fflags);
    tape.u8(change.data);
  }
}

}  // namespace

Program decode(const uint8_t* data, size_t size) {
  TapeReader tape(data, size);
  Program program;
  while (!tape.at_end() && program.steps.size() < kMaxSteps) {
    program.steps.push_back(decode_step(tape));
  }
  return program;
}

std::vector<uint8_t> encode(const Program& program) {
  TapeWriter tape;
  for (const Step& step : program.steps) encode_step(step, tape);
  return tape.bytes();
}

int16_t filter_of(uint8_t index) {
  // 0 to -13: the filters of the header and 0. Then what lies outside the table, then the filters
  // that the emulator implements once more, so that blind mutation meets them as often as the rest.
  static constexpr int16_t kExtra[] = {-14, 1,  INT16_MAX,      INT16_MIN,      filter::kRead,
                                       -1,  -2, filter::kWrite, filter::kTimer, filter::kUser};
  if (index <= 13) return static_cast<int16_t>(-index);
  return kExtra[(index - 14) % 10];
}

int64_t data_of(uint8_t index) {
  static constexpr int64_t kData[kDatas] = {0,          1,
                                            2,          7,
                                            100,        512,
                                            4096,       65536,
                                            -1,         -2,
                                            INT64_MIN,  INT64_MAX,
                                            INT32_MAX,  int64_t{INT32_MAX} + 1,
                                            UINT32_MAX, int64_t{UINT32_MAX} + 1,
                                            1000,       1000000,
                                            3600000,    4000000000000};
  return kData[index % kDatas];
}

std::string filter_name(int16_t filter) {
  static constexpr const char* kNames[] = {"0",    "READ",   "WRITE",    "AIO",      "VNODE",
                                           "PROC", "SIGNAL", "TIMER",    "PROCDESC", "FS",
                                           "LIO",  "USER",   "SENDFILE", "EMPTY"};
  if (filter <= 0 && filter >= -13) return kNames[-filter];
  return "filter " + std::to_string(filter);
}

std::string flag_names(uint16_t flags) {
  static constexpr const char* kNames[16] = {
      "ADD",          "DELETE",    "ENABLE", "DISABLE", "ONESHOT", "CLEAR",  "RECEIPT", "DISPATCH",
      "FORCEONESHOT", "KEEPUDATA", "0x0400", "0x0800",  "0x1000",  "0x2000", "ERROR",   "EOF"};
  std::string text;
  for (int bit = 0; bit < 16; bit++) {
    if (!(flags & 1u << bit)) continue;
    if (!text.empty()) text += '|';
    text += kNames[bit];
  }
  return text.empty() ? "0" : text;
}

}  // namespace kqtorture::flags
