// A finding that a person names on the command line: anyone's file, read with care.
#pragma once

#include <string>

#include "report/finding.h"

namespace kqtorture {

// False, with one line in *error that names the file, when it is not a finding.
bool load_finding(const std::string& path, Finding* finding, std::string* error);

}  // namespace kqtorture
