/*
 * A subject that does nothing but remember what it was called with, byte for byte, and answer what
 * the test has told it to. Its layout is a macro. The test reaches the record with dlsym().
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

const char kqtorture_layout[] = KQ_LAYOUT_NAME;

struct record {
  const void *changes, *events, *timeout;
  intptr_t nchanges, nevents;
  int kq, calls;
  unsigned char change_bytes[8192];
  size_t copy_changes; /* in: how many bytes of the change list to look at */
  unsigned char event_bytes[8192];
  size_t copy_events; /* in: how many bytes to write to the event list */
  int result, error;  /* in: what to return */
};
struct record record;

int kqueue(void) { return 0; }

int kevent(int kq, const void* changes, intptr_t nchanges, void* events, intptr_t nevents,
           const struct timespec* timeout) {
  record.kq = kq;
  record.changes = changes;
  record.nchanges = nchanges;
  record.events = events;
  record.nevents = nevents;
  record.timeout = timeout;
  record.calls++;
  if (record.copy_changes) memcpy(record.change_bytes, changes, record.copy_changes);
  if (record.copy_events) memcpy(events, record.event_bytes, record.copy_events);
  errno = record.error;
  return record.result;
}
