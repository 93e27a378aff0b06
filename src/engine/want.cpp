// Entries stand in the order of their changes, so each is the first change like it that is left.
#include "engine/want.h"

#include <algorithm>
#include <cerrno>

#include "contract/vocabulary.h"

namespace kqtorture {
namespace {

using contract::Event;

bool tells_of(const Event& entry, const Event& change) {
  return entry.ident == change.ident && entry.filter == change.filter &&
         entry.udata == change.udata;
}

bool is_want(const Event& entry) {
  return entry.flags == contract::flag::kError && entry.data == ENOMEM;
}

}  // namespace

WithoutWant::Answer WithoutWant::take(const contract::Op& op, const contract::Outcome& seen) {
  using contract::Op;
  op_ = op;
  outcome_ = seen;
  if (seen.value == -1 && seen.error == ENOMEM) {
    if (op.nchanges != 1 || op.changes_readable != Op::kAll) return Answer::kUnknown;
    if ((op.changes[0].flags & contract::flag::kAdd) == 0) return Answer::kWrong;
    op_.nchanges = op_.nevents = 0;
    outcome_ = {};
    return Answer::kTaken;
  }
  if (seen.value <= 0 || seen.events == nullptr) return Answer::kNothing;
  if (op.events_writable != Op::kAll ||
      std::none_of(seen.events, seen.events + seen.value, is_want))
    return Answer::kNothing;
  if (op.changes_readable != Op::kAll || op.nchanges <= 0) return Answer::kUnknown;
  changes_.assign(op.changes, op.changes + op.nchanges);
  events_.clear();
  size_t from = 0;
  for (int64_t i = 0; i < seen.value; i++) {
    const Event& entry = seen.events[i];
    if (!is_want(entry)) {
      events_.push_back(entry);
      continue;
    }
    const auto like = [&](const Event& change) { return tells_of(entry, change); };
    const auto begin = changes_.begin() + static_cast<std::ptrdiff_t>(from);
    const auto at = std::find_if(begin, changes_.end(), like);
    if (at == changes_.end()) return Answer::kWrong;
    if (std::find_if(at + 1, changes_.end(), like) != changes_.end()) return Answer::kUnknown;
    if ((at->flags & contract::flag::kAdd) == 0) return Answer::kWrong;
    from = static_cast<size_t>(changes_.erase(at) - changes_.begin());
  }
  const auto taken = static_cast<int>(seen.value - static_cast<int64_t>(events_.size()));
  op_.changes = changes_.data();
  op_.nchanges -= taken;
  // A call with entries does not go on to wait, nor did this one.
  op_.nevents = events_.empty() ? 0 : op_.nevents - taken;
  outcome_.value = static_cast<int64_t>(events_.size());
  outcome_.events = events_.data();
  return Answer::kTaken;
}

}  // namespace kqtorture
