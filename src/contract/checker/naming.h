// Which rule is broken, in words?
//
// When nothing explains a call, the explanations that had come so far say why: the knote was gone,
// and how it went, or disabled, and by whom, or its object was not ready. From that follow the word
// of the verdict and the rule of the contract.
#pragma once

#include "contract/checker/checker.h"
#include "contract/checker/component.h"

namespace kqtorture::contract::checking {

// For a call of `component` whose end could not be placed.
Violation name_stuck(const HistoryView& history, OpRef guilty, Component* component,
                     Component::Handle handle);

// For a knote that was due in all explanations and not delivered, or delivered only to the probe
// while waiters slept.
Violation name_overdue(const Component& component, const World& world, size_t cell,
                       bool waiters_slept, bool probed);

// Is the call on the object itself what cannot be explained?
bool is_object_call(const HistoryOp& op);

}  // namespace kqtorture::contract::checking
