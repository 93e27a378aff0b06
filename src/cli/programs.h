// Where are the other programs of the suite? They lie beside this one, or, for the sanitized ones,
// in the build directory of their preset beside this one's.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace kqtorture {

// bin/<name> of this program's own build; not checked for existence.
std::string own_program(const std::string& name);
// ../<preset>/bin/<name>.
std::string preset_program(const std::string& preset, const std::string& name);
// lib/<name> of this program's own build.
std::string own_library(const std::string& name);

bool is_program(const std::string& path);

// All programs of the preset whose names end so, as full paths in alphabetical order.
std::vector<std::string> preset_programs_ending(const std::string& preset,
                                                const std::string& ending);

// The folder of the seeds that come with the source or with an installation; empty when there are
// none beside this program.
std::string seed_corpus(const std::string& target);

// This process's environment with some variables set, or, without a value, removed.
using Variables = std::map<std::string, std::optional<std::string>>;
std::vector<std::string> environment_with(const Variables& changes);

}  // namespace kqtorture
