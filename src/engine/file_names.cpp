// A process that is killed leaves its directory behind; so whoever makes one looks for those of
// processes that are gone, and removes them.
#include "engine/file_names.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

namespace kqtorture {
namespace {

constexpr const char* kPrefix = "kqtorture-files-";

// A memory file system, where there is one.
std::string place() {
  if (::access("/dev/shm", W_OK | X_OK) == 0) return "/dev/shm";
  const char* directory = std::getenv("TMPDIR");
  return directory != nullptr ? directory : "/tmp";
}

void remove_leftovers(const std::string& place) {
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(place, error)) {
    const std::string name = entry.path().filename().string();
    if (!name.starts_with(kPrefix)) continue;
    const long owner =
        std::strtol(name.c_str() + std::char_traits<char>::length(kPrefix), nullptr, 10);
    const bool gone = owner > 0 && ::kill(static_cast<pid_t>(owner), 0) != 0 && errno == ESRCH;
    std::error_code ignored;
    if (gone) std::filesystem::remove_all(entry.path(), ignored);
  }
}

std::string entry_name(bool subdirectory, int number) {
  return (subdirectory ? "directory." : "file.") + std::to_string(number);
}

// Their numbers begin with 0 and have no gap.
int entries(int fd, bool subdirectory) {
  int count = 0;
  while (::faccessat(fd, entry_name(subdirectory, count).c_str(), F_OK, 0) == 0) count++;
  return count;
}

}  // namespace

FileNames::~FileNames() {
  std::error_code ignored;
  if (!directory_.empty()) std::filesystem::remove_all(directory_, ignored);
}

bool FileNames::make_directory() {
  if (!directory_.empty()) return true;
  const std::string base = place();
  remove_leftovers(base);
  std::string name = base + "/" + kPrefix + std::to_string(getpid()) + "-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) return false;
  directory_ = name;
  return true;
}

std::string FileNames::newest(int fd, uint64_t* links) const {
  struct stat status;
  if (::fstat(fd, &status) != 0) return {};
  if (links != nullptr) *links = status.st_nlink;
  errno = ENOENT;
  if (status.st_nlink == 0 || directory_.empty()) return {};
  return directory_ + "/" + std::to_string(status.st_ino) + "." +
         std::to_string(status.st_nlink - 1);
}

int FileNames::create(int (*open)(const char*, int, ...), int64_t size) {
  const std::lock_guard lock(mutex_);
  if (!make_directory()) return -1;
  const std::string fresh = directory_ + "/fresh";
  const int fd = open(fresh.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) return -1;
  if (::ftruncate(fd, size) == 0 && std::rename(fresh.c_str(), newest(fd).c_str()) == 0) return fd;
  const int error = errno;
  ::unlink(fresh.c_str());
  errno = error;
  return fd;
}

int FileNames::create_directory(int (*open)(const char*, int, ...)) {
  const std::lock_guard lock(mutex_);
  if (!make_directory()) return -1;
  const std::string name = directory_ + "/directory." + std::to_string(directories_made_++);
  if (::mkdir(name.c_str(), 0700) != 0) return -1;
  return open(name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

int FileNames::add_entry(int fd, bool subdirectory) {
  const std::lock_guard lock(mutex_);
  const std::string name = entry_name(subdirectory, entries(fd, subdirectory));
  return subdirectory ? ::mkdirat(fd, name.c_str(), 0700)
                      : ::mknodat(fd, name.c_str(), S_IFREG | 0600, 0);
}

int FileNames::remove_entry(int fd, bool subdirectory) {
  const std::lock_guard lock(mutex_);
  const int count = entries(fd, subdirectory);
  return ::unlinkat(fd, entry_name(subdirectory, count - 1).c_str(),
                    subdirectory ? AT_REMOVEDIR : 0);
}

int FileNames::rename_entry(int fd) {
  const std::lock_guard lock(mutex_);
  const std::string name = entry_name(false, entries(fd, false) - 1);
  if (::renameat(fd, name.c_str(), fd, "renamed") != 0) return -1;
  return ::renameat(fd, "renamed", fd, name.c_str());
}

int FileNames::link(int fd) {
  const std::lock_guard lock(mutex_);
  uint64_t links = 0;
  const std::string name = newest(fd, &links);
  if (name.empty()) return -1;
  const std::string one_more = name.substr(0, name.rfind('.') + 1) + std::to_string(links);
  return ::link(name.c_str(), one_more.c_str());
}

int FileNames::unlink(int fd) {
  const std::lock_guard lock(mutex_);
  const std::string name = newest(fd);
  return name.empty() ? -1 : ::unlink(name.c_str());
}

int FileNames::rename(int fd) {
  const std::lock_guard lock(mutex_);
  const std::string name = newest(fd);
  if (name.empty()) return -1;
  const std::string other = directory_ + "/renamed";
  if (std::rename(name.c_str(), other.c_str()) != 0) return -1;
  return std::rename(other.c_str(), name.c_str());
}

int FileNames::replace(int fd, int over) {
  const std::lock_guard lock(mutex_);
  const std::string name = newest(fd);
  const std::string other = newest(over);
  if (name.empty() || other.empty()) return -1;
  if (std::rename(name.c_str(), other.c_str()) != 0) return -1;
  return std::rename(other.c_str(), name.c_str());
}

int64_t FileNames::call(const contract::Op& op) {
  switch (op.kind) {
    case contract::OpKind::kSeek:
      return ::lseek(op.fd, op.amount, SEEK_SET);
    case contract::OpKind::kTruncate:
      return ::ftruncate(op.fd, op.amount);
    case contract::OpKind::kChmod:
      return ::fchmod(op.fd, 0600);
    case contract::OpKind::kLink:
      return link(op.fd);
    case contract::OpKind::kUnlink:
      return unlink(op.fd);
    case contract::OpKind::kReplace:
      return replace(op.fd, op.fd2);
    case contract::OpKind::kEntryMade:
      return add_entry(op.fd, op.amount != 0);
    case contract::OpKind::kEntryGone:
      return remove_entry(op.fd, op.amount != 0);
    case contract::OpKind::kEntryRenamed:
      return rename_entry(op.fd);
    default:
      return rename(op.fd);
  }
}

contract::OpKind file_op(OpKind kind, bool over) {
  switch (kind) {
    case OpKind::kSeek:
      return contract::OpKind::kSeek;
    case OpKind::kTruncate:
      return contract::OpKind::kTruncate;
    case OpKind::kChmod:
      return contract::OpKind::kChmod;
    case OpKind::kLink:
      return contract::OpKind::kLink;
    case OpKind::kUnlink:
      return contract::OpKind::kUnlink;
    default:
      return over ? contract::OpKind::kReplace : contract::OpKind::kRename;
  }
}

contract::OpKind entry_op(OpKind kind, int64_t* amount) {
  *amount = kind == OpKind::kMkdir || kind == OpKind::kRmdir;
  if (kind == OpKind::kRename) return contract::OpKind::kEntryRenamed;
  const bool made = kind == OpKind::kCreate || kind == OpKind::kMkdir;
  return made ? contract::OpKind::kEntryMade : contract::OpKind::kEntryGone;
}

bool is_same_file(int a, int b) {
  struct stat one, other;
  return ::fstat(a, &one) == 0 && ::fstat(b, &other) == 0 && one.st_ino == other.st_ino &&
         one.st_dev == other.st_dev;
}

void FileNames::clear() {
  std::error_code error;
  if (directory_.empty()) return;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, error)) {
    std::error_code ignored;
    std::filesystem::remove_all(entry.path(), ignored);
  }
}

}  // namespace kqtorture
