// Everything is relative to the running program, so that no path of the machine that built it is
// compiled in, and a build directory can be moved.
#include "cli/programs.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "subject/executable.h"

extern char** environ;

namespace kqtorture {
namespace {

std::string preset_directory(const std::string& preset) {
  return executable_directory() + "/../../" + preset + "/bin";
}

std::string tidy(const std::string& path) {
  return std::filesystem::path(path).lexically_normal().string();
}

}  // namespace

std::string own_program(const std::string& name) { return executable_directory() + "/" + name; }

std::string preset_program(const std::string& preset, const std::string& name) {
  return tidy(preset_directory(preset) + "/" + name);
}

std::string own_library(const std::string& name) {
  return tidy(executable_directory() + "/../lib/" + name);
}

bool is_program(const std::string& path) {
  struct stat status;
  return stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         access(path.c_str(), X_OK) == 0;
}

std::vector<std::string> preset_programs_ending(const std::string& preset,
                                                const std::string& ending) {
  std::vector<std::string> programs;
  std::error_code error;
  for (std::filesystem::directory_iterator it(preset_directory(preset), error), end;
       !error && it != end; it.increment(error)) {
    const std::string name = it->path().filename().string();
    const bool matches = name.size() > ending.size() &&
                         name.compare(name.size() - ending.size(), ending.size(), ending) == 0;
    const std::string path = preset_program(preset, name);
    if (matches && is_program(path)) programs.push_back(path);
  }
  std::sort(programs.begin(), programs.end());
  return programs;
}

std::string seed_corpus(const std::string& target) {
  // Three up from build/<preset>/bin, one up from where an installation keeps the programs.
  for (const char* root : {"/../../../corpus/", "/../corpus/"}) {
    const std::string path = tidy(executable_directory() + root + target);
    std::error_code error;
    if (std::filesystem::is_directory(path, error)) return path;
  }
  return "";
}

std::vector<std::string> environment_with(const Variables& changes) {
  std::vector<std::string> result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (changes.count(text.substr(0, text.find('='))) == 0) result.push_back(text);
  }
  for (const auto& [name, value] : changes) {
    if (value) result.push_back(name + "=" + *value);
  }
  return result;
}

}  // namespace kqtorture
