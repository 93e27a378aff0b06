// What can a sequential program do, and what does it see?
//
// An operation is one call on the subject; whatever a litmus line needs several calls for (fill,
// drain, reopen) is several operations. Descriptors are the subject's own numbers: the runner
// makes the call first, then hands the model the operation together with its outcome, in which the
// numbers of new descriptors are. So the model follows the reuse of a number without being told.
#pragma once

#include <cstdint>
#include <string>

#include "contract/vocabulary.h"

namespace kqtorture::contract {

// In brackets: the fields of Op used, and what a success puts in Outcome (`value` is 0 unless
// said).
enum class OpKind : uint8_t {
  kKqueue,      // -> fd
  kPipe,        // non-blocking -> fd the read end, fd2 the write end
  kStreamPair,  // AF_UNIX, SOCK_STREAM, non-blocking -> fd, fd2
  kDgramPair,   // AF_UNIX, SOCK_DGRAM, non-blocking -> fd, fd2
  kTcpPair,     // connected over the loopback, non-blocking; both ends already accepted -> fd, fd2
  kUnixListener,  // listening AF_UNIX stream socket -> fd
  kTcpListener,   // listening socket on the loopback -> fd
  kEventfd,       // amount: the initial value; non-blocking, not a semaphore -> fd
  kFile,          // amount: size in bytes of a fresh regular file, offset 0, read-write -> fd
  kProcdesc,      // amount: the id of a child that does nothing until it ends -> fd, of the child
  kDirectory,     // a fresh directory, empty -> fd
  kConnect,       // fd: the listener; -> fd the connected (or connecting) client, non-blocking
  kAccept,        // fd: the listener; -> fd the server's side, non-blocking
  kClose,         // fd
  kUnseenClose,   // fd, behind the kqueue's back: by raw system call
  kDup,           // fd; -> fd the new number
  kDup2,          // fd onto fd2; value: fd2
  kRead,       // fd, amount bytes asked for; value: bytes got. An eventfd: amount 8, see `counter`
  kWrite,      // fd, amount bytes; value: bytes accepted. An eventfd: amount is what is added,
               // and value 8
  kShutdown,   // fd, amount: 0 the receiving side, 1 the sending side, 2 both (SHUT_RD, _WR, _RDWR)
  kSeek,       // fd of a file, amount: the new offset; value: the same
  kTruncate,   // fd of a file, amount: the new size
  kChmod,      // fd of a file, whose mode is set to what it is
  kLink,       // fd of a file, which gets one more name
  kUnlink,     // fd of a file, which loses its newest name
  kRename,     // fd of a file, whose newest name is changed and changed back
  kReplace,    // the newest name of the file fd is moved over the newest of fd2's file, and back
  kEntryMade,  // fd of a directory, which gets one more file (amount 0) or subdirectory (1)
  kEntryGone,  // fd of a directory, which loses its newest file (0) or subdirectory (1)
  kEntryRenamed,  // fd of a directory, whose newest file's name is changed and changed back
  kSignal,  // nothing called: from now on the program alone posts signal `amount` to the process,
            // whose default does no harm
  kRaise,   // posts signal `amount` to the process
  kSpawn,   // a child that does nothing until it ends; value: its process id
  kExit,    // the child with id fd has ended, with the wait status `amount`
  kReap,    // of the child with id fd; value: its wait status. EAGAIN: it has not ended
  kAwait,   // nothing called: the runner slept until everything that is under way has arrived:
            // timers of at most 1 ms (kSoonNs, timer.h) have expired, loopback traffic is there
  kKevent,  // see below
};
inline constexpr int kOpKinds = static_cast<int>(OpKind::kKevent) + 1;
const char* op_name(OpKind kind);
// How many descriptors a successful operation of this kind makes: 0, 1 or 2. (dup2 makes none: its
// number is given.)
int opens(OpKind kind);

// The timeout argument of kevent().
enum class Timeout : uint8_t {
  kZero,        // polls
  kFinite,      // waits a while; an early or late return is not the model's business
  kForever,     // null: only to be used when Model::pending() says kYes, else the call may hang
  kNegative,    // seconds < 0
  kBadNanos,    // nanoseconds outside 0..999999999
  kUnreadable,  // a pointer that faults
};

// No process may have this many descriptors: Linux's own maximum, and more than anybody's.
inline constexpr int kBeyondAnyLimit = 1 << 30;

struct Op {
  OpKind kind = OpKind::kKevent;
  int fd = -1;  // the descriptor operated on; of kKevent: the kqueue
  int fd2 = -1;
  int64_t amount = 0;

  // kKevent. The changes as they were passed: when the lists alias, a copy made before the call.
  // `changes` holds at least min(nchanges, changes_readable) entries.
  static constexpr int kAll = -1;
  const Event* changes = nullptr;
  int nchanges = 0;  // as passed: may be negative
  int nevents = 0;   // as passed: may be negative
  Timeout timeout = Timeout::kZero;
  int changes_readable = kAll;  // entries from this index on fault; 0 for a null list
  int events_writable = kAll;   // likewise of the event list
  // The event list is the changelist from this index on, and `written` what it holds after the
  // call: later changes may be read as entries that overwrote them.
  int alias = kNoAlias;
  static constexpr int kNoAlias = -1;
  const Event* written = nullptr;
};

struct Outcome {
  int64_t value = 0;  // what the call returned, -1 on error
  int error = 0;      // errno, when value is -1
  int fd = -1;        // new descriptors, see OpKind
  int fd2 = -1;
  uint64_t counter = 0;           // of kRead on an eventfd: the value read
  const Event* events = nullptr;  // of kKevent: `value` entries

  static Outcome failed(int error_number) {
    Outcome outcome;
    outcome.value = -1;
    outcome.error = error_number;
    return outcome;
  }
};

std::string to_text(const Op& op);
std::string to_text(const Op& op, const Outcome& outcome);

}  // namespace kqtorture::contract
