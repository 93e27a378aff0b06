// The table of descriptor numbers: two levels, grown on demand, never shrunk, so that looking a
// number up needs no lock; what a slot holds is guarded by the lock of its shard.
#include "descriptor_table.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "internal.h"
#include "signal_watch.h"
#include "system_calls.h"

namespace kq {
namespace {

constexpr int kPageBits = 10, kPageSlots = 1 << kPageBits, kPages = 1 << 13;
constexpr int kShards = 64;

struct Shard {
  alignas(64) pthread_mutex_t lock;
};

Shard shards[kShards];  // initialised by enter_table: zero is a valid mutex on Linux as well
std::atomic<Slot*> pages[kPages];
std::atomic<int> limit{0};
std::atomic<bool> in_use{false};
std::atomic<pid_t> owner{0};

// One bit per number; numbers above share the answer.
constexpr int kSharedNumbers = 1 << 16;
std::atomic<uint64_t> shared[kSharedNumbers / 64];
std::atomic<bool> high_shared{false};
std::atomic<bool> interposed{false};

pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER;
pthread_mutex_t dup_lock = PTHREAD_MUTEX_INITIALIZER;

// Held between the system call that makes a descriptor for libkq and the mark in its slot; the flag
// tells whether it is.
pthread_mutex_t create_lock = PTHREAD_MUTEX_INITIALIZER;
std::atomic<bool> creating{false};

Kqueue* all_kqueues = nullptr;

// One page that the kernel wipes in a forked child, and only there: 1 in the process that owns the
// state above. A child of vfork shares the page and still reads 1.
std::atomic<int>* fork_mark = nullptr;

void initialise_locks() {
  const pthread_mutex_t fresh = PTHREAD_MUTEX_INITIALIZER;
  for (Shard& shard : shards) shard.lock = fresh;
  list_lock = fresh;
  dup_lock = fresh;
  create_lock = fresh;
  creating.store(false);
}

// In a forked child: no other thread exists, and locks may have been held by threads that are gone.
// The parent's kqueues share their epoll instances with ours, so nothing but close() may touch
// them; and not even that if the child shares the table of descriptors (CLONE_FILES), which then is
// the parent's to close in.
void forget_everything() {
  constexpr int kFiles = 2;  // <linux/kcmp.h>; where that is not allowed, none is taken to share
  const bool shares = syscall(SYS_kcmp, owner.load(), getpid(), kFiles, 0L, 0L) == 0;
  initialise_locks();
  all_kqueues = nullptr;
  for (int page = 0; page * kPageSlots < limit.load(std::memory_order_relaxed); ++page) {
    Slot* slots = pages[page].load(std::memory_order_relaxed);
    if (!slots) continue;
    for (int i = 0; i < kPageSlots; ++i) {
      Slot& slot = slots[i];
      if (!shares && (slot.kqueue || slot.internal)) sys::close(page * kPageSlots + i);
      slot.registrations = nullptr;
      slot.kqueue = nullptr;
      slot.owed_error = 0;
      slot.kqueue_closing = 0;
      slot.closing = 0;
      slot.internal = false;
    }
  }
  forget_signals();
  owner.store(getpid(), std::memory_order_relaxed);
  fork_mark->store(1, std::memory_order_relaxed);
}

}  // namespace

thread_local volatile int MutexGuard::held_ __attribute__((tls_model("initial-exec"))) = 0;

// Before the program's main(), so that a fork before the first kqueue is seen, too.
__attribute__((constructor)) static void watch_for_forks() {
  pthread_atfork(nullptr, mark_all_shared, mark_all_shared);
}

pthread_mutex_t* duplication_lock() { return &dup_lock; }

pthread_mutex_t* slot_lock(int fd) { return &shards[fd % kShards].lock; }

Slot* find_slot(int fd) {
  if (fd < 0 || fd >= kPages * kPageSlots) return nullptr;
  Slot* slots = pages[fd >> kPageBits].load(std::memory_order_acquire);
  return slots ? &slots[fd & (kPageSlots - 1)] : nullptr;
}

Slot* allocate_slot(int fd) {
  if (Slot* slot = find_slot(fd)) return slot;
  if (fd < 0 || fd >= kPages * kPageSlots) return nullptr;
  auto* fresh = static_cast<Slot*>(__builtin_calloc(kPageSlots, sizeof(Slot)));
  if (!fresh) return nullptr;
  Slot* expected = nullptr;
  std::atomic<Slot*>& page = pages[fd >> kPageBits];
  if (!page.compare_exchange_strong(expected, fresh, std::memory_order_acq_rel)) {
    __builtin_free(fresh);
  }
  int seen = limit.load(std::memory_order_relaxed);
  const int end = ((fd >> kPageBits) + 1) * kPageSlots;
  while (seen < end && !limit.compare_exchange_weak(seen, end, std::memory_order_release)) {
  }
  return find_slot(fd);
}

int slot_limit() { return limit.load(std::memory_order_acquire); }

bool table_in_use() { return in_use.load(std::memory_order_acquire); }

void mark_shared(int fd) {
  if (fd >= kSharedNumbers) high_shared.store(true, std::memory_order_relaxed);
  if (fd < 0 || fd >= kSharedNumbers) return;
  shared[fd / 64].fetch_or(uint64_t{1} << fd % 64, std::memory_order_relaxed);
}

void mark_all_shared() {
  for (std::atomic<uint64_t>& word : shared) word.store(~uint64_t{0}, std::memory_order_relaxed);
  high_shared.store(true, std::memory_order_relaxed);
}

void forget_shared(int fd) {
  if (fd < 0 || fd >= kSharedNumbers) return;
  const uint64_t bit = uint64_t{1} << fd % 64;
  std::atomic<uint64_t>& word = shared[fd / 64];
  if (!(word.load(std::memory_order_relaxed) & bit) || in_shared_memory_child()) return;
  word.fetch_and(~bit, std::memory_order_relaxed);
}

bool edges_prove_the_number(int fd) {
  if (!interposed.load(std::memory_order_relaxed)) return false;
  if (fd >= kSharedNumbers) return !high_shared.load(std::memory_order_relaxed);
  return !(shared[fd / 64].load(std::memory_order_relaxed) >> fd % 64 & 1);
}

bool enter_table() {
  static pthread_mutex_t once = PTHREAD_MUTEX_INITIALIZER;
  if (table_in_use()) return true;
  MutexGuard guard(&once);
  if (table_in_use()) return true;
  void* page =
      mmap(nullptr, sizeof *fork_mark, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (page == MAP_FAILED) return false;
  // The ordinary fork(3) closes the child's kqueue descriptors at once; a raw one at first use.
  if (pthread_atfork(nullptr, nullptr, [] { check_fork(); }) != 0) {
    munmap(page, sizeof *fork_mark);
    return false;
  }
  madvise(page, sizeof *fork_mark, MADV_WIPEONFORK);
  fork_mark = static_cast<std::atomic<int>*>(page);
  fork_mark->store(1, std::memory_order_relaxed);
  owner.store(getpid(), std::memory_order_relaxed);
  initialise_locks();
  interposed.store(interposition_reaches_us(), std::memory_order_relaxed);
  in_use.store(true, std::memory_order_release);
  return true;
}

void check_fork() {
  if (table_in_use() && fork_mark->load(std::memory_order_relaxed) == 0) forget_everything();
}

bool in_shared_memory_child() { return owner.load(std::memory_order_relaxed) != getpid(); }

pthread_mutex_t* creation_lock() { return &create_lock; }

bool is_internal(int fd) {
  if (creating.load()) MutexGuard wait(&create_lock);
  const Slot* slot = find_slot(fd);
  return slot && slot->internal;
}

namespace {

// While one is alive, a number may be open that is libkq's own and not yet marked so.
class Creation {
 public:
  Creation() : guard_(&create_lock) { creating.store(true); }
  ~Creation() { creating.store(false); }

  // Marks the number just made; no lock is needed, for nobody else can have got it.
  static int own(int fd) {
    if (fd < 0) return -1;
    Slot* slot = allocate_slot(fd);
    if (!slot) {
      sys::close(fd);
      errno = ENOMEM;
      return -1;
    }
    slot->internal = true;
    return fd;
  }

 private:
  MutexGuard guard_;
};

}  // namespace

int duplicate_internal(int fd) {
  // High enough to stay clear of the numbers that programs count on, low enough not to make the
  // kernel grow a large descriptor table.
  rlimit nofile{};
  getrlimit(RLIMIT_NOFILE, &nofile);
  const int base = nofile.rlim_cur > 1024 ? 512 : static_cast<int>(nofile.rlim_cur / 2);
  int own;
  {
    Creation creation;
    own = sys::fcntl(fd, F_DUPFD_CLOEXEC, base);
    if (own < 0) own = sys::fcntl(fd, F_DUPFD_CLOEXEC, 0);
    own = Creation::own(own);
  }
  if (own >= 0) descriptor_closing(own);  // what was watched under this number was closed unseen
  return own;
}

int make_internal(int (*create)(int argument), int argument) {
  int low;
  {
    Creation creation;
    low = Creation::own(create(argument));
  }
  if (low < 0) return -1;
  const int own = duplicate_internal(low);
  const int error = errno;
  close_internal(low);
  errno = error;
  return own;
}

void close_internal(int fd) {
  if (fd < 0) return;
  MutexGuard guard(slot_lock(fd));
  if (Slot* slot = find_slot(fd)) slot->internal = false;
  sys::close(fd);
}

void list_insert(Kqueue* kqueue) {
  MutexGuard guard(&list_lock);
  kqueue->list_next = all_kqueues;
  if (all_kqueues) all_kqueues->list_prev = kqueue;
  all_kqueues = kqueue;
}

// Does nothing to one that could not be completed and was never in it.
void list_remove(Kqueue* kqueue) {
  MutexGuard guard(&list_lock);
  if (kqueue->list_prev) kqueue->list_prev->list_next = kqueue->list_next;
  if (kqueue->list_next) kqueue->list_next->list_prev = kqueue->list_prev;
  if (all_kqueues == kqueue) all_kqueues = kqueue->list_next;
}

// Is fd a descriptor of the kqueue? Its epoll instance is the one that knows the wake item.
static bool refers_to(int fd, const Kqueue* kqueue) {
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.u64 = token_data(Token::kWake);
  return sys::epoll_ctl(fd, EPOLL_CTL_MOD, kqueue->wake, &event) == 0;
}

bool bind_descriptor(int fd, Kqueue* kqueue) {
  Slot* slot = allocate_slot(fd);
  if (!slot) return false;
  descriptor_closed(fd);  // what was watched under this number, if its close went unseen
  Kqueue* old;
  {
    MutexGuard guard(slot_lock(fd));
    if (slot->kqueue == kqueue || !refers_to(fd, kqueue)) return true;
    kqueue->references.fetch_add(1, std::memory_order_relaxed);
    old = rebind(slot, kqueue);
  }
  if (old) release(old);  // its descriptor was closed unseen
  return true;
}

void check_binding(int fd) {
  Slot* slot = find_slot(fd);
  if (!slot || !slot->kqueue) return;
  Kqueue* old = nullptr;
  {
    MutexGuard guard(slot_lock(fd));
    const Kqueue* kqueue = slot->kqueue;
    if (kqueue && !refers_to(fd, kqueue)) old = rebind(slot, nullptr);
  }
  if (old) release(old);
}

namespace {

// A descriptor made behind our back (a raw dup, or before libkq was loaded): it belongs to the
// kqueue whose wake item its epoll instance knows. Null with errno: of none (EINVAL), or ENOMEM.
Kqueue* adopt(int fd) {
  Kqueue* found = nullptr;
  {
    MutexGuard guard(&list_lock);
    for (Kqueue* kqueue = all_kqueues; kqueue && !found; kqueue = kqueue->list_next) {
      if (!refers_to(fd, kqueue)) continue;
      // A kqueue whose last reference is going must not be revived.
      int references = kqueue->references.load(std::memory_order_relaxed);
      while (references > 0 &&
             !kqueue->references.compare_exchange_weak(references, references + 1)) {
      }
      if (references > 0) found = kqueue;
    }
  }
  const bool bound = found && bind_descriptor(fd, found);
  if (bound) return found;
  if (found) release(found);
  errno = found ? ENOMEM : EINVAL;
  return nullptr;
}

}  // namespace

Kqueue* acquire(int fd) {
  check_fork();
  Kqueue* closed_unseen = nullptr;
  if (Slot* slot = find_slot(fd)) {
    MutexGuard guard(slot_lock(fd));
    if (slot->internal) {
      errno = EBADF;
      return nullptr;
    }
    if (Kqueue* kqueue = slot->kqueue) {
      if (sys::fcntl(fd, F_GETFD) >= 0) {
        kqueue->references.fetch_add(1, std::memory_order_relaxed);
        return kqueue;
      }
      closed_unseen = rebind(slot, nullptr);
    }
    if (slot->kqueue_closing) {
      errno = EBADF;
      return nullptr;
    }
  }
  if (closed_unseen) {
    release(closed_unseen);
    errno = EBADF;
    return nullptr;
  }
  if (sys::fcntl(fd, F_GETFD) < 0) return nullptr;  // EBADF
  if (table_in_use() && !in_shared_memory_child()) {
    Kqueue* kqueue = adopt(fd);
    if (kqueue || errno == ENOMEM) return kqueue;
    // Or was it open only as one that libkq has just made for itself?
    MutexGuard guard(slot_lock(fd));
    if (is_internal(fd) || sys::fcntl(fd, F_GETFD) < 0) {
      errno = EBADF;
      return nullptr;
    }
  }
  errno = EINVAL;
  return nullptr;
}

}  // namespace kq
