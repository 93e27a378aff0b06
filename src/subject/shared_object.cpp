// A subject that is loaded: the emulator, or anyone's library with a kqueue in it.
//
// dlsym() on a handle also searches the libraries that the object depends on, so a question for
// "close" is answered with libc's by nearly every object, and on a BSD one for "kevent" too. A
// symbol therefore counts only when it lies in the file that was asked for. What the object does
// not have is the host's, as linked into this program; but an object that creates descriptors has
// numbers of its own, which must never reach the host: it has to bring the calls that use them, and
// those it lacks answer ENOSYS.
#include <dlfcn.h>
#include <sys/stat.h>
#if defined(__GLIBC__)
#include <link.h>
#endif

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "report/text.h"
#include "subject/convert.h"
#include "subject/host_calls.h"
#include "subject/layout.h"
#include "subject/library_file.h"
#include "subject/loaders.h"
#include "subject/profiles.h"

namespace kqtorture {
namespace {

// Longest name of a layout or profile that is looked at; all known ones are shorter.
constexpr size_t kMaxName = 32;

// Calls that make descriptors out of nothing. Those that copy one (dup, fcntl) are not among them:
// emulations over the host's descriptors interpose them without having numbers of their own.
constexpr const char* kCreators[] = {"pipe",   "pipe2",   "socketpair", "socket",
                                     "accept", "accept4", "open",       "openat"};
constexpr const char* kNeededByCreators[] = {"close", "read", "write"};

class Library {
 public:
  Library(void* handle, const struct stat& file) : handle_(handle), file_(file) {}

  // The symbol, if the object itself defines it.
  void* own(const char* name) const {
    void* symbol = dlsym(handle_, name);
    Dl_info info;
    struct stat file;
    const bool is_own = symbol != nullptr && dladdr(symbol, &info) != 0 &&
                        info.dli_fname != nullptr && stat(info.dli_fname, &file) == 0 &&
                        file.st_dev == file_.st_dev && file.st_ino == file_.st_ino;
    return is_own ? symbol : nullptr;
  }

  template <typename Function>
  bool assign(const char* name, Function* function) const {
    void* symbol = own(name);
    if (symbol != nullptr) *function = reinterpret_cast<Function>(symbol);
    return symbol != nullptr;
  }

  // A string that the object exports as an array of char. Read with a bound, and no further than
  // the symbol is long: a hostile one need not be terminated.
  std::optional<std::string> own_string(const char* name) const {
    const void* symbol = own(name);
    if (symbol == nullptr) return std::nullopt;
    const size_t limit = std::min(kMaxName, symbol_size(symbol));
    const char* text = static_cast<const char*>(symbol);
    return std::string(text, strnlen(text, limit));
  }

 private:
  static size_t symbol_size([[maybe_unused]] const void* symbol) {
#if defined(__GLIBC__)
    Dl_info info;
    void* entry = nullptr;
    if (dladdr1(symbol, &info, &entry, RTLD_DL_SYMENT) != 0 && entry != nullptr) {
      return static_cast<const ElfW(Sym)*>(entry)->st_size;
    }
#endif
    return kMaxName;
  }

  void* handle_;
  struct stat file_;
};

class SharedObjectSubject : public Subject {
 public:
  SharedObjectSubject(const std::string& spec, bool emulator) {
    spec_ = spec;
    emulator_ = emulator;
  }

  // False, with *error saying what is wrong, when the object is not a subject.
  bool bind(const Library& library, std::string* error) {
    return bind_calls(library, error) && read_layout(library, error) &&
           read_profile(library, error) && read_host(library, error);
  }

#if defined(__clang__)
  // The object was compiled with its own idea of struct kevent: the type can never match ours.
  __attribute__((no_sanitize("function")))
#endif
  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) const override {
    if (is_canonical(layout_)) {
      return kevent_(kq, changes, nchanges, events, nevents, timeout);
    }
    return converted_kevent(layout_, kevent_, kq, changes, nchanges, events, nevents, timeout);
  }

 private:
  bool bind_calls(const Library& library, std::string* error);
  bool read_layout(const Library& library, std::string* error);
  bool read_profile(const Library& library, std::string* error);
  bool read_host(const Library& library, std::string* error);

