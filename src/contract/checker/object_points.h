// The points that are no business of a kqueue's, but change what its knotes watch.
#pragma once

#include "contract/checker/point.h"

namespace kqtorture::contract::checking {

Misfit place_on_object(const Rules& rules, const Point& point, const World& world);

}  // namespace kqtorture::contract::checking
