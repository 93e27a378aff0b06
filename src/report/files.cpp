// Plain system calls rather than streams: the error is an errno worth printing, O_EXCL and fsync
// are needed, and O_NONBLOCK keeps a FIFO that stands in a file's place from blocking the reader.
#include "report/files.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>

namespace kqtorture {
namespace {

std::string problem(const std::string& path, int error) {
  return path + ": " + std::strerror(error);
}

bool write_all(int fd, std::string_view contents) {
  while (!contents.empty()) {
    const ssize_t n = write(fd, contents.data(), contents.size());
    if (n < 0) {
      if (errno == EINTR) continue;
      return false;
    }
    contents.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

}  // namespace

bool make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) errno = error.value();
  return !error;
}

bool write_file(const std::string& path, std::string_view contents, std::string* error) {
  static std::atomic<unsigned> serial{0};
  const std::string parent = std::filesystem::path(path).parent_path().string();
  if (!parent.empty() && !make_directories(parent)) {
    *error = problem(parent, errno);
    return false;
  }
  // Hidden, so that nobody who lists the directory takes it for the finished file.
  const std::string name = std::filesystem::path(path).filename().string();
  const std::string temporary = (parent.empty() ? "." : parent) + "/." + name + "." +
                                std::to_string(getpid()) + "." + std::to_string(serial++);
  const int fd = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
  if (fd < 0) {
    *error = problem(temporary, errno);
    return false;
  }
  bool good = write_all(fd, contents) && fsync(fd) == 0;
  int saved = errno;
  close(fd);
  if (good && rename(temporary.c_str(), path.c_str()) != 0) {
    good = false;
    saved = errno;
  }
  if (!good) {
    unlink(temporary.c_str());
    *error = problem(path, saved);
  }
  return good;
}

bool append_file(const std::string& path, std::string_view contents, std::string* error) {
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
  const bool good = fd >= 0 && write_all(fd, contents);
  if (!good) *error = problem(path, errno);
  if (fd >= 0) close(fd);
  return good;
}

bool read_file(const std::string& path, size_t limit, std::string* contents, std::string* error) {
  const int fd = open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) {
    *error = problem(path, errno);
    return false;
  }
  contents->clear();
  error->clear();
  struct stat status;
  if (fstat(fd, &status) != 0) {
    *error = problem(path, errno);
  } else if (!S_ISREG(status.st_mode)) {
    *error = path + ": not a regular file";
  }
  // The size is checked while reading: the file may grow, and some file systems tell none.
  char buffer[65536];
  while (error->empty()) {
    const ssize_t n = read(fd, buffer, sizeof buffer);
    if (n == 0) break;
    if (n < 0) {
      if (errno != EINTR) *error = problem(path, errno);
      continue;
    }
    contents->append(buffer, static_cast<size_t>(n));
    if (contents->size() > limit) {
      *error = path + ": larger than " + std::to_string(limit) + " bytes";
    }
  }
  close(fd);
  return error->empty();
}

}  // namespace kqtorture