  NativeKevent kevent_ = nullptr;
};

bool SharedObjectSubject::bind_calls(const Library& library, std::string* error) {
  int (*create)() = nullptr;
  const bool has_kqueue = library.assign("kqueue", &create);
  if (!library.assign("kevent", &kevent_) || !has_kqueue) {
    *error = std::string("does not export ") + (has_kqueue           ? "kevent"
                                                : kevent_ != nullptr ? "kqueue"
                                                                     : "kqueue and kevent");
    return false;
  }
  const char* creator = nullptr;
  for (const char* name : kCreators) {
    if (creator == nullptr && library.own(name) != nullptr) creator = name;
  }
  for (const char* name : kNeededByCreators) {
    if (creator != nullptr && library.own(name) == nullptr) {
      *error = std::string("exports ") + creator + " but not " + name +
               "; an object that creates descriptors must export close, read and write too";
      return false;
    }
  }
  own_descriptors_ = creator != nullptr;
  calls_ = own_descriptors_ ? missing_calls() : host_calls();
  calls_.kqueue = create;
  library.assign("kqueue1", &calls_.kqueue1);
  library.assign("close", &calls_.close);
  library.assign("dup", &calls_.dup);
  library.assign("dup2", &calls_.dup2);
  library.assign("fcntl", &calls_.fcntl);
  library.assign("pipe", &calls_.pipe);
  library.assign("pipe2", &calls_.pipe2);
  library.assign("socketpair", &calls_.socketpair);
  library.assign("socket", &calls_.socket);
  library.assign("bind", &calls_.bind);
  library.assign("listen", &calls_.listen);
  library.assign("accept", &calls_.accept);
  library.assign("getsockname", &calls_.getsockname);
  library.assign("getsockopt", &calls_.getsockopt);
  library.assign("setsockopt", &calls_.setsockopt);
  library.assign("shutdown", &calls_.shutdown);
  library.assign("open", &calls_.open);
  if (own_descriptors_) {
    // What an emulation over the host's descriptors puts before these is for programs that are
    // linked with it: they hand out an error that it has taken for an event.
    library.assign("connect", &calls_.connect);
    library.assign("read", &calls_.read);
    library.assign("write", &calls_.write);
  }
  library.assign("kqueuex", &calls_.kqueuex);
  library.assign("dup3", &calls_.dup3);
  library.assign("close_range", &calls_.close_range);
  library.assign("fclose", &calls_.fclose);
  library.assign("freopen", &calls_.freopen);
  library.assign("closedir", &calls_.closedir);
  library.assign("sigaction", &calls_.sigaction);
  library.assign("raise", &calls_.raise);
  library.assign("kqtorture_interrupt", &hooks_.interrupt);
  library.assign("kqtorture_set_faults", &hooks_.set_faults);
  return true;
}

bool is_set(const char* value) { return value != nullptr && *value != '\0'; }

bool SharedObjectSubject::read_layout(const Library& library, std::string* error) {
  const char* override = std::getenv("KQ_LAYOUT");
  const bool overridden = is_set(override);
  const auto name =
      overridden ? std::optional<std::string>(override) : library.own_string("kqtorture_layout");
  if (!name) return true;
  const auto layout = layout_named(*name);
  if (!layout) {
    *error = std::string(overridden ? "KQ_LAYOUT" : "kqtorture_layout") + " is \"" +
             to_line(*name) + "\"; known are " + layout_names();
    return false;
  }
  layout_ = *layout;
  profile_ = default_profile(layout_);
  return true;
}

// KQ_PROFILE and KQ_HOST are applied by Subject::open(); what they override need not even be right.
bool SharedObjectSubject::read_profile(const Library& library, std::string* error) {
  if (is_set(std::getenv("KQ_PROFILE"))) return true;
  const auto name = library.own_string("kqtorture_profile");
  if (!name) return true;
  if (!is_profile(*name)) {
    *error = "kqtorture_profile is \"" + to_line(*name) + "\"; known are " + profile_names();
    return false;
  }
  profile_ = *name;
  return true;
}

bool SharedObjectSubject::read_host(const Library& library, std::string* error) {
  if (is_set(std::getenv("KQ_HOST"))) return true;
  const auto name = library.own_string("kqtorture_host");
  if (!name) return true;
  if (!is_host(*name)) {
    *error = "kqtorture_host is \"" + to_line(*name) + "\"; known are " + host_names();
    return false;
  }
  host_ = *name;
  return true;
}

}  // namespace

std::unique_ptr<Subject> open_shared_object(const std::string& spec, const std::string& path,
                                            bool emulator, std::string* error) {
  const std::string prefix =
      "subject " + to_line(emulator ? spec + " (" + path + ")" : spec) + ": ";
  struct stat file;
  std::string problem;
  if (!looks_like_library(path, &problem) || stat(path.c_str(), &file) != 0) {
    *error = prefix + problem;
    return nullptr;
  }
  // A name without a slash would be searched for in the system's directories.
  const std::string exact = path.find('/') == std::string::npos ? "./" + path : path;
  void* handle = dlopen(exact.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (handle == nullptr) {
    const char* reason = dlerror();
    *error = prefix + to_line(reason != nullptr ? reason : "cannot be loaded");
    return nullptr;
  }
  auto subject = std::make_unique<SharedObjectSubject>(spec, emulator);
  if (!subject->bind(Library(handle, file), &problem)) {
    *error = prefix + problem;
    return nullptr;
  }
  // Never unloaded: its threads may run, and its destructors belong to the process's end.
  return subject;
}

}  // namespace kqtorture
