// What is tested: one kqueue with the descriptor calls that go with it.
//
// Every engine, test, fuzzer and bench reaches the kqueue under test through this interface and
// through nothing else, so that the emulator, the operating system's own kqueue and a stranger's
// shared object are tortured by the same code. Descriptor numbers belong to the subject: they may
// start at 0 and mean nothing to the host, so never hand one to the host's calls.
#pragma once

#include <dirent.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <time.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace kqtorture {

// One kevent in canonical form: the layout of FreeBSD 11 with FreeBSD's filter numbers and flag
// values, whatever the subject's own are. Subjects with that layout get the caller's pointers
// untouched, so bad pointers and aliased lists reach them as the scenario made them.
struct Kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  intptr_t data;
  void* udata;
};
static_assert(sizeof(Kevent) == 4 * sizeof(void*) || sizeof(void*) == 4);

namespace filter {
inline constexpr int16_t kRead = -1, kWrite = -2, kAio = -3, kVnode = -4, kProc = -5, kSignal = -6,
                         kTimer = -7, kProcdesc = -8, kFs = -9, kLio = -10, kUser = -11,
                         kSendfile = -12, kEmpty = -13;
}  // namespace filter

namespace flag {
inline constexpr uint16_t kAdd = 0x0001, kDelete = 0x0002, kEnable = 0x0004, kDisable = 0x0008,
                          kOneshot = 0x0010, kClear = 0x0020, kReceipt = 0x0040, kDispatch = 0x0080,
                          kForceOneshot = 0x0100, kKeepUdata = 0x0200, kUnknown400 = 0x0400,
                          kUnknown800 = 0x0800, kSysflags = 0xF000, kError = 0x4000, kEof = 0x8000;
}  // namespace flag

namespace note {
inline constexpr uint32_t kLowat = 0x1, kFilePoll = 0x2;
inline constexpr uint32_t kFfNop = 0, kFfAnd = 0x40000000, kFfOr = 0x80000000, kFfCopy = 0xc0000000,
                          kFfCtrlMask = 0xc0000000, kFfFlagsMask = 0x00ffffff,
                          kTrigger = 0x01000000;
inline constexpr uint32_t kSeconds = 0x1, kMseconds = 0x2, kUseconds = 0x4, kNseconds = 0x8,
                          kAbstime = 0x10;
// EVFILT_VNODE.
inline constexpr uint32_t kDelete = 0x1, kWrite = 0x2, kExtend = 0x4, kAttrib = 0x8, kLink = 0x10,
                          kRename = 0x20, kRevoke = 0x40, kOpen = 0x80, kClose = 0x100,
                          kCloseWrite = 0x200, kRead = 0x400, kAllVnode = 0x7ff;
inline constexpr uint32_t kExit = 0x80000000, kFork = 0x40000000, kExec = 0x20000000, kTrack = 0x1,
                          kTrackErr = 0x2, kChild = 0x4;
}  // namespace note

// How struct kevent lies in the subject's memory, and which numbers its filters have. The first is
// the canonical form and needs no conversion; kNetbsdExt is NetBSD's with ext[4]; the last three
// have the canonical fields, but numbers of their own.
enum class Layout {
  kFreebsd11,
  kFreebsd12,
  kNetbsd,
  kNetbsdExt,
  kOpenbsd,
  kDragonfly,
  kMacos,
  kLibkqueue
};

