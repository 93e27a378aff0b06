// Operations on the fixture, and the bookkeeping that goes with each.
#include "flags_world.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/eventfd.h>
#include <sys/syscall.h>
#endif

#include <algorithm>
#include <cstdio>

#include "scratch_folder.h"

namespace kqtorture::flags {

namespace {

// Writes stay below what any pipe or socket buffer holds, so that only kFill ever fills one.
constexpr int64_t kSizes[] = {1, 8, 100, 512};
constexpr int64_t kReads[] = {1, 8, 100, 4096};
// High enough that neither the fixture nor a library's own descriptors come near.
constexpr int kClosedNumber = 700;
// Longer than the shortest timers that data_of() can ask for, in microseconds.
constexpr int64_t kPauseUs = 20;

char scratch[65536];

// One file for all inputs: its contents never change, its offset belongs to each open().
const std::string& file_path() {
  static const std::string path = [] {
    const std::string name = ScratchFolder::of_this_process() + "/file";
    const int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, scratch, kFileBytes) != kFileBytes) {
      perror(name.c_str());
      _exit(2);
    }
    close(fd);
    return name;
  }();
  return path;
}

// Likewise an empty directory.
const std::string& directory_path() {
  static const std::string path = [] {
    const std::string name = ScratchFolder::of_this_process() + "/directory";
    if (mkdir(name.c_str(), 0700) != 0) {
      perror(name.c_str());
      _exit(2);
    }
    return name;
  }();
  return path;
}

int64_t size_of(int fd) {
  struct stat status;
  return fstat(fd, &status) == 0 ? status.st_size : 0;
}

const char* stream_mode(int fd) {
  const int access = fcntl(fd, F_GETFL) & O_ACCMODE;
  return access == O_RDONLY ? "r" : access == O_WRONLY ? "w" : "r+";
}

}  // namespace

bool has_host_descriptors(const Subject& subject) {
  const SubjectCalls& calls = subject.calls();
  return calls.read == static_cast<ssize_t (*)(int, void*, size_t)>(::read) &&
         calls.pipe == static_cast<int (*)(int[2])>(::pipe);
}

bool detects_unseen_closes(const Subject& subject) {
  return has_host_descriptors(subject) && subject.profile() == "strict-2006";
}

World::World(const Subject& subject)
    : subject_(subject), host_descriptors_(has_host_descriptors(subject)) {
  kinds_.reserve(kMaxSteps + kSlots);
}

World::~World() { tear_down(); }

bool World::build(Witness* witness) {
  witness_ = witness;
  bool ok = open_kind(Kind::kPipe, 0) == 0 && open_kind(Kind::kSocketpair, 2) == 0;
  if (host_descriptors_) {
    ok = ok && open_kind(Kind::kEventfd, 4) == 0 && open_kind(Kind::kFile, 5) == 0;
    const int number = ok ? subject_.calls().fcntl(slots_[0].fd, F_DUPFD, kClosedNumber) : -1;
    ok = number >= 0;
    if (ok) tell(contract::OpKind::kDup, slots_[0].fd, 0, 0, number);
    if (ok) tell(contract::OpKind::kClose, number, 0, subject_.close(number));
    slots_[6].fd = number;
  }
  return ok && open_kind(Kind::kKqueue, 7) == 0 && open_kind(Kind::kKqueue, 8) == 0;
}

void World::tear_down() {
  witness_ = nullptr;
  for (int slot = 0; slot < kSlots; slot++) close_slot(slot);
}

void World::tell(contract::OpKind kind, int fd, int64_t amount, int64_t value, int new_fd,
                 int new_fd2, uint64_t counter) const {
  if (witness_ == nullptr) return;
  contract::Op op;
  op.kind = kind;
  op.fd = fd;
  op.amount = amount;
  contract::Outcome outcome;
  outcome.value = value;
  outcome.error = value < 0 ? errno : 0;
  outcome.fd = new_fd;
  outcome.fd2 = new_fd2;
  outcome.counter = counter;
  if (kind == contract::OpKind::kDup2) op.fd2 = new_fd;
  witness_->called(op, outcome);
}

