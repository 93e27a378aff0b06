// Which deliveries may one scan of a kqueue make? (2.3)
#pragma once

#include "contract/context.h"
#include "contract/operation.h"

namespace kqtorture::contract {

// The knotes of one kqueue as its scan finds them.
struct ScanView {
  struct Slot {
    uint8_t knote = 0;  // index into State::knote
    Tri due = Tri::kNo;
    bool delivered = false;
    bool gone = false;
    Evaluation now;
  };
  int count = 0;
  Slot slot[kMaxKnotes];
};

// Begins a scan: evaluates every knote, makes definite what a scan notices.
void open_scan(const Context& context, uint8_t kqueue, ScanView* view);
// Delivers the event of a slot, which showed `flags`. The knote may be gone afterwards: end_scan()
// removes it.
void deliver_slot(const Context& context, uint16_t flags, ScanView::Slot* slot);
// A scan that stopped when its list was full left alone a queued knote that perhaps was not due.
// `reached`: perhaps it came to it, and then the knote is out of the queue.
void leave_undue(const Context& context, bool reached, Knote* knote);
// Something may still come to the knote of which nobody knows when.
bool more_may_come(const Context& context, const Knote& knote);
void end_scan(const Context& context, ScanView* view);

// Entries of `seen` from `first` on are the deliveries.
Answer judge_scan(const Context& context, uint8_t kqueue, const Op& op, const Outcome& seen,
                  int first, int64_t room);
// The call failed with EFAULT because of its event list, and may have swallowed events. `writable`
// and `room`: of the list, behind the entries of changes.
Answer judge_faulting_scan(const Context& context, uint8_t kqueue, int64_t writable, int64_t room);

// Why was this event not to come?
Answer refuse_unknown(const Context& context, uint8_t kqueue, const Event& seen, int index);
Answer refuse_undue(const Context& context, const Knote& knote, const Evaluation& now,
                    const Event& seen, int index);
Answer refuse_lost(const Context& context, const Knote& knote);
// Compares the fields of a delivery.
Answer compare_event(const Context& context, const Knote& knote, const Evaluation& now,
                     const Event& seen, int index);

}  // namespace kqtorture::contract
