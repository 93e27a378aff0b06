// Which kqueue is tested, and by which rules? Everything that the environment and the caller can
// say about a subject is decided here; how it is reached is the loaders' business.
//
// Compiled a second time with KQT_SUBJECT_LINKED, for programs that are linked with the kqueue they
// test: those have one subject and no choice.
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>

#include "report/text.h"
#include "subject/executable.h"
#include "subject/faults.h"
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
  // Beside bin/ in a build and in an installation; below the fuzz targets of a service, which keeps
  // one folder.
  const std::string usual = executable_directory() + "/../lib/libkq.so";
  const std::string below = executable_directory() + "/lib/libkq.so";
  return access(usual.c_str(), F_OK) != 0 && access(below.c_str(), F_OK) == 0 ? below : usual;
}

constexpr const char* kProfiles[] = {"strict-2006", "freebsd13", "freebsd", "netbsd",
                                     "openbsd",     "dragonfly", "macos",   "libkqueue"};

constexpr const char* kHosts[] = {"linux", "linux-at-once", "bsd"};

template <size_t kSize>
bool is_one_of(const char* const (&names)[kSize], std::string_view name) {
  return std::find(std::begin(names), std::end(names), name) != std::end(names);
}

template <size_t kSize>
std::string joined(const char* const (&names)[kSize]) {
  std::string text;
  for (const char* name : names) text += (text.empty() ? "" : ", ") + std::string(name);
  return text;
}

// Choices by the environment are checked before a stranger's code is loaded.
bool override_of(const char* variable, const char* kind, bool (*known)(std::string_view),
                 std::string (*names)(), std::string* chosen, std::string* error) {
  const char* name = environment(variable);
  if (name == nullptr) return true;
  if (!known(name)) {
    *error = std::string(variable) + ": no " + kind + " is called \"" + to_line(name) +
             "\"; there are " + names();
    return false;
  }
  *chosen = name;
  return true;
}

}  // namespace

bool is_profile(std::string_view name) { return is_one_of(kProfiles, name); }
std::string profile_names() { return joined(kProfiles); }
bool is_host(std::string_view name) { return is_one_of(kHosts, name); }
std::string host_names() { return joined(kHosts); }

std::string Subject::default_spec() {
  if (kLinked) return "native";
  if (const char* spec = environment("KQ_SUBJECT")) return spec;
#if defined(__linux__)
  return "emulator";
#else
  return "native";
#endif
}

std::string Subject::preload_for(const std::string& spec) {
  if (kLinked || spec != "emulator") return "";
  const std::string path = emulator_path();
  return access(path.c_str(), R_OK) == 0 ? path : "";  // open() says what is wrong
}

std::unique_ptr<Subject> Subject::open(const std::string& spec, std::string* error) {
  std::string profile;
  std::string host;
  if (!override_of("KQ_PROFILE", "profile", is_profile, profile_names, &profile, error) ||
      !override_of("KQ_HOST", "host", is_host, host_names, &host, error)) {
    return nullptr;
  }
  const auto faults = faults_asked_for(error);
  if (!faults) return nullptr;
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
  if (subject != nullptr && faults->per_million > 0 && subject->hooks_.set_faults == nullptr) {
    *error = "KQ_FAULTS: subject " + to_line(spec) + " does not export kqtorture_set_faults";
    return nullptr;
  }
  if (subject != nullptr && !profile.empty()) subject->profile_ = profile;
  if (subject != nullptr && !host.empty()) subject->host_ = host;
  // Its struct is FreeBSD 11's, so it goes by that name, too; but its numbers are its own.
  const bool stranger = subject != nullptr && !subject->is_emulator() && spec != "native";
  if (stranger && subject->layout_ == Layout::kFreebsd11 && subject->profile_ == "libkqueue") {
    subject->layout_ = Layout::kLibkqueue;
  }
  return subject;
}

void Subject::interrupt(pthread_t thread, int signal) const {
  if (hooks_.interrupt != nullptr) {
    hooks_.interrupt(thread);
  } else {
    pthread_kill(thread, signal);
  }
}

}  // namespace kqtorture
