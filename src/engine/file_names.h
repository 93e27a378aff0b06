// Names for files that programs link, unlink and rename: in a private directory, which is made with
// the first of them and removed with everything in it.
//
// A file's names are told by its inode and a number: the newest is the one below its number of
// links. So whoever has a descriptor of it finds them, however it came to that, and two programs
// never meet. Only for subjects whose files are the host's.
#pragma once

#include <cstdint>
#include <mutex>
#include <string>

#include "contract/operation.h"
#include "scenario/program.h"

namespace kqtorture {

class FileNames {
 public:
  FileNames() = default;
  ~FileNames();
  FileNames(const FileNames&) = delete;
  FileNames& operator=(const FileNames&) = delete;

  // A new file of that size with one name, opened; -1 with errno.
  int create(int (*open)(const char*, int, ...), int64_t size);
  // A new directory, opened; -1 with errno.
  int create_directory(int (*open)(const char*, int, ...));
  // Each returns 0, or -1 with errno: ENOENT when a file has no name.
  int link(int fd);
  int unlink(int fd);
  // Changes the newest name and changes it back.
  int rename(int fd);
  // Moves the newest name over the newest of the other, which loses it, and back.
  int replace(int fd, int over);
  // An operation on a file, of the kinds that file_op() gives, names or not.
  int64_t call(const contract::Op& op);
  // Adds an entry to a directory, or removes the newest one of its kind: a file, or a subdirectory.
  int add_entry(int fd, bool subdirectory);
  int remove_entry(int fd, bool subdirectory);
  // Changes the name of its newest file and changes it back.
  int rename_entry(int fd);
  // Removes all names.
  void clear();

 private:
  bool make_directory();
  // The newest name; empty, with errno, when there is none. links: how many there are.
  std::string newest(int fd, uint64_t* links = nullptr) const;

  std::string directory_;
  int directories_made_ = 0;
  std::mutex mutex_;
};

// What the model calls an operation on a file; over: a rename over another one.
contract::OpKind file_op(OpKind kind, bool over);
// The same of one on a directory; amount: 1 of those about subdirectories.
contract::OpKind entry_op(OpKind kind, int64_t* amount);
// By their inodes.
bool is_same_file(int a, int b);

}  // namespace kqtorture
