// Regular files and directories cannot be polled on Linux; that one has grown or shrunk is learned
// from inotify. One inotify instance per kqueue, one watch per inode, which may serve several
// descriptors.
#include <errno.h>
#include <stdio.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "internal.h"
#include "system_calls.h"

namespace kq {

int watch_file(Registration* registration) {
  Kqueue* kqueue = registration->kqueue;
  if (registration->watch >= 0) return 0;
  if (kqueue->inotify < 0) return kNeedInotify;
  // By its descriptor, so that a file without a name can be watched.
  char path[40];
  snprintf(path, sizeof path, "/proc/self/fd/%d", registration->fd);
  registration->watch = inotify_add_watch(kqueue->inotify, path, IN_MODIFY);
  if (registration->watch < 0) return errno == ENOSPC ? ENOMEM : errno;
  ++kqueue->files;
  return 0;
}

void unwatch_file(Registration* registration) {
  Kqueue* kqueue = registration->kqueue;
  const int watch = registration->watch;
  if (watch < 0) return;
  registration->watch = -1;
  --kqueue->files;
  for (const Registration* other = kqueue->registrations.from(0); other;
       other = kqueue->registrations.from(other->fd + 1)) {
    if (other->watch == watch) return;
  }
  inotify_rm_watch(kqueue->inotify, watch);
}

void take_in_file_events(Kqueue* kqueue) {
  alignas(inotify_event) char buffer[4096];
  for (ssize_t size; (size = sys::read(kqueue->inotify, buffer, sizeof buffer)) > 0;) {
    for (char* at = buffer; at < buffer + size;) {
      const auto* event = reinterpret_cast<const inotify_event*>(at);
      at += sizeof *event + event->len;
      const bool all = event->mask & IN_Q_OVERFLOW;
      for (Registration* registration = kqueue->registrations.from(0); registration;
           registration = kqueue->registrations.from(registration->fd + 1)) {
        if (registration->watch < 0 || (!all && registration->watch != event->wd)) continue;
        for (Knote* knote = registration->knotes(); knote; knote = knote->next) {
          if (knote->event.filter == EVFILT_READ) object_event(kqueue, knote);
        }
      }
    }
  }
}

}  // namespace kq
