// Which steps are drawn, and how a program is changed.
#include "flags_mutator.h"

#include <algorithm>

#include "subject/subject.h"

namespace kqtorture::flags {

namespace {

// Indices of filter_of() and World::ident().
constexpr uint8_t kRead = 1, kWrite = 2, kTimer = 7, kUser = 11;
constexpr uint8_t kFirstNumber = 12;

uint16_t random_flags(Random& random) {
  using namespace flag;
  uint16_t flags = random.pick<uint16_t>(
      {kAdd, kAdd, kAdd, kEnable, kDisable, kDelete, kForceOneshot, kForceOneshot | kEnable,
       kForceOneshot | kDisable, kForceOneshot | kAdd, kAdd | kDisable, 0});
  if (random.chance(2, 3)) {
    flags |=
        random.pick<uint16_t>({kDispatch, kDispatch, kOneshot, kClear, kReceipt, kDispatch | kClear,
                               kDispatch | kOneshot, kKeepUdata, kKeepUdata | kEnable});
  }
  if (random.chance(1, 6)) flags ^= static_cast<uint16_t>(1u << random.below(16));
  if (random.chance(1, 30)) flags = static_cast<uint16_t>(random.next());
  return flags;
}

uint32_t random_fflags(uint8_t filter, Random& random) {
  using namespace note;
  if (random.chance(1, 12)) return uint32_t{1} << random.below(32);
  if (random.chance(1, 40)) return static_cast<uint32_t>(random.next());
  if (filter == kUser) {
    return random.pick<uint32_t>({kTrigger, kTrigger, kTrigger, 0, kFfCopy | 0x0f, kFfOr | 0xff0000,
                                  kFfAnd | 0xffff, kTrigger | kFfCopy | 0x55}) |
           (random.chance(1, 4) ? kTrigger : 0);
  }
  if (filter == kTimer) {
    return random.pick<uint32_t>({kNseconds, kUseconds, 0, kMseconds, kSeconds, kNseconds,
                                  kNseconds | kAbstime, kAbstime, kSeconds | kUseconds});
  }
  return random.pick<uint32_t>({0, 0, 0, kLowat, kFilePoll});
}

Change random_change(Random& random) {
  Change change;
  change.filter = random.pick<uint8_t>({kRead, kRead, kRead, kWrite, kUser, kUser, kTimer});
  if (random.chance(1, 15)) change.filter = static_cast<uint8_t>(random.below(kFilters));
  const bool number = change.filter == kUser || change.filter == kTimer;
  // Few keys, so that changes meet.
  change.ident = static_cast<uint8_t>(number                    ? kFirstNumber + random.below(2)
                                      : change.filter == kWrite ? random.pick({1, 3, 2, 4})
                                                                : random.pick({0, 3, 2, 4, 8}));
  if (random.chance(1, 8)) change.ident = static_cast<uint8_t>(random.below(kIdents));
  change.flags = random_flags(random);
  change.fflags = random_fflags(change.filter, random);
  change.data = static_cast<uint8_t>(random.chance(2, 3) ? random.below(4) : random.below(kDatas));
  return change;
}

void spoil(Step& step, Random& random) {
  switch (random.below(6)) {
    case 0:
      step.change_place = static_cast<Place>(random.below(kChangePlaces));
      step.change_split = static_cast<uint8_t>(random.below(kMaxChanges + 1u));
      break;
    case 1:
      step.event_place = static_cast<Place>(random.below(kEventPlaces));
      step.event_split = static_cast<uint8_t>(random.below(kMaxRoom + 1u));
      break;
    case 2:
      step.change_count =
          static_cast<ChangeCount>(random.below(static_cast<size_t>(ChangeCount::kCount)));
      break;
    case 3:
      step.room = static_cast<uint8_t>(random.below(kRooms));
      break;
    case 4:
      step.timeout = static_cast<Timeout>(random.below(static_cast<size_t>(Timeout::kCount)));
      break;
    default:
      step.slot = static_cast<uint8_t>(random.below(kCallees));
      break;
  }
}

Step random_call(Random& random) {
  Step step;
  step.slot = random.chance(5, 6) ? 7 : 8;
  // Mostly a change or two; now and then a list around the borders of its chunks.
  step.count = static_cast<uint8_t>(random.chance(1, 8) ? random.pick({7, 8, 9, 16, 17, 20})
                                                        : random.below(4));
  for (int i = 0; i < step.count; i++) {
    step.changes[static_cast<size_t>(i)] = random_change(random);
  }
  step.room = random.pick<uint8_t>({0, 1, 2, 8, 16, 24, 24});
  if (random.chance(1, 4)) step.timeout = random.pick({Timeout::kForever, Timeout::kAges});
  while (random.chance(1, 5)) spoil(step, random);
  return step;
}

Step random_operation(Random& random) {
  Step step;
  step.op =
      random.pick({Op::kWrite, Op::kWrite, Op::kWrite, Op::kRead, Op::kRead, Op::kClose, Op::kOpen,
                   Op::kOpen, Op::kDup, Op::kShutdown, Op::kFill, Op::kUnseenClose});
  // Sleeping costs more than anything else.
  if (random.chance(1, 60)) step.op = Op::kPause;
  if (random.chance(1, 1000)) step.op = Op::kFork;
  const bool writes = step.op == Op::kWrite || step.op == Op::kFill;
  step.slot = static_cast<uint8_t>(writes ? random.pick({1, 2, 3, 4}) : random.below(kSlots));
  if (step.op == Op::kRead) step.slot = static_cast<uint8_t>(random.pick({0, 2, 3, 4, 5}));
  step.argument = static_cast<uint8_t>(random.below(60));
  return step;
}

void mutate_call(Step& step, Random& random) {
  if (step.count == 0 || random.chance(1, 4)) {
    spoil(step, random);
    return;
  }
  Change& change = step.changes[random.below(step.count)];
  switch (random.below(6)) {
    case 0:
      change.flags ^= static_cast<uint16_t>(1u << random.below(16));
      break;
    case 1:
      change.flags = random_flags(random);
      break;
    case 2:
      change.fflags = random_fflags(change.filter, random);
      break;
    case 3:
      change.data = static_cast<uint8_t>(random.below(kDatas));
      break;
    case 4:
      change.ident = static_cast<uint8_t>(random.below(kIdents));
      break;
    default:
      change = random_change(random);
      break;
  }
}

void insert(Program& program, const Step& step, Random& random) {
  const size_t at = random.below(program.steps.size() + 1);
  program.steps.insert(program.steps.begin() + static_cast<std::ptrdiff_t>(at), step);
}

}  // namespace

Step random_step(Random& random) {
  return random.chance(3, 5) ? random_call(random) : random_operation(random);
}

void mutate(Program& program, Random& random) {
  for (size_t rounds = 1 + random.below(4); rounds > 0; rounds--) {
    if (program.steps.empty()) {
      program.steps.push_back(random_step(random));
      continue;
    }
    const size_t at = random.below(program.steps.size());
    switch (random.below(7)) {
      case 0:
      case 1:
        insert(program, random_step(random), random);
        break;
      case 2:
        program.steps.erase(program.steps.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      case 3:
        insert(program, Step(program.steps[at]), random);
        break;
      case 4:
        std::swap(program.steps[at], random.element(program.steps));
        break;
      default:
        if (program.steps[at].op == Op::kKevent) {
          mutate_call(program.steps[at], random);
        } else {
          program.steps[at] = random_operation(random);
        }
        break;
    }
  }
  if (program.steps.size() > kMaxSteps) program.steps.resize(kMaxSteps);
}

Program cross(const Program& a, const Program& b, Random& random) {
  Program child;
  const size_t cut = random.below(a.steps.size() + 1);
  const size_t rest = random.below(b.steps.size() + 1);
  child.steps.assign(a.steps.begin(), a.steps.begin() + static_cast<std::ptrdiff_t>(cut));
  child.steps.insert(child.steps.end(), b.steps.begin() + static_cast<std::ptrdiff_t>(rest),
                     b.steps.end());
  if (child.steps.size() > kMaxSteps) child.steps.resize(kMaxSteps);
  return child;
}

}  // namespace kqtorture::flags