// The libc-shaped entry points. Each is the subject's own where it exports one, else the host's as
// linked into this program (under a sanitizer: its interceptor). All report errors by -1 and errno.
struct SubjectCalls {
  int (*kqueue)();
  int (*kqueue1)(int flags);  // null when the subject has none
  int (*close)(int);
  int (*dup)(int);
  int (*dup2)(int, int);
  int (*fcntl)(int, int, ...);
  int (*pipe)(int[2]);
  int (*pipe2)(int[2], int);
  int (*socketpair)(int, int, int, int[2]);
  int (*socket)(int, int, int);
  int (*bind)(int, const struct sockaddr*, socklen_t);
  int (*listen)(int, int);
  int (*accept)(int, struct sockaddr*, socklen_t*);
  int (*connect)(int, const struct sockaddr*, socklen_t);
  int (*getsockname)(int, struct sockaddr*, socklen_t*);
  int (*getsockopt)(int, int, int, void*, socklen_t*);
  int (*setsockopt)(int, int, int, const void*, socklen_t);
  int (*shutdown)(int, int);
  ssize_t (*read)(int, void*, size_t);
  ssize_t (*write)(int, const void*, size_t);
  int (*open)(const char*, int, ...);
  // Other ways to the same ends. Null where neither the subject nor its host has one, and for
  // subjects with descriptor numbers of their own.
  int (*kqueuex)(unsigned flags);
  int (*dup3)(int, int, int);
  int (*close_range)(unsigned first, unsigned last, int flags);
  int (*fclose)(FILE*);
  FILE* (*freopen)(const char* path, const char* mode, FILE*);
  int (*closedir)(DIR*);
  // Posts a signal to this process, so that it has been posted when the call returns.
  int (*raise)(int signal);
  int (*sigaction)(int signal, const struct sigaction* act, struct sigaction* old);
};

// What a subject may export beside the calls, under these names with kqtorture_ in front; null
// where it does not. docs/subjects.md says what they promise.
struct SubjectHooks {
  // Ends the wait, in kevent or any other of the subject's calls, that the thread is in: it fails
  // with EINTR. Returns 0, or -1 if the thread does not wait, and then it has no effect.
  int (*interrupt)(pthread_t thread);
  // From now on each step that the contract allows to fail does so this often; 0 is never.
  void (*set_faults)(unsigned per_million, uint64_t seed);
};

class Subject {
 public:
  virtual ~Subject() = default;

  // Opens the subject named by spec: "emulator", "native", or the path of a shared object that
  // exports kqueue and kevent. On failure returns null and sets *error to one clear line; the
  // caller exits with 2. Loading runs the object's constructors: do it in a worker (worker.h).
  static std::unique_ptr<Subject> open(const std::string& spec, std::string* error);

  // KQ_SUBJECT, or the platform's default: "emulator" on Linux, "native" elsewhere.
  static std::string default_spec();

  // What a worker that will open spec is best started with (SupervisorOptions::preload): the
  // emulator, which then sees every descriptor the process closes or duplicates, as it does in a
  // program linked with it, and may rely on that. Empty for all others.
  static std::string preload_for(const std::string& spec);

  // The contract's kevent(), in canonical form: counts and pointers as the caller gives them.
  virtual int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
                     const timespec* timeout) const = 0;

  const SubjectCalls& calls() const { return calls_; }
  const SubjectHooks& hooks() const { return hooks_; }
  // Ends the wait that the thread is in with EINTR, by the hook, else by the signal, of which the
  // caller has installed a handler without SA_RESTART. One that is about to wait may miss it.
  void interrupt(pthread_t thread, int signal) const;
  const std::string& spec() const { return spec_; }
  // The name of the profile (CONTRACT: section "profiles") this subject is judged by: KQ_PROFILE,
  // the object's own kqtorture_profile, or the default for the kind of subject.
  const std::string& profile() const { return profile_; }
  // Whose pipes, sockets and files it reports on: the host table's name (contract/host.h) given by
  // KQ_HOST or the object's own kqtorture_host; empty when nobody said so.
  const std::string& host() const { return host_; }
  // It makes its pipes itself, a virtual kernel: nothing of what is known about the host's applies.
  bool has_own_descriptors() const { return own_descriptors_; }
  Layout layout() const { return layout_; }
  bool is_emulator() const { return emulator_; }

  // Shorthands for the calls scenarios use most.
  int kqueue() const { return calls_.kqueue(); }
  int close(int fd) const { return calls_.close(fd); }
  ssize_t read(int fd, void* buffer, size_t size) const { return calls_.read(fd, buffer, size); }
  ssize_t write(int fd, const void* buffer, size_t size) const {
    return calls_.write(fd, buffer, size);
  }

 protected:
  SubjectCalls calls_{};
  SubjectHooks hooks_{};
  std::string spec_;
  std::string profile_ = "strict-2006";
  std::string host_;
  Layout layout_ = Layout::kFreebsd11;
  bool emulator_ = false;
  bool own_descriptors_ = false;
};

}  // namespace kqtorture
