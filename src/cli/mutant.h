// A planted bug: a patch on src/kqueue whose header says what it is.
//
//   What was done wrong, and how it shows, in a few lines.
//   origin:     B42, or "derived", or "mechanical"
//   platform:   where it happened
//   rule:       I8, I9a
//   kind:       sequential | race of depth N | liveness | memory; anything else to say
//   equivalent: the argument why nobody can tell it from the sound one (then nothing has to)
//
//   --- a/src/kqueue/...
#pragma once

#include <string>
#include <vector>

namespace kqtorture {

struct Mutant {
  std::string name;  // of the file, without ".patch"
  std::string path;
  std::string patch;  // the whole text; empty: libkq as it is
  std::string story, origin, platform, rule, kind, equivalent;
  int depth = 0;                     // of a race: 2 to 4, else 0
  std::vector<std::string> changed;  // the files of src/kqueue it changes, "scan.cpp"

  bool sound() const { return patch.empty(); }
};

// The patches that `paths` name: files, and folders with all below them, in alphabetical order of
// their names. False and *error, one line that names the file, when one is none, changes anything
// but src/kqueue, lacks origin, rule or kind, or has another's name.
bool read_mutants(const std::vector<std::string>& paths, std::vector<Mutant>* mutants,
                  std::string* error);

}  // namespace kqtorture
