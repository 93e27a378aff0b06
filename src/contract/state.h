// What does the model remember of the world?
//
// Objects, the descriptors open on them, and knotes, in fixed arrays: a state is copied by copying
// memory and nothing is allocated while a program is judged. The bounds are several times what a
// program of 256 operations that a person would read needs; a program beyond them is undecided,
// never misjudged.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "contract/knote.h"
#include "contract/tri.h"

namespace kqtorture::contract {

inline constexpr int kMaxObjects = 40;
inline constexpr int kMaxDescriptors = 64;
inline constexpr int kMaxKnotes = 64;
inline constexpr int kMaxDatagrams = 16;
inline constexpr int kMaxBacklog = 16;
inline constexpr int kMaxRemoved = 16;
inline constexpr int kMaxProcesses = 16;

enum class ObjectKind : uint8_t {
  kFree,
  kKqueue,
  kPipe,    // end 0 reads, end 1 writes
  kStream,  // AF_UNIX
  kTcp,     // as kStream, but what is sent may arrive late
  kDgram,   // AF_UNIX
  kListener,
  kEventfd,
  kFile,
  kProcdesc,  // of a child
  kDirectory,
};
const char* kind_name(ObjectKind kind);

inline constexpr uint64_t kEventfdMost = UINT64_MAX - 1;

// One side of an object: its receive queue, and what is known of the other side's space to send.
struct End {
  uint8_t descriptors = 0;
  bool embryo = false;        // waits in a backlog, without a descriptor
  bool closed = false;        // had descriptors and has none any more
  Tri no_receive = Tri::kNo;  // nothing more will come: READ is EOF
  Tri no_send = Tri::kNo;     // nothing more can be sent from here: WRITE is EOF
  bool sent_all = false;      // it said that it will send no more
  bool forgotten = false;     // its READ knotes hear of what happens here, or not
  Tri reset = Tri::kNo;       // an error (ECONNRESET) is pending here
  Tri full = Tri::kNo;        // the peer was refused for want of space, and nothing was read since
  bool under_way = false;     // something sent here may still be arriving
  Range inbox;                // bytes waiting to be read here
  int64_t charge = 0;         // upper bound of the inbox's cost to the peer's space: bytes as the
                              // host counts them; of a pipe: slots
  uint8_t datagrams = 0;
  uint16_t sizes[kMaxDatagrams];  // of the datagrams, first to be read first
};

struct Object {
  ObjectKind kind = ObjectKind::kFree;
  bool inet = false;
  // Kqueue: a queued knote went away and may have left the kqueue readable until it is scanned
  // (I17).
  bool stale_hint = false;
  // Kqueue: a knote on an object went away, and the watch it had may outlast it: whatever happens
  // to the object, and the end of the watch itself, then hints at an event that there is not.
  bool watches_left = false;
  End end[2];
  uint64_t counter = 0;          // eventfd: the counter. File: the size. Directory: its files
  int64_t offset = 0;            // file. Process descriptor: the child's id. Directory:
                                 // its subdirectories
  uint8_t links = 1;             // file: its names, if it was made with one
  uint8_t watchers = 0;          // kqueue: knotes that watch it
  uint8_t waiting = 0;           // listener: connections that are complete
  uint8_t backlog[kMaxBacklog];  // listener: their objects, oldest first
};

struct Descriptor {
  int number = -1;
  uint8_t object = 0;
  uint8_t end = 0;
};

// A child of the program.
struct Process {
  enum class Life : uint8_t { kAlive, kZombie, kReaped };
  int64_t id = 0;
  int32_t status = 0;  // as wait(2) gives it, once it has ended
  Life life = Life::kAlive;
};

// Why a key is gone: only for naming what an impossible delivery is.
enum class Removal : uint8_t { kDeleted, kClosed, kOneshot };
struct Removed {
  uint64_t ident = 0;
  uint64_t udata = 0;
  int16_t filter = 0;
  uint8_t kqueue = 0;
  Removal why = Removal::kDeleted;
};

struct State {
  uint8_t objects = 0;       // slots in use, some of them free again
  uint8_t descriptors = 0;   // all in use
  uint8_t knotes = 0;        // all in use
  uint8_t removed = 0;       // number of valid entries
  uint8_t removed_next = 0;  // ring
  uint8_t nesting = 0;       // knotes that watch a kqueue
  uint8_t orphans = 0;       // knotes whose number was closed unseen
  uint8_t processes = 0;     // all that ever were
  bool undecided = false;    // beyond the model
  uint32_t tick = 1;         // the clock of all queues
  uint64_t signals = 0;      // those that the program alone posts; bit n - 1 for signal n
  // The last one is always free: what orphans of a vanished object watch.
  static constexpr uint8_t kVanished = kMaxObjects;
  Object object[kMaxObjects + 1];
  Descriptor descriptor[kMaxDescriptors];
  Knote knote[kMaxKnotes];
  Removed gone[kMaxRemoved];
  Process process[kMaxProcesses];

  State() {}  // the arrays stay as they are: only the first `objects` ... entries mean anything
  // Only the parts in use: a whole state is several times larger.
  void copy_from(const State& from);
  const Descriptor* find_descriptor(int number) const {
    for (int i = 0; i < descriptors; i++) {
      if (descriptor[i].number == number) return &descriptor[i];
    }
    return nullptr;
  }
  int find_knote(uint8_t kqueue, int16_t filter, uint64_t ident) const {
    for (int i = 0; i < knotes; i++) {
      const Knote& kn = knote[i];
      if (kn.ident == ident && kn.filter == filter && kn.kqueue == kqueue) return i;
    }
    return -1;
  }
};

inline void State::copy_from(const State& from) {
  objects = from.objects;
  descriptors = from.descriptors;
  knotes = from.knotes;
  removed = from.removed;
  removed_next = from.removed_next;
  nesting = from.nesting;
  orphans = from.orphans;
  processes = from.processes;
  undecided = from.undecided;
  tick = from.tick;
  signals = from.signals;
  std::copy_n(from.object, objects, object);
  std::copy_n(from.descriptor, descriptors, descriptor);
  std::copy_n(from.knote, knotes, knote);
  std::copy_n(from.gone, kMaxRemoved, gone);
  std::copy_n(from.process, processes, process);
}

// The whole state in words, for reports and debugging.
std::string to_text(const State& state);

// The states that explain everything seen so far. Eight suffice: only a call that failed with
// EFAULT while it delivered splits a state, by what it may have swallowed, and a close that nobody
// saw, by when it was found out.
struct StateSet {
  static constexpr int kCapacity = 8;
  int count = 1;
  State state[kCapacity];

  void reset() {
    count = 1;
    State& empty = state[0];
    empty.objects = empty.descriptors = empty.knotes = 0;
    empty.removed = empty.removed_next = empty.nesting = empty.orphans = 0;
    empty.processes = 0;
    empty.undecided = false;
    empty.tick = 1;
    empty.signals = 0;
  }
  void copy_from(const StateSet& from) {
    count = from.count;
    for (int i = 0; i < count; i++) state[i].copy_from(from.state[i]);
  }
};

}  // namespace kqtorture::contract
