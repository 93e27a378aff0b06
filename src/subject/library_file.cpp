// Only what has led to crashes of the loader is checked: the magic number, and that the segments
// lie inside the file. Everything else it reports well itself.
#include "subject/library_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#if defined(__APPLE__)
#define KQT_HAS_ELF 0
#else
#define KQT_HAS_ELF 1
#include <elf.h>
#if defined(__linux__)
#include <link.h>
#endif
#endif

namespace kqtorture {
namespace {

#if KQT_HAS_ELF
#if defined(__linux__)
using Header = ElfW(Ehdr);
using Segment = ElfW(Phdr);
#else
using Header = Elf_Ehdr;
using Segment = Elf_Phdr;
#endif

// Some real libraries have a few dozen segments; the table of a hostile one is not worth reading.
constexpr unsigned kMaxSegments = 1024;

const char* elf_problem(int fd, off_t size) {
  Header header;
  if (pread(fd, &header, sizeof header, 0) != static_cast<ssize_t>(sizeof header) ||
      std::memcmp(header.e_ident, ELFMAG, SELFMAG) != 0) {
    return "not a shared library (no ELF header)";
  }
  const auto length = static_cast<uint64_t>(size);
  if (header.e_type != ET_DYN || header.e_phentsize != sizeof(Segment)) {
    return "not a shared library for this machine";
  }
  if (header.e_phnum > kMaxSegments) return "not a usable shared library (too many segments)";
  for (unsigned i = 0; i < header.e_phnum; ++i) {
    Segment segment;
    const auto at = static_cast<off_t>(header.e_phoff + i * sizeof segment);
    if (pread(fd, &segment, sizeof segment, at) != static_cast<ssize_t>(sizeof segment)) {
      return "the file is cut short (segment table)";
    }
    const uint64_t begin = segment.p_offset;
    const uint64_t bytes = segment.p_filesz;
    if (segment.p_type == PT_LOAD && (begin > length || bytes > length - begin)) {
      return "the file is cut short (segments lie outside it)";
    }
  }
  return nullptr;
}
#else
const char* elf_problem(int, off_t) { return nullptr; }
#endif

}  // namespace

bool looks_like_library(const std::string& path, std::string* error) {
  // O_NONBLOCK: a FIFO in its place must not block.
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) {
    *error = std::strerror(errno);
    return false;
  }
  struct stat status;
  const char* problem = nullptr;
  if (fstat(fd, &status) != 0) {
    problem = std::strerror(errno);
  } else if (!S_ISREG(status.st_mode)) {
    problem = "not a regular file";
  } else {
    problem = elf_problem(fd, status.st_size);
  }
  close(fd);
  if (problem != nullptr) *error = problem;
  return problem == nullptr;
}

}  // namespace kqtorture