const Slot* World::find(int64_t fd) const {
  for (const Slot& slot : slots_) {
    if (slot.open && slot.fd == fd) return &slot;
  }
  return nullptr;
}

bool World::taken_by_others(int fd) const {
  if (fd < 0 || find(fd)) return false;
  return subject_.calls().fcntl(fd, F_GETFD) != -1;
}

int World::callee(uint8_t slot) const {
  if (slot >= kSlots) return slot == kSlots ? -1 : slot == kSlots + 1 ? INT_MAX : INT_MIN;
  const int fd = slots_[slot].fd;
  return taken_by_others(fd) ? -1 : fd;
}

uintptr_t World::ident(uint8_t index, int16_t filter) const {
  const bool any_number = filter == filter::kUser || filter == filter::kTimer;
  if (index < kSlots) {
    const int fd = slots_[index].fd;
    return fd < 0 || (!any_number && taken_by_others(fd)) ? uintptr_t{INT_MAX}
                                                          : static_cast<uintptr_t>(fd);
  }
  constexpr uintptr_t kNotOpen = 0x10000;
  switch (index) {
    case 12:
    case 13:
    case 14:
    case 15:
      return any_number ? index - 12u : kNotOpen + index;
    case 16:
      return UINTPTR_MAX;
    case 17:
      return INT_MAX;
    case 18:
      return uintptr_t{INT_MAX} + 1;
    case 19:
      return UINT_MAX;
    case 20:  // equal to an open descriptor in the low 32 bits
      return (uintptr_t{1} << (sizeof(uintptr_t) * 4)) + static_cast<uintptr_t>(slots_[0].fd);
    case 21:
      return (uintptr_t{1} << (sizeof(uintptr_t) * 8 - 1)) + static_cast<uintptr_t>(slots_[3].fd);
    case 22:
      return INTPTR_MAX;
    default:
      return UINTPTR_MAX - 255;
  }
}

void World::adopt(int slot, int fd, int object, int end) { slots_[slot] = {fd, object, end, true}; }

int World::make_kqueue(int way) const {
  const SubjectCalls& calls = subject_.calls();
  if (way == 1 && calls.kqueue1 != nullptr) return calls.kqueue1(O_CLOEXEC);
  if (way == 2 && calls.kqueuex != nullptr) return calls.kqueuex(O_CLOEXEC);
  return subject_.kqueue();
}

// A subject with descriptors of its own may have pipes and no sockets: it gets a second pipe.
Kind World::make_pair(Kind kind, int fds[2]) const {
  const SubjectCalls& calls = subject_.calls();
  if (kind == Kind::kSocketpair) {
    const int type = SOCK_STREAM | SOCK_NONBLOCK;
    if (calls.socketpair(AF_UNIX, type, 0, fds) == 0 || errno != ENOSYS) return kind;
  }
  if (calls.pipe2(fds, O_NONBLOCK) != 0) fds[0] = -1;
  return Kind::kPipe;
}

