// Regular files and directories cannot be polled on Linux; what happens to them is learned from
// inotify. One instance per kqueue, one watch per inode, which may serve several descriptors and
// several filters: its mask is the union of what they want, and is narrowed when an event comes
// that nobody wants any more. What the events mean is told in vnode_filter.cpp.
#include "file_watch.h"

#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <initializer_list>
#include <new>

#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

constexpr uint32_t kParentBits = IN_DELETE | IN_MOVED_TO;

// A file by its descriptor, so that one without a name can be watched. close() may run in a signal
// handler, where snprintf() has no place.
class ProcPath {
 public:
  ProcPath(int fd, bool parent) {
    char digits[12];
    int count = 0;
    do {
      digits[count++] = static_cast<char>('0' + fd % 10);
    } while ((fd /= 10) > 0);
    while (count > 0) text_[length_++] = digits[--count];
    if (!parent) return;
    for (const char c : {'/', '.', '.'}) text_[length_++] = c;
  }
  const char* c_str() const { return text_; }

 private:
  char text_[40] = "/proc/self/fd/";
  size_t length_ = sizeof "/proc/self/fd/" - 1;
};

FileFacts facts_of(const struct stat& status) {
  return {status.st_dev,  status.st_ino, status.st_size, status.st_nlink,
          status.st_mode, status.st_uid, status.st_gid};
}

size_t bucket_of(const FileWatches& files, int wd) {
  return static_cast<uint32_t>(wd) * 0x9E3779B9u >> 8 & (files.bucket_count - 1);
}

// Makes room for one more; false without memory.
bool reserve(FileWatches* files) {
  if (files->count < files->bucket_count) return true;
  const FileWatches old = *files;
  const size_t count = old.bucket_count ? old.bucket_count * 2 : 8;
  auto** grown = static_cast<FileWatch**>(__builtin_calloc(count, sizeof(FileWatch*)));
  if (!grown) return old.bucket_count != 0;  // longer chains will do
  files->buckets = grown;
  files->bucket_count = count;
  for (size_t i = 0; i < old.bucket_count; ++i) {
    while (FileWatch* watch = old.buckets[i]) {
      old.buckets[i] = watch->next;
      FileWatch*& head = grown[bucket_of(*files, watch->wd)];
      watch->next = head;
      head = watch;
    }
  }
  __builtin_free(old.buckets);
  return true;
}

void insert(FileWatches* files, FileWatch* watch) {
  FileWatch*& head = files->buckets[bucket_of(*files, watch->wd)];
  watch->next = head;
  head = watch;
  ++files->count;
}

void remove(FileWatches* files, FileWatch* watch) {
  FileWatch** link = &files->buckets[bucket_of(*files, watch->wd)];
  while (*link != watch) link = &(*link)->next;
  *link = watch->next;
  --files->count;
}

void free_watch(Kqueue* kqueue, FileWatch* watch) {
  if (kqueue->closing) {
    watch->next = kqueue->dead_watches;
    kqueue->dead_watches = watch;
    return;
  }
  watch->members.release();
  delete watch;
}

// The watch with that wd, which inotify has just handed out; null without memory.
FileWatch* find_or_create(Kqueue* kqueue, int wd) {
  if (FileWatch* watch = find_watch(kqueue, wd)) return watch;
  auto* watch = reserve(&kqueue->files) ? new (std::nothrow) FileWatch : nullptr;
  if (!watch) {
    inotify_rm_watch(kqueue->inotify, wd);
    return nullptr;
  }
  watch->wd = wd;
  insert(&kqueue->files, watch);
  return watch;
}

void end_if_unused(Kqueue* kqueue, FileWatch* watch);

void leave_parent(Kqueue* kqueue, FileWatch* watch) {
  FileWatch* parent = find_watch(kqueue, watch->parent);
  watch->parent = -1;
  if (!parent) return;
  --parent->dependents;
  end_if_unused(kqueue, parent);
}

