// Drawing a step, and making it.
#include "key_race.h"

#include <utility>

namespace kqtorture {

KeyRace::KeyRace(Plan plan)
    : KqueueRace(plan.workers ? plan.workers : half()), plan_(std::move(plan)) {
  for (const Step& step : plan_.steps) weights_ += step.weight;
}

void KeyRace::setup(Lane& self) {
  KqueueRace::setup(self);
  for (int i = 0; i < settings().objects; ++i) {
    Slot& slot = add_slot(self, plan_.kind);
    if (!plan_.creation) continue;
    Kevent add = make_change(0, 0, flag::kAdd | plan_.creation, self.fresh_udata());
    slot.key(slot.filter(), &add);
    self.change(kq(), add);
  }
}

std::vector<const char*> KeyRace::work() const {
  std::vector<const char*> names;
  for (const Step& step : plan_.steps) names.push_back(step.name);
  names.push_back("deliveries");
  return names;
}

size_t KeyRace::draw(Lane& self) const {
  size_t choice = self.random().below(weights_);
  size_t step = 0;
  for (; choice >= plan_.steps[step].weight; ++step) choice -= plan_.steps[step].weight;
  return step;
}

void KeyRace::drive(Lane& self) { make(self, draw(self), &any_slot(self)); }

Kevent KeyRace::change_of(Lane& self, const Step& step, const Slot& slot, bool* usable) const {
  Kevent change = make_change(0, 0, step.flags, self.fresh_udata(), step.fflags, step.data);
  *usable = slot.key(step.filter ? step.filter : slot.filter(), &change) && *usable;
  return change;
}

void KeyRace::trigger(Lane& self, size_t step, Slot* slot) {
  Kevent change = make_change(0, 0, 0, self.fresh_udata(), note::kTrigger);
  slot->key(filter::kUser, &change);
  if (self.change(kq(), change) == 0) self.count(step);
}

void KeyRace::make(Lane& self, size_t step, Slot* slot) {
  const Step& what = plan_.steps[step];
  bool usable = true;
  switch (what.act) {
    case Act::kChange: {
      const Kevent change = change_of(self, what, *slot, &usable);
      if (usable && self.change(kq(), change) == what.error) self.count(step);
      return;
    }
    case Act::kBatch: {
      const Step& other = plan_.steps[self.random().below(plan_.steps.size())];
      const Kevent changes[2] = {change_of(self, what, *slot, &usable),
                                 change_of(self, other, any_slot(self), &usable)};
      if (!usable) return;
      poll(self, changes, other.act == Act::kChange ? 2 : 1);
      break;
    }
    case Act::kPoll:
      poll(self, nullptr, 0);
      break;
    case Act::kReady:
      if (slot->kind() == SlotKind::kUser) return trigger(self, step, slot);
      slot->fill(self, static_cast<size_t>(what.data ? what.data : 1));
      break;
    case Act::kDrain:
      slot->drain(self);
      break;
    case Act::kReopen:
      slot->close(self);
      if (!slot->open(self)) return;
      break;
    case Act::kReplace:
      if (!slot->replace(self)) return;
      break;
    case Act::kDuplicate:
      slot->duplicate(self);
      break;
  }
  self.count(step);
}

void KeyRace::handle(Lane& self, const Kevent& event, std::vector<Kevent>* pending) {
  self.count(deliveries());
  self.jitter();
  Slot* slot = slot_at(event);
  if (slot && (self.stopping() || self.random().chance(1, 4))) slot->drain(self);
  if (!plan_.rearm || self.stopping()) return;
  const uint16_t flags = event.flags & flag::kOneshot ? flag::kAdd | plan_.creation : flag::kEnable;
  const Kevent change = make_change(event.ident, event.filter, flags, self.fresh_udata());
  if (self.random().chance(1, 3)) {
    pending->push_back(change);
  } else {
    self.change(kq(), change);
  }
}

void run_keys(const KeyRace::Plan& plan) {
  run_race(current_case(), [&plan] { return std::make_unique<KeyRace>(plan); });
}

void run_forced_keys(SlotKind kind, std::vector<Step> steps) {
  if (!environment().profile->has_forceoneshot) {
    GTEST_SKIP() << "the profile has no EV_FORCEONESHOT";
  }
  KeyRace::Plan plan;
  plan.kind = kind;
  plan.creation = flag::kDispatch;
  plan.rearm = true;
  plan.steps = std::move(steps);
  run_keys(plan);
}

KeyRace::Plan ready_keys(SlotKind kind) {
  KeyRace::Plan plan;
  plan.kind = kind;
  plan.creation = flag::kEnable;  // nothing but an ADD
  plan.steps = {{"activations", 1, Act::kReady}};
  return plan;
}

}  // namespace kqtorture
