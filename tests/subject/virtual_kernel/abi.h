// What the virtual kernel and its programs agree on: the struct of FreeBSD 12 and its numbers.
//
// Written down here once more, and not taken from the suite's own headers: the suite's translation
// between layouts is among what this subject tests.
#pragma once

#include <cstdint>

namespace vkernel {

struct Event {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  int64_t data;
  void* udata;
  uint64_t ext[4];  // stored when the knote is made, and handed back
};

enum Filter : int {
  kRead = -1,
  kWrite = -2,
  kVnode = -4,
  kProc = -5,
  kSignal = -6,
  kTimer = -7,
  kProcdesc = -8,
  kFs = -9,
  kUser = -11,
  kEmpty = -13,
  kLastFilter = -13
};

enum Flag : uint16_t {
  kAdd = 0x0001,
  kDelete = 0x0002,
  kEnable = 0x0004,
  kDisable = 0x0008,
  kOneshot = 0x0010,
  kClear = 0x0020,
  kReceipt = 0x0040,
  kDispatch = 0x0080,
  kForceOneshot = 0x0100,
  kKeepUdata = 0x0200,
  kSysFlags = 0xF000,
  kError = 0x4000,
  kEof = 0x8000
};

enum Note : uint32_t {
  kLowat = 0x1,
  kTrigger = 0x01000000,
  kFfAnd = 0x40000000,
  kFfOr = 0x80000000,
  kFfCopy = 0xC0000000,
  kFfControl = 0xC0000000,
  kFfFlags = 0x00FFFFFF,
  kSeconds = 0x1,
  kMseconds = 0x2,
  kUseconds = 0x4,
  kNseconds = 0x8,
  kAbstime = 0x10
};

}  // namespace vkernel
