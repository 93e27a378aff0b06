// What a system has not, its function says by ENOSYS, and the program ends with 77.
#include "scenario/c_runtime_objects.h"

namespace kqtorture {
namespace {

constexpr CPiece kObjectPieces[] = {
    {"folder", R"(
static const char *folder(void) /* a directory of this process's own */
{
  static char path[64];
  if (*path == '\0') {
    snprintf(path, sizeof path, "/tmp/kq-repro.%ld.XXXXXX", (long)getpid());
    if (mkdtemp(path) == NULL) cannot("mkdtemp");
  }
  return path;
}
)"},
    {"set_nonblocking", R"(
static int set_nonblocking(int fd)
{
  return fcntl(fd, F_SETFL, O_NONBLOCK) == 0 && fcntl(fd, F_SETFD, FD_CLOEXEC) == 0;
}
)"},
    {"make_pipe", R"(
static void make_pipe(int fd[2])
{
  if (pipe(fd) != 0 || !set_nonblocking(fd[0]) || !set_nonblocking(fd[1])) cannot("pipe");
}
)"},
    {"make_pair", R"(
static void make_pair(int type, int fd[2])
{
  if (socketpair(AF_UNIX, type, 0, fd) != 0) cannot("socketpair");
  if (!set_nonblocking(fd[0]) || !set_nonblocking(fd[1])) cannot("socketpair");
}
)"},
    {"move_up", R"(
static int move_up(int fd) /* out of the way of the numbers that the program is given */
{
  const int high = fcntl(fd, F_DUPFD_CLOEXEC, 400);
  if (high < 0) cannot("F_DUPFD_CLOEXEC");
  close(fd);
  set_nonblocking(high);
  return high;
}
)"},
    {"listen_at", R"(
static void listen_at(int fd, const void *address, socklen_t size)
{
  if (fd < 0 || !set_nonblocking(fd) || bind(fd, address, size) != 0 || listen(fd, 16) != 0)
    cannot("listen");
}
)"},
    {"make_listener", R"(
static int make_listener(void)
{
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  struct sockaddr_in address;
  memset(&address, 0, sizeof address);
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listen_at(fd, &address, sizeof address);
  return fd;
}
)"},
    {"make_local_listener", R"(
static int make_local_listener(void)
{
  static int made;
  const int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address;
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  snprintf(address.sun_path, sizeof address.sun_path, "%s/socket.%d", folder(), made++);
  listen_at(fd, &address, sizeof address);
  return fd;
}
)"},
    {"connect_to", R"(
static int connect_to(int listener)
{
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  int fd, on = 1;
  if (getsockname(listener, (struct sockaddr *)&address, &size) != 0) return -1;
  fd = socket(address.ss_family, SOCK_STREAM, 0);
  if (fd < 0) return -1;
  set_nonblocking(fd);
  if (connect(fd, (struct sockaddr *)&address, size) != 0 && errno != EINPROGRESS) {
    const int error = errno;
    close(fd);
    errno = error;
    return -1;
  }
  if (address.ss_family == AF_INET) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return fd;
}
)"},
    {"accept_from", R"(
static int accept_from(int listener)
{
  const int fd = accept(listener, NULL, NULL);
  if (fd >= 0) set_nonblocking(fd);
  return fd;
}
)"},
    {"make_tcp", R"(
static void make_tcp(int fd[2])
{
  const int listener = move_up(make_listener());
  int tries, on = 1;
  fd[0] = connect_to(listener);
  if (fd[0] < 0) cannot("connect");
  fd[1] = -1;
  for (tries = 0; tries < 10000 && fd[1] < 0; tries++) {
    fd[1] = accept_from(listener);
    if (fd[1] < 0) sleep_us(100);
  }
  if (fd[1] < 0) cannot("accept");
  setsockopt(fd[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  close(listener);
}
)"},
    {"make_eventfd", R"(
static int make_eventfd(void)
{
#if defined(__linux__) || defined(__FreeBSD__)
  const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
#else
  const int fd = -1;
  errno = ENOSYS;
#endif
  if (fd < 0) cannot("eventfd");
  return fd;
}
)"},
    {"raise_counter", R"(
static ssize_t raise_counter(int fd, uint64_t by)
{
  return write(fd, &by, sizeof by);
}
)"},
    {"take_counter", R"(
static ssize_t take_counter(int fd)
{
  uint64_t counter;
  return read(fd, &counter, sizeof counter);
}
)"},
    {"fill", R"(
static long long fill(int fd)
{
  static char chunk[65536];
  long long total = 0;
  ssize_t got = 0;
  int tries;
  for (tries = 0; tries < 256 && (got = write(fd, chunk, sizeof chunk)) >= 0; tries++) total += got;
  return got >= 0 || errno == EAGAIN ? total : -1;
}
)"},
    {"drain", R"(
static long long drain(int fd)
{
  static char chunk[65536];
  long long total = 0;
  ssize_t got = 0;
  int tries;
  for (tries = 0; tries < 256 && (got = read(fd, chunk, sizeof chunk)) > 0; tries++) total += got;
  return got >= 0 || errno == EAGAIN ? total : -1;
}
)"},
    {"remove_one", R"(
static int remove_one(const char *path, const struct stat *status, int kind, struct FTW *where)
{
  (void)status;
  (void)kind;
  (void)where;
  return remove(path);
}
)"},
    {"remove_folder", R"(
static void remove_folder(void)
{
  nftw(folder(), remove_one, 8, FTW_DEPTH | FTW_PHYS);
}
)"},
    {"newest_name", R"(
/* The newest name of a file: by its inode and how many names it has. 0 if it has none. */
static int newest_name(int fd, char name[128], int later)
{
  struct stat status;
  if (fstat(fd, &status) != 0) return 0;
  errno = ENOENT;
  if (status.st_nlink == 0) return 0;
  snprintf(name, 128, "%s/%lu.%ld", folder(), (unsigned long)status.st_ino,
           (long)status.st_nlink - 1 + later);
  return 1;
}
)"},
    {"make_named_file", R"(
static int make_named_file(off_t size)
{
  char fresh[128], name[128];
  int fd;
  snprintf(fresh, sizeof fresh, "%s/fresh", folder());
  fd = open(fresh, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, size) != 0 || !newest_name(fd, name, 0) || rename(fresh, name) != 0)
    cannot("a file");
  return fd;
}
)"},
    {"make_file", R"(
static int make_file(off_t size)
{
  char name[] = "/tmp/kq-repro.XXXXXX";
  const int fd = mkstemp(name);
  if (fd < 0 || unlink(name) != 0 || ftruncate(fd, size) != 0) cannot("a file");
  return fd;
}
)"},
    {"one_more_name", R"(
static int one_more_name(int fd)
{
  char name[128], next[128];
  return newest_name(fd, name, 0) && newest_name(fd, next, 1) ? link(name, next) : -1;
}
)"},
    {"one_name_less", R"(
static int one_name_less(int fd)
{
  char name[128];
  return newest_name(fd, name, 0) ? unlink(name) : -1;
}
)"},
    {"another_name", R"(
static int another_name(int fd) /* and back */
{
  char name[128], other[128];
  if (!newest_name(fd, name, 0)) return -1;
  snprintf(other, sizeof other, "%s/renamed", folder());
  return rename(name, other) == 0 ? rename(other, name) : -1;
}
)"},
    {"name_over", R"(
static int name_over(int fd, int over) /* which loses that name, and back */
{
  char name[128], other[128];
  if (!newest_name(fd, name, 0) || !newest_name(over, other, 0)) return -1;
  return rename(name, other) == 0 ? rename(other, name) : -1;
}
)"},
    {"make_directory", R"(
static int make_directory(void)
{
  static int made;
  char name[128];
  int fd;
  snprintf(name, sizeof name, "%s/directory.%d", folder(), made++);
  fd = mkdir(name, 0700) == 0 ? open(name, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
  if (fd < 0) cannot("a directory");
  return fd;
}
)"},
    {"entries", R"(
static int entries(int fd, const char *kind) /* of a directory: kind.0, kind.1, ... */
{
  char name[64];
  int count;
  for (count = 0;; count++) {
    snprintf(name, sizeof name, "%s.%d", kind, count);
    if (faccessat(fd, name, F_OK, 0) != 0) return count;
  }
}
)"},
    {"add_entry", R"(
static int add_entry(int fd, const char *kind, int directory)
{
  char name[64];
  int made;
  snprintf(name, sizeof name, "%s.%d", kind, entries(fd, kind));
  if (directory) return mkdirat(fd, name, 0700);
  made = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  return made < 0 ? -1 : close(made);
}
)"},
    {"remove_entry", R"(
static int remove_entry(int fd, const char *kind, int directory)
{
  char name[64];
  snprintf(name, sizeof name, "%s.%d", kind, entries(fd, kind) - 1);
  return unlinkat(fd, name, directory ? AT_REMOVEDIR : 0);
}
)"},
    {"rename_entry", R"(
static int rename_entry(int fd) /* and back */
{
  char name[64];
  snprintf(name, sizeof name, "file.%d", entries(fd, "file") - 1);
  return renameat(fd, name, fd, "renamed") == 0 ? renameat(fd, "renamed", fd, name) : -1;
}
)"},
    {"child", R"(
struct child {
  pid_t id;
  int orders; /* what is written here is the status it exits with */
  int descriptor;
  int ended;
};
)"},
    {"start_child", R"(
/* A process that does nothing until it is told to end. It holds nothing but its orders open. */
static struct child start_child(int described)
{
  struct child child = {-1, -1, -1, 0};
  unsigned char status = 0;
  int fd[2], other;
  if (pipe(fd) != 0) cannot("pipe");
  fd[0] = move_up(fd[0]);
  fd[1] = move_up(fd[1]);
  fcntl(fd[0], F_SETFL, 0);
#if defined(__FreeBSD__)
  child.id = described ? pdfork(&child.descriptor, 0) : fork();
#else
  child.id = fork();
#endif
  if (child.id < 0) cannot("fork");
  if (child.id == 0) {
    for (other = 3; other < 500; other++)
      if (other != fd[0]) close(other);
    while (read(fd[0], &status, 1) < 0 && errno == EINTR)
      continue;
    _exit(status);
  }
  close(fd[0]);
  child.orders = fd[1];
#if defined(SYS_pidfd_open)
  if (described) child.descriptor = (int)syscall(SYS_pidfd_open, child.id, 0);
#endif
  if (described && child.descriptor < 0) cannot("a descriptor of a process");
  return child;
}
)"},
    {"end_child", R"(
/* number 0: it exits with the status; else it is killed. Returns when it has ended. */
static int end_child(struct child *child, int number, int status)
{
  const unsigned char order = (unsigned char)status;
  siginfo_t info;
  if (child->ended) {
    errno = ESRCH;
    return -1;
  }
  child->ended = 1;
  if (number != 0) kill(child->id, number);
  else if (write(child->orders, &order, 1) != 1) cannot("orders of a child");
  while (waitid(P_PID, (id_t)child->id, &info, WEXITED | WNOWAIT) != 0 && errno == EINTR)
    continue;
  return 0;
}
)"},
    {"reap_child", R"(
static int reap_child(struct child *child) /* its wait status */
{
  int status = 0;
  const pid_t got = waitpid(child->id, &status, WNOHANG);
  if (got == child->id) return status;
  errno = got == 0 ? EAGAIN : ECHILD;
  return -1;
}
)"},
    {"heard", R"(
static void heard(int number)
{
  (void)number;
}
)"},
    {"take_signal", R"(
static void take_signal(int number, void (*handler)(int))
{
  struct sigaction action;
  memset(&action, 0, sizeof action);
  action.sa_handler = handler;
  action.sa_flags = SA_RESTART;
  if (sigaction(number, &action, NULL) != 0) cannot("a signal");
}
)"},
    {"open_again", R"(
/* Fresh objects at the numbers of the old ones; where they are in the way of each other, the names
   stand for the new numbers. */
static int open_again(int ends, int fresh[2], volatile int *first, volatile int *second)
{
  volatile int *names[2];
  const int crossed = ends == 2 && (fresh[0] == *second || fresh[1] == *first);
  int i;
  names[0] = first;
  names[1] = second;
  for (i = 0; i < ends; i++) {
    if (fresh[i] == *names[i]) continue;
    if (crossed) {
      *names[i] = fresh[i];
    } else {
      if (dup2(fresh[i], *names[i]) < 0) return -1;
      close(fresh[i]);
    }
  }
  return 0;
}
)"},
};

}  // namespace

std::span<const CPiece> c_object_pieces() { return kObjectPieces; }

}  // namespace kqtorture