int World::open_kind(Kind kind, int slot, int way) {
  const SubjectCalls& calls = subject_.calls();
  close_slot(slot);
  int fds[2] = {-1, -1};
  switch (kind) {
    case Kind::kPipe:
    case Kind::kSocketpair:
      slot &= ~1;
      close_slot(slot);
      close_slot(slot + 1);
      kind = make_pair(kind, fds);
      break;
#ifdef __linux__
    case Kind::kEventfd:
      fds[0] = host_descriptors_ ? eventfd(0, EFD_NONBLOCK) : -1;
      break;
#endif
    case Kind::kFile:
      fds[0] = host_descriptors_ ? calls.open(file_path().c_str(), O_RDONLY) : -1;
      break;
    case Kind::kKqueue:
      fds[0] = make_kqueue(way);
      break;
    case Kind::kDirectory:
      fds[0] =
          host_descriptors_ ? calls.open(directory_path().c_str(), O_RDONLY | O_DIRECTORY) : -1;
      break;
    default:
      break;
  }
  if (fds[0] < 0) return -1;
  constexpr contract::OpKind kCalls[] = {contract::OpKind::kPipe,    contract::OpKind::kStreamPair,
                                         contract::OpKind::kEventfd, contract::OpKind::kFile,
                                         contract::OpKind::kKqueue,  contract::OpKind::kFile};
  const bool file = kind == Kind::kFile || kind == Kind::kDirectory;
  tell(kCalls[static_cast<size_t>(kind)], -1, file ? size_of(fds[0]) : 0, 0, fds[0], fds[1]);
  const int object = static_cast<int>(kinds_.size());
  kinds_.push_back(kind);
  adopt(slot, fds[0], object, 0);
  if (fds[1] >= 0) adopt(slot + 1, fds[1], object, 1);
  return 0;
}

// A stream on the number, which takes the number with it when it is closed or opened anew.
int World::close_stream(bool reopened, int fd) const {
  const SubjectCalls& calls = subject_.calls();
  FILE* stream = fdopen(fd, stream_mode(fd));
  if (stream == nullptr) return calls.close(fd);
  if (reopened) stream = calls.freopen("/dev/null", "r", stream);
  return stream == nullptr ? 0 : calls.fclose(stream);
}

int World::close_by(int way, int fd) const {
  const SubjectCalls& calls = subject_.calls();
  if (!host_descriptors_) return calls.close(fd);
  switch (way) {
    case 1:
      if (calls.close_range == nullptr) break;
      return calls.close_range(static_cast<unsigned>(fd), static_cast<unsigned>(fd), 0);
    case 2:
    case 3:
      return close_stream(way == 3, fd);
    case 4:
      if (DIR* const directory = fdopendir(fd)) return calls.closedir(directory);
      break;
    default:
      break;
  }
  return calls.close(fd);
}

void World::close_slot(int slot, int way, bool unseen) {
  Slot& closing = slots_[slot];
  if (!closing.open) return;
#ifdef __linux__
  if (unseen) {
    tell(contract::OpKind::kUnseenClose, closing.fd, 0, syscall(SYS_close, closing.fd));
    closing.open = false;
    return;
  }
#endif
  tell(contract::OpKind::kClose, closing.fd, 0, close_by(way, closing.fd));
  closing.open = false;
}

// onto: -1 for the lowest free number.
int World::duplicate_by(int way, int from, int onto) const {
  const SubjectCalls& calls = subject_.calls();
  if (onto < 0) {
    if (way == 0) return calls.dup(from);
    return calls.fcntl(from, way == 1 ? F_DUPFD : F_DUPFD_CLOEXEC, 0);
  }
  if (way == 0 || calls.dup3 == nullptr) return calls.dup2(from, onto);
  return calls.dup3(from, onto, way == 1 ? 0 : O_CLOEXEC);
}

void World::duplicate(int from, int to, int way) {
  if (!slots_[from].open || from == to) return;
  const Slot source = slots_[from];
  const int onto = slots_[to].open ? slots_[to].fd : -1;
  const int fd = duplicate_by(way, source.fd, onto);
  if (onto >= 0) {
    tell(contract::OpKind::kDup2, source.fd, 0, fd, onto);
    if (fd != onto) return;
  } else {
    tell(contract::OpKind::kDup, source.fd, 0, fd < 0 ? -1 : 0, fd);
    if (fd < 0) return;
  }
  adopt(to, fd, source.object, source.end);
}

