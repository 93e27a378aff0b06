// The kinds of subject that Subject::open() chooses between. Not for use outside this room.
#pragma once

#include <memory>
#include <string>

#include "subject/subject.h"

namespace kqtorture {

// The operating system's kqueue, or the one this program is linked with.
std::unique_ptr<Subject> open_native(std::string* error);

// A shared object that exports kqueue and kevent.
std::unique_ptr<Subject> open_shared_object(const std::string& spec, const std::string& path,
                                            bool emulator, std::string* error);

}  // namespace kqtorture
