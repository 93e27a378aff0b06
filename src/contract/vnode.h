// What do the VNODE knotes of a file hear? (3.7)
//
// FreeBSD posts a hint for each operation, and a knote that asked for any of its notes gets all of
// them. Linux tells a kqueue that something was done, and the kqueue finds out what by looking at
// the file the next time that anybody calls: so operations of one kind between two looks are told
// as one. What that leaves open is kept here: for each knote the notes it surely has, those it may
// have, and what was done since it surely looked.
#pragma once

#include "contract/context.h"

namespace kqtorture::contract {

enum class FileAct : uint8_t {
  kRead,
  kWrite,   // the file is as long as before
  kExtend,  // it is longer
  kEmpty,   // it was cut off at 0
  kCut,     // it is shorter, and not empty
  kChmod,
  kLink,
  kUnlink,
  kRename,
  kEntry,         // of a directory: a file made, removed or renamed in it
  kSubdirectory,  // likewise a directory made or removed
};

// Tells the knotes of the file.
void file_event(const Context& context, int object, FileAct act);
Evaluation evaluate_vnode(const Knote& knote);
// A call on the kqueue has surely looked at everything that it watches.
void look_at_files(const Context& context, uint8_t kqueue);
// A scan has; passed: it came to the knote, and did not deliver it.
void taken_in(bool passed, Knote* knote);
// The event settles which notes there were.
void was_shown(const Event& event, Knote* knote);

}  // namespace kqtorture::contract
