// Which programs hang or panic a kernel that is known to have the bug?
//
// A shared object takes its process down and is started again; a kernel takes the machine. So on
// `native` such a program runs only for who said so (--dangerous).
#pragma once

#include <string>
#include <string_view>

#include "scenario/program.h"

namespace kqtorture {

// What the program would do to the kernel of this platform, named by its profile, in one phrase;
// empty when nothing of the kind is known (CONTRACT.md, sections 1.5, 2.13 and 5).
std::string danger_on(std::string_view platform, const Program& program);

}  // namespace kqtorture
