// mkdtemp() and flock() are two steps, and a folder that is not locked yet is one that nobody
// holds. So whoever has locked one looks whether it is still there.
#include "scratch_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <memory>

#include "report/files.h"

namespace kqtorture {
namespace {

constexpr char kPrefix[] = "process.";
// Others can be this often in the way, one folder of theirs after another.
constexpr int kMostAttempts = 100;
// Out of the way of the descriptors that inputs make and count, and of libkq's own from 512.
constexpr int kLockNumber = 640;

// Locks the folder. -1 when it is gone or, unless told to wait, somebody else's.
int lock_folder(const std::string& path, bool wait) {
  const int opened = open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (opened < 0) return -1;
  const int high = fcntl(opened, F_DUPFD_CLOEXEC, kLockNumber);
  const int fd = high < 0 ? opened : high;
  if (high >= 0) close(opened);
  struct stat locked, named;
  if (flock(fd, wait ? LOCK_EX : LOCK_EX | LOCK_NB) == 0 && fstat(fd, &locked) == 0 &&
      lstat(path.c_str(), &named) == 0 && locked.st_ino == named.st_ino &&
      locked.st_dev == named.st_dev) {
    return fd;
  }
  close(fd);
  return -1;
}

void remove_abandoned(const std::string& parent) {
  std::error_code ignored;
  for (std::filesystem::directory_iterator it(parent, ignored), end; !ignored && it != end;
       it.increment(ignored)) {
    const std::string path = it->path().string();
    if (it->path().filename().string().rfind(kPrefix, 0) != 0) continue;
    const int lock = lock_folder(path, false);
    if (lock < 0) continue;
    std::error_code failed;
    std::filesystem::remove_all(path, failed);
    close(lock);
  }
}

std::string parent_of_this_process() {
  const char* out = getenv("KQ_OUT");
  if (out != nullptr && *out != '\0') return std::string(out) + "/scratch";
  const char* temporary = getenv("TMPDIR");
  const bool given = temporary != nullptr && *temporary != '\0';
  return std::string(given ? temporary : "/tmp") + "/kqtorture-scratch-" + std::to_string(getuid());
}

std::unique_ptr<ScratchFolder>& own() {
  static std::unique_ptr<ScratchFolder> folder;
  return folder;
}

}  // namespace

ScratchFolder::ScratchFolder(const std::string& parent) : parent_(parent) {
  if (!make_directories(parent)) return;
  struct stat status;
  if (lstat(parent.c_str(), &status) != 0) return;
  if (status.st_uid != geteuid()) {  // in /tmp anybody may have made it
    errno = EPERM;
    return;
  }
  remove_abandoned(parent);
  // Another process may take it for abandoned before it is locked, and so may the next.
  for (int attempt = 0; attempt < kMostAttempts && lock_ < 0; ++attempt) {
    std::string name = parent + "/" + kPrefix + "XXXXXX";
    if (mkdtemp(name.data()) == nullptr) {
      // Somebody's last folder has gone, and the parent with it.
      if (errno == ENOENT && make_directories(parent)) continue;
      return;
    }
    lock_ = lock_folder(name, true);
    if (lock_ >= 0) path_ = name;
  }
}

ScratchFolder::~ScratchFolder() {
  if (lock_ < 0) return;
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
  close(lock_);
  rmdir(parent_.c_str());
}

const std::string& ScratchFolder::of_this_process() {
  if (!own()) {
    const std::string parent = parent_of_this_process();
    own() = std::make_unique<ScratchFolder>(parent);
    if (own()->path().empty()) {
      perror(parent.c_str());
      _exit(2);
    }
  }
  return own()->path();
}

void ScratchFolder::remove_of_this_process() { own().reset(); }

}  // namespace kqtorture
