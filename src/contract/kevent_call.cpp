// Compares what was planned with what was seen. The order of comparisons decides only which
// mismatch is told when there are several: the return value first, then entries in their order.
#include "contract/kevent_call.h"

#include <algorithm>
#include <cerrno>

#include "contract/scan.h"

namespace kqtorture::contract {
namespace {

std::string returned(const Outcome& seen) {
  std::string text = "the call returned " + std::to_string(seen.value);
  if (seen.value == -1) text += " " + errno_name(seen.error);
  return text;
}

Answer expect_failure(const Context& context, const Plan& plan, const Outcome& seen) {
  const bool same = seen.error == plan.error || (plan.error_or != 0 && seen.error == plan.error_or);
  if (seen.value == -1 && same) return Answer::kAccepted;
  return context.refuse(Verdict::kWrongErrno, plan.rule, -1, [&] {
    return returned(seen) + "; it fails with " + errno_name(plan.error) + " because " +
           plan.because;
  });
}

Answer expect_zero(const Context& context, const Plan& plan, const Outcome& seen) {
  if (seen.value == 0) return Answer::kAccepted;
  const Verdict verdict = seen.value == -1 ? Verdict::kWrongErrno : Verdict::kWrongAnswer;
  return context.refuse(verdict, plan.rule, -1, [&] {
    return returned(seen) + "; it returns 0 because " + std::string(plan.because);
  });
}

// fflags of an entry: given back, but where the contract leaves it open.
bool fflags_fit(const Profile& profile, const Entry& entry, const Event& change, uint32_t seen) {
  const bool made = entry.created && entry.error == 0;
  if (made && profile.entry_zeroes_fflags) return seen == 0;
  if (seen == change.fflags) return true;
  if (entry.created) return seen == 0;  // the filter refused a knote that was made already
  return change.filter == filter::kUser && seen == (change.fflags & note::kFfFlagsMask);
}

Answer compare_entry(const Context& context, const Entry& entry, const Event& change, int index,
                     const Event& seen) {
  const Event expected = entry_event(context.profile, entry, change);
  const auto refuse = [&](Verdict verdict, const char* field) {
    return context.refuse(verdict, verdict == Verdict::kWrongUdata ? "I12" : "1.5", index, [&] {
      return std::string("wrong ") + field + " in the entry of change " +
             std::to_string(entry.change) + ": {" + to_text(seen) + "}, expected {" +
             to_text(expected) + "}";
    });
  };
  if (seen.ident != expected.ident || seen.filter != expected.filter) {
    return refuse(Verdict::kWrongAnswer, "key");
  }
  const bool other_error = entry.error_or != 0 && seen.data == entry.error_or;
  if (seen.data != expected.data && !other_error) return refuse(Verdict::kWrongErrno, "data");
  if (seen.flags != expected.flags) return refuse(Verdict::kWrongAnswer, "flags");
  if (seen.udata != expected.udata) return refuse(Verdict::kWrongUdata, "udata");
  if (!fflags_fit(context.profile, entry, change, seen.fflags)) {
    return refuse(Verdict::kWrongAnswer, "fflags");
  }
  return Answer::kAccepted;
}

Answer compare_entries(const Context& context, const Plan& plan, const Op& op,
                       const Outcome& seen) {
  const bool more_may_follow = plan.what == Plan::kScans;
  if (seen.value < plan.entries || (seen.value > plan.entries && !more_may_follow)) {
    const Verdict verdict = seen.value == -1 ? Verdict::kWrongErrno : Verdict::kWrongAnswer;
    return context.refuse(verdict, "I13", -1, [&] {
      return returned(seen) + "; the changes leave " + std::to_string(plan.entries) +
             " entries and nothing else";
    });
  }
  for (int i = 0; i < plan.entries; i++) {
    if (op.events_writable != Op::kAll && i >= op.events_writable) break;  // nobody can see it
    const Entry& entry = plan.entry[i];
    const Answer answer = compare_entry(context, entry, *entry.given, i, seen.events[i]);
    if (answer != Answer::kAccepted) return answer;
  }
  return Answer::kAccepted;
}

}  // namespace

Answer judge_kevent(const Context& context, const Op& op, const Outcome& seen) {
  Plan plan;
  plan_kevent(context, op, &plan);
  switch (plan.what) {
    case Plan::kUndecided:
      return context.undecided();
    case Plan::kFails:
      return expect_failure(context, plan, seen);
    case Plan::kReturns:
      return expect_zero(context, plan, seen);
    case Plan::kEntries:
      return compare_entries(context, plan, op, seen);
    case Plan::kScans:
      break;
  }
  const bool faulted = seen.value == -1 && seen.error == EFAULT && op.events_writable != Op::kAll;
  if (plan.entries > 0 && !faulted) {
    const Answer answer = compare_entries(context, plan, op, seen);
    if (answer != Answer::kAccepted) return answer;
  }
  if (faulted) {
    const int64_t writable = std::max(op.events_writable - plan.entries, 0);
    return judge_faulting_scan(context, plan.kqueue, writable, plan.room - plan.entries);
  }
  if (seen.value == -1) {
    return context.refuse(Verdict::kWrongErrno, "1.3", -1,
                          [&] { return returned(seen) + "; nothing in it is wrong"; });
  }
  return judge_scan(context, plan.kqueue, op, seen, plan.entries, plan.room);
}

}  // namespace kqtorture::contract
