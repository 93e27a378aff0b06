// Reading and parsing report their problems differently; a person wants the file's name in both.
#include "cli/finding_file.h"

#include "report/files.h"

namespace kqtorture {
namespace {

// As much as from_json() accepts.
constexpr size_t kMaxBytes = size_t{16} << 20;

}  // namespace

bool load_finding(const std::string& path, Finding* finding, std::string* error) {
  std::string text;
  if (!read_file(path, kMaxBytes, &text, error)) return false;
  if (from_json(text, finding, error)) return true;
  *error = path + ": " + *error;
  return false;
}

}  // namespace kqtorture
