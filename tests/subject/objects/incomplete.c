/* Objects that are no subject, each for one reason: the macro names what is there or missing. */
#include <stddef.h>
#include <sys/types.h>

#if !defined(KQ_NO_KQUEUE)
int kqueue(void) { return -1; }
#endif
#if !defined(KQ_NO_KEVENT)
int kevent(void) { return -1; }
#endif
#if defined(KQ_PIPE_ALONE)
int pipe(int fds[2]) { return fds[0] = fds[1] = -1; }
#endif
#if defined(KQ_SOCKET_WITHOUT_READ)
int socket(int domain, int type, int protocol) { return -(domain + type + protocol); }
int close(int fd) { return fd; }
ssize_t write(int fd, const void* buffer, size_t size) { return fd + (buffer ? (ssize_t)size : 0); }
#endif
#if defined(KQ_UNDEFINED)
extern int defined_nowhere(void);
int use(void) { return defined_nowhere(); }
#endif
#if defined(KQ_BAD_LAYOUT)
const char kqtorture_layout[] = "amiga";
#endif
#if defined(KQ_UNTERMINATED_LAYOUT)
const char kqtorture_layout[6] = {'n', 'e', 't', 'b', 's', 'd'};
#endif
#if defined(KQ_BAD_PROFILE)
const char kqtorture_profile[] = "free\x1b[31mbsd\nand more";
#endif
#if defined(KQ_HOST_NAME)
const char kqtorture_host[] = KQ_HOST_NAME;
#endif
#if defined(KQ_PROFILE_NAME)
const char kqtorture_profile[] = KQ_PROFILE_NAME;
#endif
