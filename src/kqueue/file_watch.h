// What a kqueue knows of the files that it watches through inotify: one watch for each inode,
// whoever asks and under however many descriptor numbers. The caller holds kqueue->lock.
#pragma once

#include <sys/stat.h>

#include "knote.h"

namespace kq {

// A file as it was when its last event was taken in: inotify says that something was done, the
// difference says what.
struct FileFacts {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  nlink_t links = 0;
  mode_t mode = 0;
  uid_t owner = 0;
  gid_t group = 0;
};

struct FileWatch {
  FileWatch* next = nullptr;  // in its bucket, or among the dead
  int wd = -1;
  uint32_t mask = 0;   // what inotify has been asked for
  Array<int> members;  // the numbers of the registrations
  FileFacts facts;
  // A directory's removal is told by its parent only, which is watched for that.
  int parent = -1;     // its wd, or -1
  int dependents = 0;  // how many have this one for a parent
  // An entry has left the directory, and may be about to come back under another name.
  uint32_t moved = 0;  // the rename's cookie, or 0
  bool moved_directory = false;

  bool directory() const { return S_ISDIR(facts.mode); }
};

FileWatch* find_watch(Kqueue* kqueue, int wd);
// Of the registration with that number if it still belongs to the watch, else null.
Registration* member_of(Kqueue* kqueue, const FileWatch* watch, int fd);
// The file now, through any member; false when none is left to ask.
bool look_at(Kqueue* kqueue, const FileWatch* watch, FileFacts* now);
// Asks inotify for what the members want, no more.
void narrow_watch(Kqueue* kqueue, FileWatch* watch);
// The kernel has ended the watch. Watches the file anew if it is still open; false when that fails,
// and then the watch is gone.
bool renew_watch(Kqueue* kqueue, FileWatch* watch);
// The directory may have got another parent. Returns 0 or ENOMEM; a parent that may not be looked
// at is none to watch.
int watch_parent(Kqueue* kqueue, FileWatch* watch);
// Calls visit(watch) for each; it may not remove any.
template <typename Visit>
void for_each_watch(Kqueue* kqueue, Visit visit) {
  for (size_t i = 0; i < kqueue->files.bucket_count; ++i) {
    for (FileWatch* watch = kqueue->files.buckets[i]; watch; watch = watch->next) visit(watch);
  }
}

}  // namespace kq
