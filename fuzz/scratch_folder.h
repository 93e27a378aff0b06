// A folder for what a fuzzing process needs under a name, and nobody needs afterwards.
//
// A process that dies of its input removes nothing, so others have to: the folders of all lie in
// one parent, each locked by whoever uses it, and whoever makes the next one first removes those
// that nobody holds. The lock ends with the process, however that ends.
#pragma once

#include <string>

namespace kqtorture {

class ScratchFolder {
 public:
  // Makes one in `parent`, and the parent. When there can be none, path() is empty and errno says
  // why.
  explicit ScratchFolder(const std::string& parent);
  // Removes it with all that it holds, and the parent when it is empty then.
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::string& path() const { return path_; }

  // This process's, made at the first call, removed at its exit(): in $KQ_OUT/scratch of a campaign
  // or of scripts/fuzz, else in a folder of this user's in $TMPDIR (default /tmp). Ends the process
  // with exit code 2 and a line on standard error when there can be none.
  static const std::string& of_this_process();
  // Now, because it will not come to exit().
  static void remove_of_this_process();

 private:
  std::string parent_, path_;
  int lock_ = -1;
};

}  // namespace kqtorture