void end_if_unused(Kqueue* kqueue, FileWatch* watch) {
  if (watch->members.size() > 0) return;
  leave_parent(kqueue, watch);
  if (watch->dependents > 0) return;
  inotify_rm_watch(kqueue->inotify, watch->wd);
  remove(&kqueue->files, watch);
  free_watch(kqueue, watch);
}

bool wants_removal(Kqueue* kqueue, const FileWatch* watch) {
  for (size_t i = 0; i < watch->members.size(); ++i) {
    Registration* member = member_of(kqueue, watch, watch->members[i]);
    for (const Knote* knote = member ? member->knotes() : nullptr; knote; knote = knote->next) {
      if (knote->event.filter == EVFILT_VNODE && (knote->saved_fflags & NOTE_DELETE)) return true;
    }
  }
  return false;
}

// Does the number still belong to the file of the watch?
bool is_member_file(const FileWatch* watch, int fd, struct stat* status) {
  return sys::fstat(fd, status) == 0 && status->st_ino == watch->facts.inode &&
         status->st_dev == watch->facts.device;
}

}  // namespace

FileWatch* find_watch(Kqueue* kqueue, int wd) {
  if (wd < 0 || kqueue->files.bucket_count == 0) return nullptr;
  FileWatch* watch = kqueue->files.buckets[bucket_of(kqueue->files, wd)];
  while (watch && watch->wd != wd) watch = watch->next;
  return watch;
}

Registration* member_of(Kqueue* kqueue, const FileWatch* watch, int fd) {
  const NumberEntry* entry = kqueue->registrations.find(static_cast<uintptr_t>(fd));
  Registration* registration = entry ? entry->registration : nullptr;
  return registration && registration->watch == watch->wd ? registration : nullptr;
}

bool look_at(Kqueue*, const FileWatch* watch, FileFacts* now) {
  for (size_t i = 0; i < watch->members.size(); ++i) {
    struct stat status;
    if (!is_member_file(watch, watch->members[i], &status)) continue;
    *now = facts_of(status);
    return true;
  }
  return false;
}

int watch_file(Registration* registration, const Knote* knote) {
  Kqueue* kqueue = registration->kqueue;
  if (kqueue->inotify < 0) return kNeedInotify;
  struct stat status;
  if (sys::fstat(registration->fd, &status) != 0) return errno;
  const uint32_t bits = file_bits(status.st_mode, knote);
  FileWatch* watch = find_watch(kqueue, registration->watch);
  if (!watch || (watch->mask & bits) != bits) {
    const ProcPath path(registration->fd, false);
    const int wd = inotify_add_watch(kqueue->inotify, path.c_str(), bits | IN_MASK_ADD);
    if (wd < 0) return errno == ENOSPC ? ENOMEM : errno;
    if (watch && watch->wd != wd) unwatch_file(registration);  // the number is another file's now
    watch = find_or_create(kqueue, wd);
    if (!watch) return ENOMEM;
    // What nobody was told of has changed since.
    const uint32_t fresh = bits & ~watch->mask;
    watch->mask |= bits;
    if (registration->watch < 0 && !watch->members.push_back(registration->fd)) {
      end_if_unused(kqueue, watch);
      return ENOMEM;
    }
    // Known from now on: what is done between these two calls is told by an event.
    if (sys::fstat(registration->fd, &status) == 0) {
      const FileFacts now = facts_of(status);
      const off_t size = watch->facts.size;
      const bool first = watch->members.size() == 1 && registration->watch < 0;
      if (first || (fresh & (IN_ATTRIB | IN_CREATE))) watch->facts = now;
      if (!first) watch->facts.size = fresh & IN_MODIFY ? now.size : size;
    }
    registration->watch = wd;
  }
  const bool removal = knote->event.filter == EVFILT_VNODE && (knote->saved_fflags & NOTE_DELETE);
  return removal && watch->directory() && watch->parent < 0 ? watch_parent(kqueue, watch) : 0;
}

