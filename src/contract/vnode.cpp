// An operation that surely is told for what it is adds its notes. One that comes before the kqueue
// has looked at the last one of its kind does so only if the two together look like both.
#include "contract/vnode.h"

#include <cerrno>

#include "contract/object_ops.h"
#include "contract/objects.h"

namespace kqtorture::contract {
namespace {

// Knote::untaken: what was done to the file's contents, and to its attributes and links.
constexpr uint8_t kWritten = 1, kShortened = 2, kModeSet = 4, kLinked = 8, kUnlinked = 16;
constexpr uint8_t kSizes = kWritten | kShortened;
constexpr uint8_t kLinks = kModeSet | kLinked | kUnlinked;

// The hints of an act, one after the other, and the class of acts that it may be mixed up with.
struct Meaning {
  uint16_t hint[2];
  uint8_t bit;
  uint8_t group;
};

Meaning meaning_of(FileAct act) {
  constexpr auto kExtends = static_cast<uint16_t>(note::kWrite | note::kExtend);
  switch (act) {
    case FileAct::kRead:
      return {{note::kRead, 0}, 0, 0};
    case FileAct::kWrite:
      return {{note::kWrite, 0}, kWritten, kSizes};
    case FileAct::kExtend:
      return {{kExtends, 0}, kWritten, kSizes};
    case FileAct::kEmpty:
      return {{note::kAttrib, 0}, kShortened, kSizes};
    case FileAct::kCut:
      return {{note::kAttrib, note::kWrite}, kShortened, kSizes};
    case FileAct::kChmod:
      return {{note::kAttrib, 0}, kModeSet, kLinks};
    case FileAct::kLink:
      return {{note::kLink, 0}, kLinked, kLinks};
    case FileAct::kUnlink:
      return {{note::kDelete, 0}, kUnlinked, kLinks};
    case FileAct::kEntry:
      return {{note::kWrite, 0}, 0, 0};
    case FileAct::kSubdirectory:
      return {{static_cast<uint16_t>(note::kWrite | note::kLink), 0}, 0, 0};
    case FileAct::kRename:
      break;
  }
  return {{note::kRename, 0}, 0, 0};
}

uint16_t told(const Knote& knote, uint16_t hint) { return knote.sfflags & hint ? hint : 0; }

// All that the acts of a class can be taken for.
uint16_t any_of(const Knote& knote, uint8_t group) {
  if (group == kSizes) {
    return static_cast<uint16_t>(told(knote, note::kWrite | note::kExtend) |
                                 told(knote, note::kAttrib));
  }
  return static_cast<uint16_t>(told(knote, note::kAttrib) | told(knote, note::kLink) |
                               told(knote, note::kDelete));
}

// Returns whether the knote surely hears of it.
Tri add(const Meaning& meaning, Knote* knote) {
  const uint8_t before = knote->untaken & meaning.group;
  uint16_t& start = meaning.group == kSizes ? knote->notes_before_size : knote->notes_before_links;
  if (before == 0 && meaning.group != 0) start = knote->notes;
  knote->untaken |= meaning.bit;
  const bool mixed = before != 0 && (before | meaning.bit) != meaning.bit;
  // Even two of a kind: what is shortened twice may be found to have been emptied once.
  const bool twice_shorter = before != 0 && meaning.bit == kShortened;
  const uint16_t notes =
      static_cast<uint16_t>(told(*knote, meaning.hint[0]) | told(*knote, meaning.hint[1]));
  if (!mixed && !twice_shorter) {
    knote->notes |= notes;
    // Two links are found at once, and nothing is left for the second event to tell.
    const bool linked_twice = before != 0 && (meaning.bit & (kLinked | kUnlinked)) != 0;
    if (linked_twice) knote->notes_maybe |= told(*knote, note::kAttrib);
    return tri(notes != 0);
  }
  const uint16_t possible_notes = any_of(*knote, meaning.group);
  knote->notes_maybe =
      static_cast<uint16_t>(knote->notes_maybe | knote->notes | notes | possible_notes);
  knote->notes &= start;
  return possible_notes != 0 ? Tri::kMaybe : Tri::kNo;
}

}  // namespace

void file_event(const Context& context, int object, FileAct act) {
  State& state = *context.state;
  const Meaning meaning = meaning_of(act);
  for (int i = 0; i < state.knotes; i++) {
    Knote& knote = state.knote[i];
    if (knote.object != object || knote.filter != filter::kVnode) continue;
    const Tri happened = add(meaning, &knote);
    if (possible(happened)) tell(context, i, happened);
  }
}

Evaluation evaluate_vnode(const Knote& knote) {
  Evaluation now;
  now.ready = tri_or(tri(knote.notes != 0), knote.notes_maybe != 0 ? Tri::kMaybe : Tri::kNo);
  now.shows = now.ready;
  now.fflags = now.fflags_or = knote.notes;
  now.fflags_maybe = static_cast<uint32_t>(knote.notes_maybe & ~knote.notes);
  return now;
}

void look_at_files(const Context& context, uint8_t kqueue) {
  for (int i = 0; i < context.state->knotes; i++) {
    Knote& knote = context.state->knote[i];
    if (knote.kqueue == kqueue) knote.untaken = 0;
  }
}

void taken_in(bool passed, Knote* knote) {
  knote->untaken = 0;
  if (passed && !knote->disabled) knote->notes_maybe = 0;
}

void was_shown(const Event& event, Knote* knote) {
  if (knote->filter != filter::kVnode) return;
  knote->notes = static_cast<uint16_t>(event.fflags);
  knote->notes_maybe = 0;
}

// Each is told by itself, however many there are between two looks.
Answer judge_entry_op(const Context& context, const Op& op, const Outcome& seen) {
  const Descriptor target = *context.state->find_descriptor(op.fd);
  Object& directory = context.state->object[target.object];
  if (directory.kind != ObjectKind::kDirectory) return expect_error(context, op, seen, ENOTDIR);
  const bool sub = op.amount != 0;
  const bool any = sub ? directory.offset > 0 : directory.counter > 0;
  if (op.kind != OpKind::kEntryMade && !any) return expect_error(context, op, seen, ENOENT);
  const Answer returned = expect_value(context, op, seen, 0);
  if (returned != Answer::kAccepted) return returned;
  const int more = op.kind == OpKind::kEntryMade ? 1 : op.kind == OpKind::kEntryGone ? -1 : 0;
  if (sub) {
    directory.offset += more;
  } else {
    directory.counter += static_cast<uint64_t>(int64_t{more});
  }
  file_event(context, target.object, sub ? FileAct::kSubdirectory : FileAct::kEntry);
  return Answer::kAccepted;
}

Answer judge_file_op(const Context& context, const Op& op, const Outcome& seen) {
  const Descriptor target = *context.state->find_descriptor(op.fd);
  Object& file = context.state->object[target.object];
  if (file.kind != ObjectKind::kFile) return expect_error(context, op, seen, EINVAL);
  if (op.kind != OpKind::kChmod && file.links == 0) return expect_error(context, op, seen, ENOENT);
  const Descriptor* other = nullptr;
  if (op.kind == OpKind::kReplace) {
    other = context.state->find_descriptor(op.fd2);
    if (other == nullptr) return expect_error(context, op, seen, EBADF);
    Object& over = context.state->object[other->object];
    if (over.kind != ObjectKind::kFile || other->object == target.object) {
      return expect_error(context, op, seen, EINVAL);
    }
    if (over.links == 0) return expect_error(context, op, seen, ENOENT);
  }
  const Answer returned = expect_value(context, op, seen, 0);
  if (returned != Answer::kAccepted) return returned;
  switch (op.kind) {
    case OpKind::kChmod:
      file_event(context, target.object, FileAct::kChmod);
      break;
    case OpKind::kLink:
      file.links++;
      file_event(context, target.object, FileAct::kLink);
      break;
    case OpKind::kUnlink:
      file.links--;
      file_event(context, target.object, FileAct::kUnlink);
      break;
    case OpKind::kReplace:
      context.state->object[other->object].links--;
      file_event(context, other->object, FileAct::kUnlink);
      [[fallthrough]];
    default:
      file_event(context, target.object, FileAct::kRename);
  }
  return Answer::kAccepted;
}

}  // namespace kqtorture::contract
