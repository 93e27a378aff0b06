// EVFILT_VNODE, FreeBSD's filt_vfsvnode, and what inotify's events say of files.
//
// FreeBSD's kernel posts a hint for each operation on a vnode; a knote that asked for any of its
// notes gets all of them, and they add up until they are reset. Here an operation is one or more
// inotify events, which are taken in when somebody looks; which operation it was is told by the
// event and by what has become different about the file since the last one: an IN_MODIFY that found
// it longer extended it, one that found it shorter truncated it (an attribute, to FreeBSD), and an
// IN_ATTRIB that finds fewer links is an unlink(). What that cannot tell is told in docs/libkq.md.
#include <errno.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "file_watch.h"
#include "internal.h"
#include "system_calls.h"

namespace kq {
namespace {

constexpr uint32_t kEntryBits = IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO;

// One operation's notes.
void post(Kqueue* kqueue, FileWatch* watch, uint32_t hint, bool gone = false) {
  for (size_t i = 0; i < watch->members.size(); ++i) {
    Registration* member = member_of(kqueue, watch, watch->members[i]);
    for (Knote* knote = member ? member->knotes() : nullptr; knote; knote = knote->next) {
      if (knote->event.filter != EVFILT_VNODE) continue;
      if (gone) knote->event.flags |= EV_EOF;
      if (knote->saved_fflags & hint) knote->event.fflags |= hint;
      if (gone || (knote->saved_fflags & hint)) object_event(kqueue, knote);
    }
  }
}

// EVFILT_READ: the end of the file has moved.
void size_changed(Kqueue* kqueue, FileWatch* watch) {
  for (size_t i = 0; i < watch->members.size(); ++i) {
    Registration* member = member_of(kqueue, watch, watch->members[i]);
    for (Knote* knote = member ? member->knotes() : nullptr; knote; knote = knote->next) {
      if (knote->event.filter == EVFILT_READ) object_event(kqueue, knote);
    }
  }
}

void contents_changed(Kqueue* kqueue, FileWatch* watch) {
  FileFacts now = watch->facts;
  look_at(kqueue, watch, &now);
  const off_t before = watch->facts.size;
  watch->facts.size = now.size;
  if (now.size > before) {
    post(kqueue, watch, NOTE_WRITE | NOTE_EXTEND);
  } else if (now.size == before) {
    post(kqueue, watch, NOTE_WRITE);
  } else {
    post(kqueue, watch, NOTE_ATTRIB);
    // Cut off, or cut off and written again: rather a write too many than one that is missed.
    if (now.size > 0) post(kqueue, watch, NOTE_WRITE);
  }
  size_changed(kqueue, watch);
}

void attributes_changed(Kqueue* kqueue, FileWatch* watch) {
  FileFacts now = watch->facts;
  look_at(kqueue, watch, &now);
  const FileFacts before = watch->facts;
  const off_t size = before.size;
  watch->facts = now;
  watch->facts.size = size;  // an IN_MODIFY tells of that
  const bool removed =
      watch->directory() ? now.links == 0 && before.links != 0 : now.links < before.links;
  const bool linked = !watch->directory() && now.links > before.links;
  const bool other =
      now.mode != before.mode || now.owner != before.owner || now.group != before.group;
  if (removed) post(kqueue, watch, NOTE_DELETE);
  if (linked) post(kqueue, watch, NOTE_LINK);
  if (other || (!removed && !linked)) post(kqueue, watch, NOTE_ATTRIB);
}

// Has the number of subdirectories changed? Some file systems do not count them.
bool links_changed(Kqueue* kqueue, FileWatch* watch, bool if_not_counted) {
  FileFacts now = watch->facts;
  look_at(kqueue, watch, &now);
  const nlink_t before = watch->facts.links;
  if (now.links != 0) watch->facts.links = now.links;  // its own removal is told by its parent
  return now.links < 2 ? if_not_counted : now.links != before;
}

bool take_moved(Kqueue* kqueue, FileWatch* watch) {
  if (watch->moved == 0) return false;
  watch->moved = 0;
  --kqueue->files.moving;
  return true;
}

// The entry that left came back nowhere in this directory.
void moved_out(Kqueue* kqueue, FileWatch* watch) {
  if (!take_moved(kqueue, watch)) return;
  if (watch->moved_directory) links_changed(kqueue, watch, true);
  const uint32_t link = watch->moved_directory ? NOTE_LINK : 0;
  post(kqueue, watch, NOTE_WRITE | NOTE_EXTEND | link);
}

// The names in a directory are written; a subdirectory is one of its links.
void entry_changed(Kqueue* kqueue, FileWatch* watch, const inotify_event& event) {
  const bool directory = event.mask & IN_ISDIR;
  if (event.mask & (IN_CREATE | IN_DELETE)) {
    moved_out(kqueue, watch);
    if (directory) links_changed(kqueue, watch, true);
    post(kqueue, watch, NOTE_WRITE | (directory ? NOTE_LINK : 0));
  } else if (event.mask & IN_MOVED_FROM) {
    moved_out(kqueue, watch);
    watch->moved = event.cookie;
    ++kqueue->files.moving;
    watch->moved_directory = directory;
  } else if (event.mask & IN_MOVED_TO) {
    if (watch->moved == event.cookie) {  // renamed, perhaps over another one
      take_moved(kqueue, watch);
      const bool over = directory && links_changed(kqueue, watch, false);
      post(kqueue, watch, NOTE_WRITE | (over ? NOTE_LINK : 0));
    } else {
      moved_out(kqueue, watch);
      const bool one_more = directory && links_changed(kqueue, watch, true);
      post(kqueue, watch, NOTE_WRITE | NOTE_EXTEND | (one_more ? NOTE_LINK : 0));
    }
  }
}

// An open directory that is removed hears nothing; its parent does.
void look_for_removed(Kqueue* kqueue, const FileWatch* parent) {
  for_each_watch(kqueue, [&](FileWatch* watch) {
    if (watch->parent != parent->wd || watch->facts.links == 0) return;
    FileFacts now;
    if (!look_at(kqueue, watch, &now) || now.links != 0) return;
    watch->facts.links = 0;
    post(kqueue, watch, NOTE_DELETE);
  });
}

// Something has been done that inotify did not tell: all that may have been.
void suspect(Kqueue* kqueue, FileWatch* watch, uint32_t certain) {
  FileFacts now = watch->facts;
  look_at(kqueue, watch, &now);
  const FileFacts before = watch->facts;
  watch->facts = now;
  take_moved(kqueue, watch);
  const bool directory = watch->directory();
  uint32_t notes = certain;
  if (now.size > before.size) notes |= NOTE_WRITE | NOTE_EXTEND;
  if (now.size != before.size) notes |= NOTE_WRITE | NOTE_ATTRIB;
  if (now.links < before.links && (!directory || now.links == 0)) notes |= NOTE_DELETE;
  if (now.links > before.links && !directory) notes |= NOTE_LINK;
  if (now.mode != before.mode || now.owner != before.owner || now.group != before.group) {
    notes |= NOTE_ATTRIB;
  }
  for (uint32_t note = 1; note <= NOTE_READ; note <<= 1) {
    if (notes & note) post(kqueue, watch, note);
  }
  size_changed(kqueue, watch);
}

// What nothing about a file shows afterwards.
constexpr uint32_t kTraceless =
    NOTE_WRITE | NOTE_ATTRIB | NOTE_RENAME | NOTE_OPEN | NOTE_CLOSE | NOTE_CLOSE_WRITE | NOTE_READ;

void overflowed(Kqueue* kqueue) {
  for_each_watch(kqueue, [&](FileWatch* watch) {
    suspect(kqueue, watch, watch->directory() ? kTraceless | NOTE_LINK | NOTE_EXTEND : kTraceless);
  });
  // Directories may have moved.
  for (const Registration* member = kqueue->registrations.from(0); member;
       member = kqueue->registrations.from(member->fd + 1)) {
    FileWatch* watch = find_watch(kqueue, member->watch);
    if (watch && watch->parent >= 0) watch_parent(kqueue, watch);
  }
}

bool wanted_by_anybody(Kqueue* kqueue, FileWatch* watch, uint32_t mask) {
  if (watch->dependents > 0 && (mask & kEntryBits)) return true;
  for (size_t i = 0; i < watch->members.size(); ++i) {
    Registration* member = member_of(kqueue, watch, watch->members[i]);
    for (const Knote* knote = member ? member->knotes() : nullptr; knote; knote = knote->next) {
      if (file_bits(watch->facts.mode, knote) & mask) return true;
    }
  }
  return false;
}

void take_in_self(Kqueue* kqueue, FileWatch* watch, uint32_t mask) {
  if (mask & IN_MODIFY) contents_changed(kqueue, watch);
  if (mask & IN_ATTRIB) attributes_changed(kqueue, watch);
  if (mask & IN_MOVE_SELF) {
    if (watch->parent >= 0) watch_parent(kqueue, watch);
    post(kqueue, watch, NOTE_RENAME);
  }
  if (mask & IN_OPEN) post(kqueue, watch, NOTE_OPEN);
  if (mask & IN_CLOSE_NOWRITE) post(kqueue, watch, NOTE_CLOSE);
  if (mask & IN_CLOSE_WRITE) post(kqueue, watch, NOTE_CLOSE_WRITE);
  if (mask & IN_ACCESS) post(kqueue, watch, NOTE_READ);
}

void take_in_event(Kqueue* kqueue, FileWatch* watch, const inotify_event& event) {
  if (event.mask & IN_UNMOUNT) post(kqueue, watch, NOTE_REVOKE, true);
  if (event.mask & IN_IGNORED) {
    // The last name went, and it was not the one by which the file was opened.
    moved_out(kqueue, watch);
    if (renew_watch(kqueue, watch)) suspect(kqueue, watch, 0);
    return;
  }
  // With a name it is about an entry of the directory, not about the directory itself.
  if (event.len == 0) {
    take_in_self(kqueue, watch, event.mask);
  } else if (event.mask & kEntryBits) {
    entry_changed(kqueue, watch, event);
    if (watch->dependents > 0 && (event.mask & IN_ISDIR)) look_for_removed(kqueue, watch);
  }
  if (!wanted_by_anybody(kqueue, watch, event.mask)) narrow_watch(kqueue, watch);
}

int attach(Kqueue*, Knote* knote) {
  Registration* registration = knote->registration;
  if (const int error = classify(registration)) return error;
  if (registration->kind != Kind::kFile && registration->kind != Kind::kFifo) return EINVAL;
  // What has happened belongs to those who watched then.
  take_in_file_events(registration->kqueue);
  return watch_file(registration, knote);
}

void detach(Kqueue*, Knote*) {}

bool evaluate(Kqueue*, Knote* knote, When) {
  return knote->event.fflags != 0 || (knote->event.flags & (EV_EOF | EV_ERROR));
}

// The change succeeds; if its notes cannot be watched, an event with EV_ERROR says so, as that of
// a timer whose parameters mean nothing.
void touch(Kqueue* kqueue, Knote* knote, const struct kevent& change) {
  // What has happened until now is judged by the interest until now.
  take_in_file_events(kqueue);
  knote->saved_fflags = change.fflags;
  knote->saved_data = change.data;
  const int error = watch_file(knote->registration, knote);
  knote->event.data = error;
  knote->event.flags &= static_cast<uint16_t>(~EV_ERROR);
  if (error != 0) knote->event.flags |= EV_ERROR;
}

}  // namespace

// inotify's bits from which the filter of the knote learns what it wants to know.
uint32_t file_bits(mode_t mode, const Knote* knote) {
  if (knote->event.filter == EVFILT_READ) return IN_MODIFY;
  if (knote->event.filter != EVFILT_VNODE) return 0;
  const uint32_t notes = knote->saved_fflags;
  uint32_t bits = IN_DELETE_SELF;  // there is always a watch that can be given more
  const auto add = [&](uint32_t wanted, uint32_t more) { bits |= notes & wanted ? more : 0; };
  add(NOTE_ATTRIB, IN_ATTRIB);
  add(NOTE_RENAME, IN_MOVE_SELF);
  add(NOTE_OPEN, IN_OPEN);
  add(NOTE_CLOSE, IN_CLOSE_NOWRITE);
  add(NOTE_CLOSE_WRITE, IN_CLOSE_WRITE);
  if (S_ISDIR(mode)) {
    add(NOTE_WRITE | NOTE_EXTEND | NOTE_LINK, kEntryBits);
    add(NOTE_DELETE, IN_ATTRIB | IN_MOVE_SELF);
  } else {
    add(NOTE_DELETE | NOTE_LINK, IN_ATTRIB);
  }
  // What goes through a FIFO is not its vnode's.
  if (S_ISREG(mode)) add(NOTE_WRITE | NOTE_EXTEND | NOTE_ATTRIB, IN_MODIFY);
  if (!S_ISFIFO(mode)) add(NOTE_READ, IN_ACCESS);
  return bits;
}

void take_in_file_events(Kqueue* kqueue) {
  if (kqueue->inotify < 0) return;
  alignas(inotify_event) char buffer[4096];
  for (ssize_t size; (size = sys::read(kqueue->inotify, buffer, sizeof buffer)) > 0;) {
    for (char* at = buffer; at < buffer + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof *event + event->len;
      if (event->mask & IN_Q_OVERFLOW) overflowed(kqueue);
      FileWatch* watch = find_watch(kqueue, event->wd);
      if (!watch) continue;
      take_in_event(kqueue, watch, *event);
    }
  }
  if (kqueue->files.moving == 0) return;
  for_each_watch(kqueue, [&](FileWatch* watch) { moved_out(kqueue, watch); });
}

const FilterOps kVnodeFilter = {true, attach, detach, evaluate, touch, nullptr};

}  // namespace kq
