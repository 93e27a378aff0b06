/*
 * <sys/event.h> of libkq, the emulated kqueue for Linux.
 *
 * The interface is FreeBSD's: the 32-byte struct kevent of FreeBSD 11 (also macOS's and
 * libkqueue's), FreeBSD's filter numbers and flag values, and the semantics of FreeBSD main's
 * sys/kern/kern_event.c, plus the strictness of John-Mark Gurney's proposal of 2006: an unknown
 * flag is refused with EINVAL and changes nothing, and the final event that EV_FORCEONESHOT asks
 * for comes back marked. EV_DOD and EV_FORCEOS are that proposal's names.
 */
#ifndef KQ_SYS_EVENT_H_
#define KQ_SYS_EVENT_H_

#include <stdint.h>
#include <time.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_AIO (-3)   /* refused with ENXIO */
#define EVFILT_VNODE (-4) /* files, directories, FIFOs by name */
#define EVFILT_PROC (-5)
#define EVFILT_SIGNAL (-6)
#define EVFILT_TIMER (-7)
#define EVFILT_PROCDESC (-8)
#define EVFILT_FS (-9)   /* refused with ENXIO */
#define EVFILT_LIO (-10) /* refused with ENXIO */
#define EVFILT_USER (-11)
#define EVFILT_SENDFILE (-12) /* refused with ENXIO */
#define EVFILT_EMPTY (-13)    /* sockets: nothing is left to be sent */
#define EVFILT_SYSCOUNT 13

struct kevent {
  uintptr_t ident; /* identifier: per filter: a descriptor, a process, a signal, any number */
  int16_t filter;  /* EVFILT_* */
  uint16_t flags;  /* EV_* */
  uint32_t fflags; /* NOTE_*, per filter */
  intptr_t data;   /* per filter */
  void* udata;     /* handed back untouched */
};

/* Fills *kevp; every argument is evaluated exactly once. */
#ifdef __cplusplus
static inline void kq_ev_set_(struct kevent* kevp, uintptr_t ident, int16_t filter, uint16_t flags,
                              uint32_t fflags, intptr_t data, void* udata) {
  kevp->ident = ident;
  kevp->filter = filter;
  kevp->flags = flags;
  kevp->fflags = fflags;
  kevp->data = data;
  kevp->udata = udata;
}
#define EV_SET(kevp, ident, filter, flags, fflags, data, udata)                                    \
  kq_ev_set_((kevp), (uintptr_t)(ident), (int16_t)(filter), (uint16_t)(flags), (uint32_t)(fflags), \
             (intptr_t)(data), (void*)(udata))
#else
#define EV_SET(kevp, a, b, c, d, e, f)                \
  (*(kevp) = (struct kevent){.ident = (uintptr_t)(a), \
                             .filter = (int16_t)(b),  \
                             .flags = (uint16_t)(c),  \
                             .fflags = (uint32_t)(d), \
                             .data = (intptr_t)(e),   \
                             .udata = (void*)(f)})
#endif

/* Actions. */
#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_FORCEONESHOT 0x0100 /* one last event, whatever the object says; and its mark */
#define EV_KEEPUDATA 0x0200    /* leave the stored udata alone; EINVAL together with EV_ADD */

/* Behaviour, stored when the knote is created. */
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_DISPATCH 0x0080

/* The names of the 2006 proposal. */
#define EV_DOD EV_DISPATCH
#define EV_FORCEOS EV_FORCEONESHOT

/* Set by the kqueue; cleared from what the user passes in, so an event can be handed back. */
#define EV_SYSFLAGS 0xF000
#define EV_DROP 0x1000
#define EV_FLAG1 0x2000
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

/* EVFILT_READ and EVFILT_WRITE. */
#define NOTE_LOWAT 0x00000001     /* sockets: data is the low-water mark, in bytes */
#define NOTE_FILE_POLL 0x00000002 /* regular files: READ fires always, as poll(2) does */

/* EVFILT_VNODE: what is to be told, and what has happened. */
#define NOTE_DELETE 0x0001      /* a name of it was removed, or renamed over */
#define NOTE_WRITE 0x0002       /* written to; a directory: an entry came, went or changed */
#define NOTE_EXTEND 0x0004      /* became longer; a directory: an entry was moved in or out */
#define NOTE_ATTRIB 0x0008      /* its attributes were changed */
#define NOTE_LINK 0x0010        /* got another name; a directory: another number of directories */
#define NOTE_RENAME 0x0020      /* was renamed */
#define NOTE_REVOKE 0x0040      /* its file system went away; with EV_EOF */
#define NOTE_OPEN 0x0080        /* was opened */
#define NOTE_CLOSE 0x0100       /* one that could not write was closed */
#define NOTE_CLOSE_WRITE 0x0200 /* one that could write was closed */
#define NOTE_READ 0x0400        /* was read */

/* EVFILT_USER. */
#define NOTE_FFNOP 0x00000000
#define NOTE_FFAND 0x40000000
#define NOTE_FFOR 0x80000000
#define NOTE_FFCOPY 0xc0000000
#define NOTE_FFCTRLMASK 0xc0000000
#define NOTE_FFLAGSMASK 0x00ffffff
#define NOTE_TRIGGER 0x01000000

/* EVFILT_TIMER: the unit of data (milliseconds when none is given), and the kind of time. */
#define NOTE_SECONDS 0x00000001
#define NOTE_MSECONDS 0x00000002
#define NOTE_USECONDS 0x00000004
#define NOTE_NSECONDS 0x00000008
#define NOTE_ABSTIME 0x00000010 /* data is a wall-clock time since the epoch */

/*
 * EVFILT_PROC (ident is a process id) and EVFILT_PROCDESC (ident is a pidfd): data is the status as
 * wait(2) gives it. PROC refuses FORK, EXEC and TRACK with ENOTSUP; CHILD and TRACKERR never come.
 */
#define NOTE_EXIT 0x80000000
#define NOTE_FORK 0x40000000
#define NOTE_EXEC 0x20000000
#define NOTE_TRACK 0x00000001
#define NOTE_TRACKERR 0x00000002
#define NOTE_CHILD 0x00000004
#define NOTE_PCTRLMASK 0xf0000000
#define NOTE_PDATAMASK 0x000fffff

/* kqueuex(2). */
#define KQUEUE_CLOEXEC 0x00000001

/* Creates a kqueue. The descriptor is not inherited by fork(2). Errors: EMFILE, ENFILE, ENOMEM. */
int kqueue(void);

/* As kqueue(), with O_CLOEXEC in flags; any other bit: EINVAL. */
int kqueue1(int flags);

/* As kqueue(), with KQUEUE_CLOEXEC or O_CLOEXEC in flags; any other bit: EINVAL. */
int kqueuex(unsigned int flags);

/*
 * Applies changelist in order, then, unless a change left an entry in eventlist, waits for events.
 * timeout is relative: null waits without limit, zero polls. Returns the number of entries written
 * to eventlist, 0 when the time is up, or -1 with errno EBADF (kq is not open), EINVAL (kq is not a
 * kqueue, a count is negative, the timeout is out of range), EFAULT, EINTR (the changes have been
 * applied), or the errno of a change that found no room for its entry.
 */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow" /* the function and the struct share their name */
#endif
int kevent(int kq, const struct kevent* changelist, int nchanges, struct kevent* eventlist,
           int nevents, const struct timespec* timeout);
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic pop
#endif

#ifdef __cplusplus
}
#endif

#endif /* KQ_SYS_EVENT_H_ */
