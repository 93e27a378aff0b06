// What the instrumentation tells of memory and calls, and what is made of it: names that are the
// same in every run, races, and accesses to what was freed.
#include <dlfcn.h>
#include <unwind.h>

#include <cstdio>

#include "sched/core.h"
#include "sched/symbolize.h"

namespace kqtorture::sched {
namespace {

// The upper four bits of an object say what kind of place it is.
enum Region : uint64_t { kInArena = 1, kInImage = 2, kOnStack = 3 };

constexpr uint64_t name(uint64_t region, uint64_t offset) { return region << 60 | offset; }
constexpr uint64_t kOffset = (uint64_t{1} << 60) - 1;

extern "C" const char __executable_start;
extern "C" const char etext;

bool in_program(uintptr_t address) {
  return address >= reinterpret_cast<uintptr_t>(&__executable_start) &&
         address < reinterpret_cast<uintptr_t>(&etext);
}

}  // namespace

uint64_t Core::object_of(uintptr_t address) const {
  if (Arena::owns(reinterpret_cast<void*>(address))) return name(kInArena, address - Arena::kBase);
  if (image_.found() && image_.holds(address)) return name(kInImage, address - image_.base());
  for (uint32_t i = 0; i < used_; i++) {
    if (address - carrier_->stack_low(i) >= carrier_->stack_high(i) - carrier_->stack_low(i)) {
      continue;
    }
    return name(kOnStack, uint64_t{i} << 48 | (carrier_->stack_high(i) - address));
  }
  return 0;
}

uint64_t Core::site_of(uintptr_t pc) const {
  if (image_.found() && image_.holds(pc)) return name(kInImage, pc - image_.base());
  if (in_program(pc)) {
    return name(kInProgram, pc - reinterpret_cast<uintptr_t>(&__executable_start));
  }
  return 0;
}

std::string Core::describe(uint64_t site) const {
  const Uncontrolled really;
  const uint64_t offset = site & kOffset;
  uintptr_t address = 0;
  if (site >> 60 == kInImage) address = image_.base() + offset;
  if (is_in_program(site)) {
    address = reinterpret_cast<uintptr_t>(&__executable_start) + offset;
  }
  return address == 0 ? "?" : symbolize(address - 1);  // a return address is after its call
}

// --- calls

void Core::enter(uintptr_t pc) {
  Thread& thread = *self();
  const uint32_t depth = thread.depth++;
  if (depth >= Thread::kDepth) return;
  const uint32_t below = depth == 0 ? 0 : thread.frames[depth - 1].stack;
  const uint64_t context = depth == 0 ? 1 : thread.frames[depth - 1].context;
  const OutOfSubject out;
  thread.frames[depth] = {depot_.push(below, pc), mix(context, site_of(pc))};
}

void Core::leave() {
  Thread& thread = *self();
  if (thread.depth > 0) thread.depth--;
}

uint32_t Core::stack_here(uintptr_t pc) {
  const OutOfSubject out;
  return depot_.push(self()->stack(), pc);
}

std::vector<std::string> Core::stack_lines(const char* title, uint32_t stack) const {
  const Uncontrolled really;
  std::vector<uintptr_t> frames = depot_.frames(stack);
  // Those that only a loader or the harness has.
  for (uintptr_t& pc : frames) pc -= 1;
  std::vector<std::string> lines = {std::string(title) + ":"};
  for (const std::string& frame : symbolize(frames)) lines.push_back("  " + frame);
  return lines;
}

// --- accesses

void Core::access(uintptr_t address, size_t size, bool write, bool atomic, uintptr_t pc) {
  const bool heap = Arena::owns(reinterpret_cast<void*>(address));
  if (!heap && !image_.is_variable(address)) return;
  if (heap && !arena_.accessible(address, size)) {
    bad_access(address, size, write, stack_here(pc));
  }
  if (!options_.races || alone_) return;
  const OutOfSubject out;
  const uint32_t stack = self()->stack();
  const auto site = static_cast<uint32_t>(pc - image_.base());
  while (size > 0) {
    const size_t part = std::min<size_t>(size, 8 - address % 8);
    const auto race =
        races_.access(address, {current_, stack, static_cast<uint8_t>(part), write, atomic, site});
    if (race) report_race(*race);
    address += part;
    size -= part;
  }
}

void Core::report_race(const RaceDetector::Race& race) {
  const Uncontrolled really;
  const auto place = [this](const RaceDetector::Access& access) {
    return image_.base() + static_cast<uintptr_t>(static_cast<int32_t>(access.site));
  };
  const auto does = [&](const RaceDetector::Access& access) {
    return std::string(access.atomic ? "atomically " : "") + (access.write ? "writes" : "reads") +
           " in " + symbolize(place(access) - 1);
  };
  Fault fault;
  fault.verdict = "race";
  fault.message = "thread " + std::to_string(race.now.thread) + " " + does(race.now) +
                  ", and thread " + std::to_string(race.before.thread) + " " + does(race.before) +
                  ", the same " + std::to_string(race.now.size) + " bytes in no order";
  fault.detail = stack_lines("now", depot_.push(race.now.stack, place(race.now)));
  for (std::string& line :
       stack_lines("before", depot_.push(race.before.stack, place(race.before)))) {
    fault.detail.push_back(std::move(line));
  }
  this->fault(std::move(fault));
}

void Core::bad_access(uintptr_t address, size_t size, bool write, uint32_t stack) {
  const Uncontrolled really;
  const Arena::Block* block = arena_.near(address);
  const bool freed = block != nullptr && block->freed && address < block->begin + block->size;
  Fault fault;
  fault.verdict = freed ? "use-after-free" : "crash";
  const int64_t beyond =
      block == nullptr ? 0 : static_cast<int64_t>(address) - static_cast<int64_t>(block->begin);
  fault.message = "thread " + std::to_string(current_) + (write ? " writes " : " reads ") +
                  std::to_string(size) + " bytes at offset " + std::to_string(beyond) +
                  (freed ? " of a freed block of " : " of a block of ") +
                  std::to_string(block == nullptr ? 0 : block->size) + " bytes";
  fault.detail = stack_lines("now", stack);
  if (block != nullptr && freed) {
    const std::string title = "freed by thread " + std::to_string(block->free_thread);
    for (std::string& line : stack_lines(title.c_str(), block->free_stack)) {
      fault.detail.push_back(std::move(line));
    }
  }
  if (block != nullptr) {
    const std::string title = "allocated by thread " + std::to_string(block->thread);
    for (std::string& line : stack_lines(title.c_str(), block->stack)) {
      fault.detail.push_back(std::move(line));
    }
  }
  this->fault(std::move(fault));
}

// --- the end of a thread in the middle of its calls

namespace {

_Unwind_Reason_Code stop(int, _Unwind_Action actions, _Unwind_Exception_Class, _Unwind_Exception*,
                         _Unwind_Context*, void* bottom) {
  if (actions & _UA_END_OF_STACK) std::longjmp(*static_cast<std::jmp_buf*>(bottom), 1);
  return _URC_NO_REASON;
}

}  // namespace

void Core::exit_thread(void* result) {
  Thread& thread = *self();
  thread.result = result;
  static thread_local _Unwind_Exception exception;
  exception = {};
  _Unwind_ForcedUnwind(&exception, stop, thread.bottom);
  std::longjmp(*thread.bottom, 1);
}

void Core::test_cancel() {
  Thread& thread = *self();
  if (!thread.cancelled || thread.cancel_state != PTHREAD_CANCEL_ENABLE) return;
  thread.cancel_state = PTHREAD_CANCEL_DISABLE;  // once
  exit_thread(PTHREAD_CANCELED);
}

}  // namespace kqtorture::sched
