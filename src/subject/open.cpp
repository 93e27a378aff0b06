// Which kqueue is tested, and by which rules? Everything that the environment and the caller can
// say about a subject is decided here; how it is reached is the loaders' business.
//
// Compiled a second time with KQT_SUBJECT_LINKED, for programs that are linked with the kqueue they
// test: those have one subject and no choice.
#include <cstdlib>

#include "report/text.h"
#include "subject/executable.h"
#include "subject/loaders.h"
#include "subject/profiles.h"

namespace kqtorture {
namespace {

#if defined(KQT_SUBJECT_LINKED)
constexpr bool kLinked = true;
#else
constexpr bool kLinked = false;
#endif

// The variable's value; an empty one counts as not set.
const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr && *value != '\0' ? value : nullptr;
}

std::string emulator_path() {
  if (const char* path = environment("KQ_LIBKQ")) return path;
  return executable_directory() + "/../lib/libkq.so";
}

constexpr const char* kProfiles[] = {"strict-2006", "freebsd13", "freebsd", "netbsd",
                                     "openbsd",     "dragonfly", "macos",   "libkqueue"};

// A choice of profile by the environment is checked before a stranger's code is loaded.
bool profile_override(std::string* profile, std::string* error) {
  const char* name = environment("KQ_PROFILE");
  if (name == nullptr) return true;
  if (!is_profile(name)) {
    *error =
        "KQ_PROFILE: no profile is called \"" + to_line(name) + "\"; there are " + profile_names();
    return false;
  }
  *profile = name;
  return true;
}

}  // namespace

bool is_profile(std::string_view name) {
  for (const char* profile : kProfiles) {
    if (name == profile) return true;
  }
  return false;
}

std::string profile_names() {
  std::string names;
  for (const char* profile : kProfiles) names += (names.empty() ? "" : ", ") + std::string(profile);
  return names;
}

std::string Subject::default_spec() {
  if (kLinked) return "native";
  if (const char* spec = environment("KQ_SUBJECT")) return spec;
#if defined(__linux__)
  return "emulator";
#else
  return "native";
#endif
}

std::unique_ptr<Subject> Subject::open(const std::string& spec, std::string* error) {
  std::string profile;
  if (!profile_override(&profile, error)) return nullptr;
  std::unique_ptr<Subject> subject;
  if (spec == "native") {
    subject = open_native(error);
  } else if (kLinked) {
    *error = "subject " + to_line(spec) +
             ": this program is linked with the kqueue it tests, which is \"native\"";
  } else if (spec == "emulator") {
    subject = open_shared_object(spec, emulator_path(), true, error);
  } else if (spec.empty()) {
    *error = "no subject given: emulator, native, or the path of a shared object";
  } else {
    subject = open_shared_object(spec, spec, false, error);
  }
  if (subject != nullptr && !profile.empty()) subject->profile_ = profile;
  return subject;
}

}  // namespace kqtorture