// What the child does to its descriptors must be nothing to ours. Once in a program: under
// AddressSanitizer a fork costs as much as ten programs.
void World::fork_and_close(int slot) {
  if (forked_ || !host_descriptors_ || !slots_[slot].open) return;
  forked_ = true;
  const pid_t child = fork();
  if (child == 0) {
    subject_.close(slots_[slot].fd);
    _exit(0);
  }
  if (child > 0) waitpid(child, nullptr, 0);
}

int64_t World::write_some(int slot, int64_t bytes) {
  const Slot& writer = slots_[slot];
  if (!writer.open) return 0;
  if (kind(writer.object) == Kind::kEventfd) {
    const auto amount = static_cast<uint64_t>(bytes);
    const ssize_t accepted = subject_.write(writer.fd, &amount, sizeof amount);
    tell(contract::OpKind::kWrite, writer.fd, bytes, accepted);
    return accepted;
  }
  const bool takes_bytes = kind(writer.object) == Kind::kSocketpair ||
                           (kind(writer.object) == Kind::kPipe && writer.end == 1);
  if (!takes_bytes) return 0;
  const ssize_t written = subject_.write(writer.fd, scratch, static_cast<size_t>(bytes));
  tell(contract::OpKind::kWrite, writer.fd, bytes, written);
  return written;
}

void World::read_some(int slot, int64_t bytes) {
  const Slot& reader = slots_[slot];
  const Kind what = reader.open ? kind(reader.object) : Kind::kKqueue;
  if (what == Kind::kKqueue || what == Kind::kDirectory) return;
  if (kind(reader.object) == Kind::kEventfd) {
    uint64_t counter = 0;
    const ssize_t got = subject_.read(reader.fd, &counter, sizeof counter);
    tell(contract::OpKind::kRead, reader.fd, 8, got, -1, -1, counter);
    return;
  }
  const ssize_t got = subject_.read(reader.fd, scratch, static_cast<size_t>(bytes));
  tell(contract::OpKind::kRead, reader.fd, bytes, got);
}

void World::shut_down(int slot, int which) {
  const Slot& shut = slots_[slot];
  if (!shut.open || kind(shut.object) != Kind::kSocketpair) return;
  constexpr int kHow[] = {SHUT_RD, SHUT_WR, SHUT_RDWR};
  tell(contract::OpKind::kShutdown, shut.fd, which,
       subject_.calls().shutdown(shut.fd, kHow[which]));
}

void World::fill(int slot) {
  if (!slots_[slot].open || kind(slots_[slot].object) == Kind::kEventfd) return;
  // The bound only guards against an object that takes everything.
  for (int i = 0; i < 64; i++) {
    if (write_some(slot, sizeof scratch) <= 0) break;
  }
}

void World::apply(const Step& step) {
  const int slot = step.slot;
  switch (step.op) {
    case Op::kWrite:
      write_some(slot, kSizes[step.argument % 4]);
      break;
    case Op::kRead:
      read_some(slot, kReads[step.argument % 4]);
      break;
    case Op::kFill:
      fill(slot);
      break;
    case Op::kClose:
      close_slot(slot, step.argument % 5);
      break;
    case Op::kUnseenClose:
      // A kqueue's own descriptor is not a watched one: nobody promises to find that out.
      if (slots_[slot].open && kind(slots_[slot].object) != Kind::kKqueue &&
          detects_unseen_closes(subject_)) {
        close_slot(slot, 0, true);
      }
      break;
    case Op::kOpen:
      open_kind(static_cast<Kind>(step.argument % kKinds), slot, step.argument / kKinds % 3);
      break;
    case Op::kDup:
      duplicate(slot, step.argument % kSlots, step.argument / kSlots % 3);
      break;
    case Op::kShutdown:
      shut_down(slot, step.argument % 3);
      break;
    case Op::kFork:
      fork_and_close(slot);
      break;
    case Op::kPause:
      usleep(static_cast<useconds_t>(kPauseUs));
      break;
    default:
      break;
  }
}

}  // namespace kqtorture::flags
