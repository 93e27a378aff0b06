// The words for a delivery that no rule allows, and for one that is missing.
#include "contract/scan.h"

namespace kqtorture::contract {
namespace {

constexpr uint32_t kErrnosEnd = 256;  // more than any system has

std::string named(const Knote& knote) {
  return filter_name(knote.filter) + " ident " + std::to_string(knote.ident);
}

// The last life of the key that ended, if the model still remembers it.
const Removed* last_life(const State& state, uint8_t kqueue, const Event& event) {
  for (int back = 1; back <= state.removed; back++) {
    const Removed& gone = state.gone[(state.removed_next + kMaxRemoved - back) % kMaxRemoved];
    if (gone.kqueue == kqueue && gone.ident == event.ident && gone.filter == event.filter) {
      return &gone;
    }
  }
  return nullptr;
}

bool of_earlier_life(const Context& context, const Knote& knote, const Event& seen) {
  const Removed* gone = last_life(*context.state, knote.kqueue, seen);
  return gone != nullptr && gone->udata == seen.udata && knote.udata != seen.udata;
}

// The mark that only a forced event has.
bool marked_final(const Event& seen) { return (seen.flags & flag::kForceOneshot) != 0; }
bool has_oneshot(const Event& seen) { return (seen.flags & flag::kOneshot) != 0; }

Answer refuse_earlier_life(const Context& context, const Event& seen, int index) {
  return context.refuse(Verdict::kStaleGeneration, "I2", index, [&] {
    return "{" + to_text(seen) + "} belongs to a knote that is gone; its key was added again";
  });
}

std::string values(uint32_t one, uint32_t other, int16_t number) {
  std::string text = notes_text(number, one);
  if (other == kAnyErrno) return text + " or an errno";
  if (other != one) text += " or " + notes_text(number, other);
  return text;
}

std::string values(Range range) {
  if (range.exact()) return std::to_string(range.lo);
  if (range.hi == INT64_MAX) return "at least " + std::to_string(range.lo);
  return std::to_string(range.lo) + " to " + std::to_string(range.hi);
}

}  // namespace

Answer refuse_unknown(const Context& context, uint8_t kqueue, const Event& seen, int index) {
  const Removed* gone = last_life(*context.state, kqueue, seen);
  if (gone == nullptr) {
    return context.refuse(Verdict::kPhantom, "2.1", index, [&] {
      return "{" + to_text(seen) + "} belongs to no knote that ever was";
    });
  }
  const auto refuse = [&](Verdict verdict, const char* rule, const char* what) {
    return context.refuse(verdict, rule, index,
                          [&] { return "{" + to_text(seen) + "} came after " + what; });
  };
  switch (gone->why) {
    case Removal::kDeleted:
      return refuse(Verdict::kAfterDelete, "I1", "its knote was deleted");
    case Removal::kClosed:
      return refuse(Verdict::kAfterDelete, "I2", "its descriptor was closed");
    case Removal::kOneshot:
      break;
  }
  if (marked_final(seen)) {
    return refuse(Verdict::kDuplicate, "I6", "the one event of a forced or ONESHOT knote");
  }
  return refuse(Verdict::kDuplicate, "I4", "the one event of a ONESHOT knote");
}

Answer refuse_undue(const Context& context, const Knote& knote, const Evaluation& now,
                    const Event& seen, int index) {
  if (of_earlier_life(context, knote, seen)) return refuse_earlier_life(context, seen, index);
  const auto refuse = [&](Verdict verdict, const char* rule, const char* what) {
    return context.refuse(verdict, rule, index,
                          [&] { return "{" + to_text(seen) + "} was delivered " + what; });
  };
  if (knote.orphan != Orphan::kNo) {
    return refuse(Verdict::kStaleGeneration, "I2", "after its descriptor was closed unseen");
  }
  // A final event needs nothing that the rules below ask for, but to be asked for, and an ENABLE.
  if (marked_final(seen) && !knote.forced) {
    return refuse(Verdict::kPhantom, "I6", "as a final event that nobody had asked for");
  }
  // Where the event shows no mark, ONESHOT is all that tells.
  if (knote.forced && knote.disabled && (marked_final(seen) || has_oneshot(seen))) {
    return knote.spent ? refuse(Verdict::kDuplicate, "I6'",
                                "as a final event before its knote was enabled again")
                       : refuse(Verdict::kPhantom, "I6", "as a final event while it is disabled");
  }
  if (knote.disabled && knote.spent) {
    return refuse(Verdict::kDuplicate, "I5", "again though nothing enabled it since");
  }
  if (knote.disabled) return refuse(Verdict::kPhantom, "I3", "while it is disabled");
  if (knote.delivered) {
    return refuse(Verdict::kDuplicate, "I9", "again though nothing activated it since");
  }
  if (now.ready == Tri::kNo) {
    return refuse(Verdict::kPhantom, "I10", "though its condition does not hold");
  }
  return refuse(Verdict::kPhantom, "2.7", "though nothing activated it");
}

Answer refuse_lost(const Context& context, const Knote& knote) {
  const char* rule = "I8";
  if (knote.forced) {
    rule = "I6";
  } else if (knote.is(flag::kClear)) {
    rule = "I9";
  }
  return context.refuse(Verdict::kLost, rule, -1, [&] {
    return named(knote) + " (flags " + flags_text(knote.flags) +
           ") is due and was not returned, though there was room";
  });
}

Answer compare_event(const Context& context, const Knote& knote, const Evaluation& now,
                     const Event& seen, int index) {
  const Expected expected = expected_event(context.profile, knote, now);
  const auto refuse = [&](Verdict verdict, const char* rule, const char* field,
                          const std::string& wanted) {
    return context.refuse(verdict, rule, index, [&] {
      return std::string("wrong ") + field + " in {" + to_text(seen) + "}, expected " + wanted;
    });
  };
  if (((seen.flags ^ expected.flags) & ~expected.flags_maybe) != 0) {
    return refuse(Verdict::kWrongAnswer, knote.forced || marked_final(seen) ? "I6" : "2.3", "flags",
                  flags_text(expected.flags));
  }
  if (seen.udata != knote.udata) {
    if (of_earlier_life(context, knote, seen)) return refuse_earlier_life(context, seen, index);
    return refuse(Verdict::kWrongUdata, "I12", "udata", hexadecimal(knote.udata));
  }
  if (knote.filter == filter::kVnode) {
    const uint32_t differ = (seen.fflags ^ expected.fflags) & ~expected.fflags_maybe;
    if (differ == 0 && (seen.fflags != 0 || knote.forced) && seen.data == 0) {
      return Answer::kAccepted;
    }
    return refuse(Verdict::kWrongAnswer, "3.7", "notes",
                  notes_text(knote.filter, expected.fflags) +
                      (expected.fflags_maybe == 0
                           ? ""
                           : ", perhaps " + notes_text(knote.filter, expected.fflags_maybe)));
  }
  const bool any = expected.fflags_or == kAnyErrno && seen.fflags < kErrnosEnd;
  if (!any && seen.fflags != expected.fflags && seen.fflags != expected.fflags_or) {
    return refuse(Verdict::kWrongAnswer, knote.filter == filter::kUser ? "3.3" : "2.3", "fflags",
                  values(expected.fflags, expected.fflags_or, knote.filter));
  }
  if (!expected.data.holds(seen.data)) {
    return refuse(Verdict::kWrongAnswer, "I11", "data", values(expected.data));
  }
  return Answer::kAccepted;
}

}  // namespace kqtorture::contract
