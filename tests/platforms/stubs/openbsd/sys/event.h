/*
 * <sys/event.h> as OpenBSD 7.8 has it, as far as the suite can tell: the layout of the struct, the
 * numbers and the prototypes of the contract's tables. For checking that what is compiled there
 * compiles, and that the tables of the translation agree with it; nothing here can run.
 *
 * One reserved flag more than elsewhere; -8 is DEVICE and -9 EXCEPT, so USER is -10.
 */
#ifndef KQ_STUB_SYS_EVENT_H_
#define KQ_STUB_SYS_EVENT_H_

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#define EVFILT_READ (-1)
#define EVFILT_WRITE (-2)
#define EVFILT_AIO (-3)
#define EVFILT_VNODE (-4)
#define EVFILT_PROC (-5)
#define EVFILT_SIGNAL (-6)
#define EVFILT_TIMER (-7)
#define EVFILT_DEVICE (-8)
#define EVFILT_EXCEPT (-9)
#define EVFILT_USER (-10)

struct kevent {
  uintptr_t ident;
  short filter;
  unsigned short flags;
  unsigned int fflags;
  int64_t data;
  void* udata;
};

#define EV_SET(kevp, a, b, c, d, e, f) \
  do {                                 \
    (kevp)->ident = (a);               \
    (kevp)->filter = (b);              \
    (kevp)->flags = (c);               \
    (kevp)->fflags = (d);              \
    (kevp)->data = (e);                \
    (kevp)->udata = (f);               \
  } while (0)

#define EV_ADD 0x0001
#define EV_DELETE 0x0002
#define EV_ENABLE 0x0004
#define EV_DISABLE 0x0008
#define EV_ONESHOT 0x0010
#define EV_CLEAR 0x0020
#define EV_RECEIPT 0x0040
#define EV_DISPATCH 0x0080
#define EV_SYSFLAGS 0xF800
#define EV_ERROR 0x4000
#define EV_EOF 0x8000

#define NOTE_LOWAT 0x0001
#define NOTE_DELETE 0x0001
#define NOTE_WRITE 0x0002
#define NOTE_EXTEND 0x0004
#define NOTE_ATTRIB 0x0008
#define NOTE_LINK 0x0010
#define NOTE_RENAME 0x0020
#define NOTE_REVOKE 0x0040
#define NOTE_EXIT 0x80000000U
#define NOTE_FORK 0x40000000
#define NOTE_EXEC 0x20000000
#define NOTE_TRACK 0x00000001
#define NOTE_TRACKERR 0x00000002
#define NOTE_CHILD 0x00000004

#define NOTE_FFNOP 0x00000000
#define NOTE_FFAND 0x40000000
#define NOTE_FFOR 0x80000000
#define NOTE_FFCOPY 0xc0000000
#define NOTE_FFCTRLMASK 0xc0000000
#define NOTE_FFLAGSMASK 0x00ffffff
#define NOTE_TRIGGER 0x01000000

#define NOTE_MSECONDS 0x00000000
#define NOTE_SECONDS 0x00000001
#define NOTE_USECONDS 0x00000002
#define NOTE_NSECONDS 0x00000003
#define NOTE_ABSTIME 0x00000010
#define NOTE_EOF 0x0002
#define NOTE_OOB 0x0004
#define NOTE_TRUNCATE 0x0080

#ifdef __cplusplus
extern "C" {
#endif
int kqueue(void);
int kqueue1(int flags);
int kevent(int kq, const struct kevent* changelist, int nchanges, struct kevent* eventlist,
           int nevents, const struct timespec* timeout);
#ifdef __cplusplus
}
#endif

#endif /* KQ_STUB_SYS_EVENT_H_ */
