// Descriptors of the subject, created non-blocking in one call: a subject's numbers mean nothing to
// the host, so there is no fcntl() to fall back to.
#include "source.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <cstring>
#include <string>

#include "runner.h"

namespace kqtorture {

const char* name_of(SourceKind kind) {
  switch (kind) {
    case SourceKind::kPipe:
      return "Pipe";
    case SourceKind::kSocketPair:
      return "SocketPair";
    case SourceKind::kUser:
      return "User";
  }
  return "";
}

Source Source::open(const Subject& subject, SourceKind kind, uintptr_t number) {
  Source source;
  source.kind = kind;
  if (kind == SourceKind::kUser) {
    source.ident = number;
    source.filter = filter::kUser;
    return source;
  }
  int ends[2];
  const int failed = kind == SourceKind::kPipe
                         ? subject.calls().pipe2(ends, O_NONBLOCK | O_CLOEXEC)
                         : subject.calls().socketpair(
                               AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends);
  if (failed) {
    throw EnvironmentError(std::string("cannot create a ") + name_of(kind) + ": " +
                           std::strerror(errno));
  }
  source.read_end = ends[0];
  source.write_end = ends[1];
  source.ident = static_cast<uintptr_t>(ends[0]);
  source.filter = filter::kRead;
  return source;
}

void Source::close(const Subject& subject) {
  if (read_end >= 0) subject.close(read_end);
  if (write_end >= 0) subject.close(write_end);
  read_end = write_end = -1;
}

void Source::fill(const Subject& subject) const {
  if (write_end >= 0) static_cast<void>(!subject.write(write_end, "x", 1));
}

int Source::drain(const Subject& subject) const {
  if (read_end < 0) return 0;
  char bytes[512];
  int total = 0;
  for (;;) {
    const ssize_t size = subject.read(read_end, bytes, sizeof bytes);
    if (size <= 0) return total;
    total += static_cast<int>(size);
    if (size < static_cast<ssize_t>(sizeof bytes)) return total;
  }
}

}  // namespace kqtorture
