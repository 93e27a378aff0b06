// A scenario as a value: what threads do to descriptors and kqueues, in order.
//
// A Program is the litmus text of docs/litmus.md without its layout. It is plain data, so that a
// fuzzer can cut it up, a shrinker can try a thousand variants of it and every engine can run it.
// Names stand for descriptor numbers, which belong to the subject and are known only at run time.
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace kqtorture {

// Bounds of a program. They keep a hostile file from costing more than a large honest one, and are
// generous for anything a person would want to read: the largest hand-written litmus has 20 changes
// (two full chunks of 8 and a bit, the unit in which FreeBSD reads a changelist).
namespace limit {
inline constexpr size_t kTextBytes = 64 * 1024;
inline constexpr size_t kNameBytes = 15;
inline constexpr size_t kTitleBytes = 400;
inline constexpr size_t kObjects = 24;
inline constexpr size_t kThreads = 8;  // beside setup and finally
inline constexpr size_t kOps = 256;    // in all threads together
inline constexpr size_t kChanges = 32;
inline constexpr int kRoom = 64;                // entries of the event list
inline constexpr int64_t kBytes = 1024 * 1024;  // of one read or write, or of a file
inline constexpr int64_t kSleepUs = 1000000;
// A number used as a descriptor must not be open by accident; nobody raises the limit this far.
inline constexpr uint64_t kNeverOpen = 1u << 30;
}  // namespace limit

// An identifier of at most 15 characters, stored in place.
class Name {
 public:
  Name() = default;
  explicit Name(std::string_view text) {
    for (size_t i = 0; i < text.size() && i < limit::kNameBytes; i++) text_[i] = text[i];
  }
  std::string_view view() const { return text_.data(); }
  friend bool operator==(const Name&, const Name&) = default;

 private:
  std::array<char, limit::kNameBytes + 1> text_{};
};

enum class ObjectKind : uint8_t {
  kPipe,        // ends .r and .w
  kSocketpair,  // AF_UNIX stream, ends .a and .b
  kDgrampair,   // AF_UNIX datagram, ends .a and .b
  kTcp,         // a connected pair over the loopback, ends .a and .b
  kListener,    // a listening TCP socket on the loopback
  kUnixListener,
  kEventfd,
  kFile,       // a regular file of `value` bytes, offset 0
  kUser,       // not a descriptor: the ident `value` of EVFILT_USER
  kTimer,      // likewise of EVFILT_TIMER
  kKqueue,     // open from the start
  kVariable,   // holds what dup returned; until then a number that is not open
  kSignal,     // not a descriptor: a signal to the process, see signal_of() for `value`
  kChild,      // likewise a child process, which does nothing until it is told to end
  kProcdesc,   // such a child, and a descriptor of it
  kDirectory,  // a directory of its own, empty
};
inline constexpr int kObjectKinds = 16;

struct Object {
  ObjectKind kind = ObjectKind::kPipe;
  Name name;
  int64_t value = 0;  // kFile: size in bytes. kUser, kTimer: the ident. kSignal: see SignalWord
  friend bool operator==(const Object&, const Object&) = default;
};

// The signals that a program may post: none of them harms a process, or is anybody else's. URG and
// WINCH are left to their default, which is to do nothing, the others are ignored, unless the
// program wants them handled. RT1 to RT12 are real-time signals, for who needs many.
inline constexpr int kSignalWords = 16;
inline constexpr int64_t kHandled = 16;  // added to the index in the value of a kSignal
std::string_view signal_word(int64_t value);
// The number it has on this system, and -1 for a word that there is not.
int signal_of(int64_t value);
int64_t signal_of_word(std::string_view word);

// Number of descriptors the object has: 0 for idents, 2 for pairs, else 1.
int ends_of(ObjectKind kind);
// The letter of a pair's end: 'r' and 'w', or 'a' and 'b'.
char end_letter(ObjectKind kind, int end);

// A name in an operation: one end of an object, or a bare number.
struct Ref {
  static constexpr uint8_t kNumber = 255;
  uint8_t object = kNumber;  // index into Program::objects, or kNumber
  uint8_t end = 0;
  uint64_t number = 0;  // when object == kNumber
  friend bool operator==(const Ref&, const Ref&) = default;
};

struct Change {
  Ref ident;
  int16_t filter = 0;
  uint16_t flags = 0;
  uint32_t fflags = 0;
  int64_t data = 0;
  uint64_t udata = 0;  // see udata_of_name()
  friend bool operator==(const Change&, const Change&) = default;
};

// Names of udata are packed into the pointer itself, so that a value seen in a debugger, an event
// or a finding tells its own name. At most 8 characters; "0" is the null pointer.
uint64_t udata_of_name(std::string_view name);
// Returns the name, or an empty string when the value is not one.
std::string name_of_udata(uint64_t udata);

enum class OpKind : uint8_t {
  kKevent,
  kTrigger,   // kevent(target, {other, EVFILT_USER, NOTE_TRIGGER}): no room
  kWrite,     // amount bytes; an eventfd is raised by amount
  kFill,      // write until the object takes no more
  kRead,      // up to amount bytes
  kDrain,     // read until nothing is left
  kClose,     //
  kShutdown,  // amount: SHUT_RD, SHUT_WR or SHUT_RDWR
  kDup,       // target -> other, a kVariable
  kDup2,      // target onto the number of other
  kReopen,    // a fresh object of the same kind at the numbers of the old one
  kConnect,   // one more connection to the listener; the client goes to other, if it is given
  kAccept,    // one connection taken; the server's side goes to other, if it is given
  kSeek,      // a file's offset becomes amount
  kTruncate,  // a file's size becomes amount
  kChmod,     // a file's mode is set to what it is
  kLink,      // a file gets one more name
  kUnlink,    // a file loses its newest name
  kRename,    // a file's newest name changes, or is moved over that of other, and changes back
  kCreate,    // a directory gets one more file,
  kMkdir,     // or one more subdirectory;
  kRemove,    // and loses its newest file,
  kRmdir,     // or its newest subdirectory
  kSleep,     // amount microseconds
  kAwait,     // until every timer of at most a millisecond has expired and all traffic arrived
  kRaise,     // posts the signal to this process
  kExit,      // the child ends with the status amount
  kKill,      // signal amount ends the child
  kReap,      // the child, if it has ended: its wait status
};
inline constexpr int kOpKinds = 29;

enum class Wait : uint8_t {
  kZero,     // a timeout of zero
  kForever,  // no timeout
  kDue,      // long enough for any timer that is due soon
  kExplicit  // seconds and nanoseconds as given, valid or not
};

// Where a pointer handed to kevent() goes bad.
namespace bad {
inline constexpr int8_t kNone = -1;
inline constexpr int8_t kNull = -2;  // the null pointer; k >= 0: entry k and all after it fault
}  // namespace bad

// What one event must look like, in a program that says so itself. Fields without their bit in
// `fields` are not looked at.
struct ExpectedEvent {
  enum Field : uint8_t { kFlags = 1, kFflags = 2, kData = 4, kUdata = 8 };
  Change event;
  uint8_t fields = 0;
  friend bool operator==(const ExpectedEvent&, const ExpectedEvent&) = default;
};

enum class ExpectKind : uint8_t { kNothingSaid, kValue, kErrno, kEvents };

struct Expectation {
  ExpectKind kind = ExpectKind::kNothingSaid;
  int64_t value = 0;  // the return value, or errno
  std::vector<ExpectedEvent> events;
  friend bool operator==(const Expectation&, const Expectation&) = default;
};

struct Op {
  OpKind kind = OpKind::kKevent;
  Ref target;
  Ref other;
  int64_t amount = 0;
  // kKevent only.
  std::vector<Change> changes;
  bool count_given = false;  // the count passed is `count`, not changes.size()
  int32_t count = 0;
  int32_t room = 0;
  Wait wait = Wait::kZero;
  bool timeout_faults = false;
  bool aliased = false;  // the event list is the changelist's own array
  int8_t bad_changes = bad::kNone;
  int8_t bad_events = bad::kNone;
  int64_t seconds = 0;  // of Wait::kExplicit
  int64_t nanoseconds = 0;
  Expectation expect;
  friend bool operator==(const Op&, const Op&) = default;
};

enum class Role : uint8_t {
  kSetup,   // runs alone, before the threads
  kThread,  //
  kFinally  // runs alone, after them
};

struct Thread {
  Role role = Role::kThread;
  Name name;  // of a kThread
  std::vector<Op> ops;
  friend bool operator==(const Thread&, const Thread&) = default;
};

struct Program {
  std::string title;    // the sentence that the program tests
  std::string profile;  // the only profile it speaks of; empty: any
  std::string expect;   // the verdict it must draw; empty: none
  std::vector<Object> objects;
  std::vector<Thread> threads;  // setup first, finally last
  friend bool operator==(const Program&, const Program&) = default;
};

// False for sleep and await.
inline bool has_target(OpKind kind) { return kind != OpKind::kSleep && kind != OpKind::kAwait; }

// Clears the fields that an operation of this kind does not use, so that equal operations compare
// equal and a printed program parses back to itself.
void normalize(Op* op);
void normalize(Program* program);

// Calls visit(Ref*) for each of a program's references, those it expects included.
template <typename Visit>
void each_ref(Program* program, Visit visit) {
  for (Thread& thread : program->threads) {
    for (Op& op : thread.ops) {
      visit(&op.target);
      visit(&op.other);
      for (Change& change : op.changes) visit(&change.ident);
      for (ExpectedEvent& expected : op.expect.events) visit(&expected.event.ident);
    }
  }
}
// Takes an object away. What refers to it refers to no object afterwards, which is invalid.
void erase_object(Program* program, uint8_t index);
void erase_unused_objects(Program* program);

size_t count_ops(const Program& program);
size_t count_changes(const Program& program);
// Threads that run beside each other, setup and finally not counted.
size_t count_threads(const Program& program);
// True when nothing runs beside anything else: the sequential engine takes it.
bool is_sequential(const Program& program);

inline bool has_descriptor(ObjectKind kind) {
  return kind != ObjectKind::kUser && kind != ObjectKind::kTimer && kind != ObjectKind::kSignal &&
         kind != ObjectKind::kChild;
}
// Filters whose ident is a descriptor number. The filter decides, not the name that stands there:
// EVFILT_USER on a pipe's number is an ordinary USER knote.
bool is_descriptor_filter(int16_t filter);
// Operations on what a directory holds.
inline bool is_about_entries(OpKind kind) {
  return kind >= OpKind::kCreate && kind <= OpKind::kRmdir;
}
// Operations on a file's names: the file then has some (Fixtures::make_named()).
inline bool is_about_names(OpKind kind) {
  return kind == OpKind::kLink || kind == OpKind::kUnlink || kind == OpKind::kRename;
}

}  // namespace kqtorture
