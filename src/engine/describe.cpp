// Outcomes in the words of the program: names where the subject sees numbers.
#include <algorithm>
#include <string>

#include "engine/sequential.h"
#include "scenario/print.h"
#include "scenario/words.h"

namespace kqtorture {
namespace {

// The name that stands for an ident right now. Several may; the first one declared is as good as
// any.
Ref name_of(const Program& program, const World& world, int16_t filter, uint64_t ident) {
  for (size_t i = 0; i < program.objects.size(); i++) {
    const ObjectKind kind = program.objects[i].kind;
    const bool user = filter == filter::kUser && kind == ObjectKind::kUser;
    const bool timer = filter == filter::kTimer && kind == ObjectKind::kTimer;
    const bool signal = filter == filter::kSignal && kind == ObjectKind::kSignal;
    const bool child = filter == filter::kProc && kind == ObjectKind::kChild;
    const bool descriptor = has_descriptor(kind) && filter != filter::kTimer &&
                            filter != filter::kSignal && filter != filter::kProc;
    if (!user && !timer && !signal && !child && !descriptor) continue;
    for (int end = 0; end < std::max(1, ends_of(kind)); end++) {
      const Ref ref{static_cast<uint8_t>(i), static_cast<uint8_t>(end), 0};
      if (world.value(ref) == ident) return ref;
    }
  }
  return Ref{Ref::kNumber, 0, ident};
}

ExpectedEvent event_in_names(const Program& program, const World& world,
                             const contract::Event& event) {
  ExpectedEvent named;
  named.event.ident = name_of(program, world, event.filter, event.ident);
  named.event.filter = event.filter;
  named.event.flags = event.flags;
  named.event.fflags = event.fflags;
  named.event.data = event.data;
  named.event.udata = event.udata;
  named.fields = ExpectedEvent::kFlags;
  if (event.fflags != 0) named.fields |= ExpectedEvent::kFflags;
  if (event.data != 0) named.fields |= ExpectedEvent::kData;
  if (event.udata != 0) named.fields |= ExpectedEvent::kUdata;
  return named;
}

bool matches(const World& world, const ExpectedEvent& expected, const contract::Event& event) {
  const Change& wanted = expected.event;
  if (wanted.filter != event.filter || world.value(wanted.ident) != event.ident) return false;
  if ((expected.fields & ExpectedEvent::kFlags) && wanted.flags != event.flags) return false;
  if ((expected.fields & ExpectedEvent::kFflags) && wanted.fflags != event.fflags) return false;
  if ((expected.fields & ExpectedEvent::kData) && wanted.data != event.data) return false;
  return !(expected.fields & ExpectedEvent::kUdata) || wanted.udata == event.udata;
}

// An entry that could not be written out may count all the same (1.5): it is not there to be read.
int64_t readable_events(const Op& op) {
  if (op.bad_events == bad::kNone) return limit::kRoom;
  return std::max(0, int{op.bad_events});
}

}  // namespace

std::string describe(const Program& program, const World& world, const Op& op,
                     const Returned& returned) {
  Op shown = op;
  shown.expect = Expectation{};
  Expectation& outcome = shown.expect;
  if (op.kind == OpKind::kSleep || op.kind == OpKind::kAwait) return print_op(program, shown);
  outcome.kind = ExpectKind::kValue;
  outcome.value = returned.value;
  if (returned.value < 0) {
    outcome.kind = ExpectKind::kErrno;
    outcome.value = returned.error;
  } else if (op.kind == OpKind::kKevent && returned.value > 0 &&
             returned.value <= readable_events(op)) {
    outcome.kind = ExpectKind::kEvents;
    for (int64_t i = 0; i < returned.value && i < limit::kRoom; i++) {
      outcome.events.push_back(event_in_names(program, world, returned.events[i]));
    }
  }
  return print_op(program, shown);
}

std::string unexpected(const World& world, const Op& op, const Returned& returned) {
  const Expectation& expect = op.expect;
  bool good = true;
  switch (expect.kind) {
    case ExpectKind::kNothingSaid:
      break;
    case ExpectKind::kErrno:
      good = returned.value < 0 && returned.error == expect.value;
      break;
    case ExpectKind::kValue:
      good = returned.value == expect.value;
      break;
    case ExpectKind::kEvents:
      good = returned.value == static_cast<int64_t>(expect.events.size()) &&
             returned.value <= readable_events(op);
      for (size_t i = 0; good && i < expect.events.size(); i++) {
        good = matches(world, expect.events[i], returned.events[i]);
      }
  }
  return good ? "" : "the program says that this operation returns something else";
}

}  // namespace kqtorture
