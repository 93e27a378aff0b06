// An open file: what one or several descriptors stand for.
//
// Everything in the virtual kernel happens under one lock, Kernel::lock, files included; so none of
// them has one of its own. Calls that wait give it up in Kernel::sleep() and nowhere else.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <vector>

#include "abi.h"

namespace vkernel {

struct Knote;
class Lock;

// Returned for an error: the negative errno, as kernels do inside.
using Result = ssize_t;

class File {
 public:
  File() = default;
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  // The last descriptor is closed and no call is under way. The lock is held.
  virtual ~File() = default;

  virtual Result read(Lock&, void* to, size_t size);
  virtual Result write(Lock&, const void* from, size_t size);
  virtual Result shut_down(int how);
  virtual bool is_socket() const { return false; }

  // Whether a knote of this filter can be attached: 0 or an errno.
  virtual int accepts(int filter) const = 0;
  // Is the knote's condition true? Sets data, fflags and EV_EOF of its event.
  virtual bool evaluate(Knote& knote) = 0;

  bool nonblocking = false;
  std::vector<Knote*> knotes;  // of all kqueues; they keep the file alive
};

}  // namespace vkernel
