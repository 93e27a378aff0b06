// Takes the place of what a shared library imports: from then on its calls by that name, and nobody
// else's, reach the test. So the library stays as it is built for users, and the test's own calls,
// GoogleTest's and a sanitizer's go on to the C library.
#pragma once

#include <initializer_list>

namespace kqtorture {

struct Import {
  const char* name;  // as the linker knows it
  void* replacement;
};

// In the loaded library whose path ends in such a name (before its version). Returns how many of
// the imports were found, each of which may be kept in several places; -1 where libraries do not
// look as they do on 64-bit Linux. Whoever wants the original asks dlsym(RTLD_DEFAULT).
int replace_imports(const char* library, std::initializer_list<Import> imports);

}  // namespace kqtorture
