// Mutants as shared objects: libkq compiled again with a patch, plain and instrumented for
// controlled schedules.
//
// How libkq is compiled is told by a recipe that its build leaves beside it. A mutant costs one
// compilation of each file that it changes; what was built before is taken from a folder, by a hash
// of everything that goes into it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/mutant.h"

namespace kqtorture {

struct Recipe {
  std::string compiler, patch_program;
  std::string source;                // the folder src/kqueue
  std::vector<std::string> sources;  // file names in it
  std::vector<std::string> flags, controlled_flags, link_flags;
};

// The recipe of this program's build. False and *error when there is none.
bool read_recipe(Recipe* recipe, std::string* error);

struct BuiltMutant {
  std::string plain, controlled;  // paths of the shared objects
  std::string failure;            // why there are none; empty when there are
};

class MutantBuilder {
 public:
  // folder: where shared objects, logs and what was left of earlier builds lie.
  MutantBuilder(Recipe recipe, std::string folder);

  // What the mutant's shared objects depend on, as 16 hexadecimal digits.
  std::string hash_of(const Mutant& mutant) const;

  // Builds what is missing, `jobs` compilers at a time; watch is told how many are done, of how
  // many. The result has an entry for each mutant. False and *error when not even libkq itself can
  // be built, or a signal came. kPlain: the instrumented ones are named, and not built.
  enum class Twins { kPlain, kBoth };
  bool build(const std::vector<Mutant>& mutants, size_t jobs, Twins twins,
             const std::function<void(size_t done, size_t all)>& watch,
             std::vector<BuiltMutant>* built, std::string* error);

 private:
  struct Task {
    size_t mutant;
    std::string script, log, result;
  };
  std::string objects_script(bool controlled) const;
  std::string mutant_script(const Mutant& mutant, bool controlled) const;
  std::string objects(bool controlled) const;
  std::string result_of(const Mutant& mutant, bool controlled) const;
  bool run(const std::vector<Task>& tasks, size_t jobs,
           const std::function<void(size_t, size_t)>& watch, std::vector<bool>* succeeded,
           std::string* error) const;

  Recipe recipe_;
  std::string folder_;
  uint64_t base_ = 0;  // hash of the sources and the recipe
};

}  // namespace kqtorture