void unwatch_file(Registration* registration) {
  Kqueue* kqueue = registration->kqueue;
  FileWatch* watch = find_watch(kqueue, registration->watch);
  registration->watch = -1;
  if (!watch) return;
  for (size_t i = 0; i < watch->members.size(); ++i) {
    if (watch->members[i] != registration->fd) continue;
    watch->members[i] = watch->members[watch->members.size() - 1];
    watch->members.pop_back();
    break;
  }
  end_if_unused(kqueue, watch);
}

// Where its parent cannot be watched, the removal of the directory is told when its last descriptor
// is closed, which is to say never.
int watch_parent(Kqueue* kqueue, FileWatch* watch) {
  leave_parent(kqueue, watch);
  struct stat status;
  for (size_t i = 0; i < watch->members.size(); ++i) {
    if (!is_member_file(watch, watch->members[i], &status)) continue;
    const ProcPath path(watch->members[i], true);
    const int wd = inotify_add_watch(kqueue->inotify, path.c_str(), kParentBits | IN_MASK_ADD);
    if (wd < 0) return errno == ENOSPC || errno == ENOMEM ? ENOMEM : 0;
    if (wd == watch->wd) return 0;  // the root is its own parent
    FileWatch* parent = find_or_create(kqueue, wd);
    if (!parent) return ENOMEM;
    parent->mask |= kParentBits;
    ++parent->dependents;
    watch->parent = wd;
    return 0;
  }
  return 0;
}

void narrow_watch(Kqueue* kqueue, FileWatch* watch) {
  uint32_t mask = watch->dependents > 0 ? kParentBits : 0;
  int asker = -1;
  struct stat status;
  for (size_t i = 0; i < watch->members.size(); ++i) {
    Registration* member = member_of(kqueue, watch, watch->members[i]);
    if (!member) continue;
    if (asker < 0 && is_member_file(watch, member->fd, &status)) asker = member->fd;
    for (const Knote* knote = member->knotes(); knote; knote = knote->next) {
      mask |= file_bits(watch->facts.mode, knote);
    }
  }
  if (watch->parent >= 0 && !wants_removal(kqueue, watch)) leave_parent(kqueue, watch);
  if (mask == 0) mask = IN_DELETE_SELF;  // inotify knows no watch for nothing
  if (asker < 0 || mask == watch->mask) return;
  const int wd = inotify_add_watch(kqueue->inotify, ProcPath(asker, false).c_str(), mask);
  if (wd == watch->wd) watch->mask = mask;
}

bool renew_watch(Kqueue* kqueue, FileWatch* watch) {
  remove(&kqueue->files, watch);
  for_each_watch(kqueue, [&](FileWatch* other) {
    if (other->parent == watch->wd) other->parent = -1;
  });
  watch->dependents = 0;
  int wd = -1;
  struct stat status;
  for (size_t i = 0; i < watch->members.size() && wd < 0; ++i) {
    if (!is_member_file(watch, watch->members[i], &status)) continue;
    wd =
        inotify_add_watch(kqueue->inotify, ProcPath(watch->members[i], false).c_str(), watch->mask);
  }
  for (size_t i = 0; i < watch->members.size(); ++i) {
    if (Registration* member = member_of(kqueue, watch, watch->members[i])) member->watch = wd;
  }
  if (wd < 0) {
    leave_parent(kqueue, watch);
    free_watch(kqueue, watch);
    return false;
  }
  watch->wd = wd;
  insert(&kqueue->files, watch);
  return true;
}

void free_dead_watches(Kqueue* kqueue) {
  while (FileWatch* watch = kqueue->dead_watches) {
    kqueue->dead_watches = watch->next;
    watch->members.release();
    delete watch;
  }
}

}  // namespace kq
