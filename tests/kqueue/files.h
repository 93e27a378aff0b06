// Files for VNODE knotes to watch: a private directory for each case, removed with everything in it
// when the case ends, and the operations that a knote tells of, by the names in that directory.
//
// Only the descriptors are the subject's; names are the host's, so a subject without the host's
// descriptors skips these cases.
#pragma once

#include <string>
#include <vector>

#include "fixture.h"

namespace kqtorture {

class VnodeTest : public KqueueTest {
 protected:
  void SetUp() override;
  void TearDown() override;

  // The path of a name in the case's directory; of the directory itself without one.
  std::string path(const std::string& name = "") const;
  // A new file of that size, opened for reading and writing, at its beginning.
  Fd create(const std::string& name, size_t size = 0);
  // A new directory, opened.
  Fd make_directory(const std::string& name);
  Fd open_again(const std::string& name, int flags);
  void unlink_name(const std::string& name);
  void remove_directory(const std::string& name);
  void rename_name(const std::string& from, const std::string& to);
  void link_name(const std::string& from, const std::string& to);

  // EV_ADD with the flags, for these notes.
  void watch(int fd, uint32_t notes, int flags = flag::kClear);
  // Polls once, expects exactly one VNODE event, and returns its notes.
  uint32_t only_notes();

 private:
  std::string directory_;
};

Kevent vnode(int fd, int flags, uint32_t notes = 0);

}  // namespace kqtorture
