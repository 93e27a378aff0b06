/*
 * Comes before every file that is checked: takes away what only Linux and its C library have.
 *
 * The C library's own headers are read first, while their names still mean something. After that a
 * name that the platform does not have is poisoned, and a macro that code asks for is not there.
 */
#ifndef KQ_STUB_PLATFORM_H_
#define KQ_STUB_PLATFORM_H_

/* The compilers' own headers would do for the platform what its C library asks for. */
#pragma push_macro("__FreeBSD__")
#pragma push_macro("__NetBSD__")
#undef __FreeBSD__
#undef __NetBSD__

#if defined(__APPLE__)
/* Constants of an enumeration, too, which #undef does not reach. */
#define SOCK_NONBLOCK kq_stub_no_such_flag_nonblock
#define SOCK_CLOEXEC kq_stub_no_such_flag_cloexec
#endif

#include <dirent.h>
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#pragma pop_macro("__FreeBSD__")
#pragma pop_macro("__NetBSD__")

/* The BSDs have a name for the ELF structs of their own machine. */
#if !defined(__APPLE__)
typedef Elf64_Ehdr Elf_Ehdr;
typedef Elf64_Phdr Elf_Phdr;
#endif

/* Macros that the platforms do not have, or not all of them. */
#undef O_TMPFILE
#undef SYS_pidfd_open
#undef SYS_poll
#undef SYS_gettid
#undef SYS_tgkill
#if defined(__APPLE__)
#define st_mtimespec st_mtim /* its name of the field */
#undef SOCK_NONBLOCK
#undef SOCK_CLOEXEC
#undef SIGRTMIN
#undef SIGRTMAX
#endif
#if defined(__OpenBSD__)
#undef SIGRTMIN
#undef SIGRTMAX
#endif

#pragma GCC poison gettid tgkill process_vm_readv process_vm_writev memfd_create mremap   \
    secure_getenv pthread_setaffinity_np sched_setaffinity sched_getaffinity              \
        program_invocation_name get_nprocs renameat2 syncfs fallocate splice tee vmsplice \
            open_by_handle_at signalfd epoll_create epoll_create1 epoll_ctl epoll_wait    \
                timerfd_create inotify_init1 prctl canonicalize_file_name
#if defined(__APPLE__)
#pragma GCC poison accept4 ppoll pthread_condattr_setclock timer_create timer_settime \
    pthread_barrier_init
#endif

#endif /* KQ_STUB_PLATFORM_H_ */
