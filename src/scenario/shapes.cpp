// Random pieces of programs. Every weight is in percent or in parts of a small total, and stands
// beside what it weighs.
#include "scenario/shapes.h"

#include <sys/socket.h>

#include <algorithm>
#include <csignal>
#include <string>

#include "subject/subject.h"

namespace kqtorture {
namespace {

using enum ObjectKind;

// In the order of ObjectKind.
constexpr std::string_view kPrefixes[kObjectKinds] = {"p", "s", "g", "c", "l", "ul", "e", "f",
                                                      "u", "t", "k", "d", "n", "h",  "q", "r"};

// Percent of generated objects.
struct Share {
  ObjectKind kind;
  size_t percent;
};
constexpr Share kShares[] = {{kPipe, 29},     {kSocketpair, 15},  {kUser, 17},    {kTimer, 8},
                             {kEventfd, 5},   {kFile, 7},         {kTcp, 2},      {kListener, 1},
                             {kDgrampair, 2}, {kUnixListener, 2}, {kKqueue, 1},   {kSignal, 5},
                             {kChild, 2},     {kProcdesc, 2},     {kDirectory, 2}};

}  // namespace

uint8_t Shapes::add_object(ObjectKind kind) {
  std::vector<Object>& objects = program_.objects;
  if (objects.size() == limit::kObjects) return static_cast<uint8_t>(objects.size() - 1);
  Object object{.kind = kind, .name = {}, .value = 0};
  int number = 0;
  do {
    number++;
    std::string name(kPrefixes[static_cast<size_t>(kind)]);
    if (number > 1) name += std::to_string(number);
    object.name = Name(name);
  } while (std::any_of(objects.begin(), objects.end(),
                       [&](const Object& other) { return other.name == object.name; }));
  if (kind == kUser || kind == kTimer) object.value = number;
  if (kind == kFile) object.value = random_.pick({0, 1, 100, 4096});
  if (kind == kSignal) {
    object.value =
        static_cast<int64_t>(random_.below(kSignalWords)) + random_.pick<int64_t>({0, kHandled});
  }
  objects.push_back(object);
  return static_cast<uint8_t>(objects.size() - 1);
}

ObjectKind Shapes::object_kind() {
  size_t at = random_.below(100);
  for (const Share& share : kShares) {
    if (at < share.percent) return share.kind;
    at -= share.percent;
  }
  return kPipe;
}

bool Shapes::of_kind(const Object& object, std::initializer_list<ObjectKind> kinds) const {
  return std::find(kinds.begin(), kinds.end(), object.kind) != kinds.end();
}

Ref Shapes::ref(std::initializer_list<ObjectKind> kinds) {
  size_t matching = 0;
  for (const Object& object : program_.objects) matching += of_kind(object, kinds);
  size_t wanted = random_.below(matching);
  for (size_t i = 0; i < program_.objects.size() && matching != 0; i++) {
    const Object& object = program_.objects[i];
    if (!of_kind(object, kinds) || wanted-- != 0) continue;
    const int ends = std::max(1, ends_of(object.kind));
    return Ref{static_cast<uint8_t>(i),
               static_cast<uint8_t>(random_.below(static_cast<size_t>(ends))), 0};
  }
  return Ref{Ref::kNumber, 0, limit::kNeverOpen + 7};
}

Ref Shapes::kqueue() { return ref({kKqueue}); }

Ref Shapes::watched() {
  if (random_.chance(3, 100)) return ref({kKqueue});
  if (random_.chance(1, 100)) return Ref{Ref::kNumber, 0, random_.next() | limit::kNeverOpen};
  if (random_.chance(6, 100)) {
    const Ref variable = ref({kVariable});
    if (variable.object != Ref::kNumber) return variable;
  }
  return ref({kPipe, kSocketpair, kDgrampair, kTcp, kListener, kUnixListener, kEventfd, kFile,
              kUser, kTimer, kSignal, kChild, kProcdesc, kDirectory});
}

uint64_t Shapes::udata() {
  if (random_.chance(1, 10)) return 0;
  const std::string name = {static_cast<char>('a' + random_.below(26)),
                            static_cast<char>('0' + random_.below(10))};
  return udata_of_name(name);
}

int64_t Shapes::amount() { return random_.pick({1, 1, 3, 5, 100, 512, 513, 4096, 65536}); }

uint16_t Shapes::flags() {
  using namespace flag;
  const auto join = [](int bits) { return static_cast<uint16_t>(bits); };
  const uint16_t stored =
      join(random_.pick({0, 0, int{kClear}, int{kOneshot}, int{kDispatch}, int{kDispatch},
                         kClear | kDispatch, kOneshot | kDispatch}));
  const uint16_t receipt = random_.chance(8, 100) ? kReceipt : 0;
  switch (random_.below(25)) {
    case 0:
    case 1:
    case 2:
    case 3:
    case 4:
    case 5:
    case 6:
      return join(kAdd | stored | receipt);
    case 7:
      return join(kAdd | kDisable | stored | receipt);
    case 8:
    case 9:
    case 10:
      return join(kEnable | receipt);
    case 11:
    case 12:
      return join(kDisable | receipt);
    case 13:
    case 14:
      return join(kDelete | receipt);
    case 15:
    case 16:
    case 17:
      return join(kForceOneshot | receipt);
    case 18:
      return join(kForceOneshot | random_.pick({int{kEnable}, int{kEnable}, int{kDisable},
                                                int{kDelete}, int{kAdd}, kAdd | kEnable}));
    case 19:
      return receipt;
    case 20:
      return join(kKeepUdata |
                  random_.pick({0, int{kEnable}, int{kDisable}, int{kForceOneshot}, int{kAdd}}));
    case 21:
      return join(random_.pick(
          {kEnable | kDisable, kAdd | kDelete, kAdd | kEnable, kAdd | kEnable | stored}));
    case 22:
      return join((kAdd | stored | receipt) | random_.pick({0x400, 0x800, 0x1000, 0x4000, 0x8000}));
    case 23:
      return join(stored | random_.pick({0, int{kEnable}, int{kAdd}}));
    default:
      return join(1 << random_.below(16) | 1 << random_.below(16));
  }
}

void Shapes::timer(Change* change) {
  using namespace note;
  switch (random_.below(8)) {
    case 0:  // far away
      change->fflags = kSeconds;
      change->data = 100000;
      return;
    case 1:  // due since 1970
      change->fflags = kAbstime | random_.pick({kSeconds, kMseconds, 0u});
      change->data = 1 + static_cast<int64_t>(random_.below(3));
      return;
    case 2:  // refused
      change->fflags = random_.pick({kSeconds | kMseconds, 0x20u, kSeconds, 0x80000000u});
      change->data = random_.pick({-1, 1, 5});
      return;
    case 3:  // a millisecond; seldom, for it is awaited
      change->fflags = random_.chance(1, 4) ? 0 : kUseconds;
      change->data = random_.pick({0, 1});
      return;
    default:
      change->fflags = random_.pick({kUseconds, kUseconds, kNseconds});
      change->data = change->fflags == kUseconds ? 1 + static_cast<int64_t>(random_.below(20))
                                                 : 1000 * static_cast<int64_t>(random_.below(20));
  }
}

void Shapes::notes_and_data(Change* change) {
  using namespace note;
  if (random_.chance(2, 100)) {
    change->fflags = static_cast<uint32_t>(random_.next());
    change->data = random_.pick<int64_t>({-1, 1, INT64_MIN, INT64_MAX, 4096});
  } else if (change->filter == filter::kUser) {
    if (random_.chance(1, 2)) change->fflags |= kTrigger;
    if (random_.chance(1, 2)) {
      change->fflags |= random_.pick({kFfNop, kFfAnd, kFfOr, kFfCopy});
      change->fflags |= static_cast<uint32_t>(random_.below(16));
    }
    if (random_.chance(1, 4)) change->data = static_cast<int64_t>(random_.below(10));
  } else if (change->filter == filter::kTimer) {
    timer(change);
  } else if (change->filter == filter::kVnode) {
    change->fflags = random_.chance(1, 4) ? kAllVnode : 0;
    for (size_t bits = random_.below(4); bits > 0; bits--)
      change->fflags |= 1u << random_.below(11);
  } else if (change->filter == filter::kProc || change->filter == filter::kProcdesc) {
    change->fflags =
        random_.chance(1, 8) ? random_.pick({0u, kFork, kExec, kTrack | kExit}) : kExit;
  } else if (random_.chance(1, 8)) {
    change->fflags = random_.chance(1, 4) ? kFilePoll : kLowat;
    change->data = random_.pick({0, 1, 3, 5, 100, 5000});
  }
}

Change Shapes::change() {
  Change change;
  change.ident = watched();
  if (change.ident.object == Ref::kNumber) {
    change.filter = random_.pick({filter::kRead, filter::kWrite, filter::kUser, filter::kTimer});
  } else {
    const Object& object = program_.objects[change.ident.object];
    change.filter = object.kind == kUser       ? filter::kUser
                    : object.kind == kTimer    ? filter::kTimer
                    : object.kind == kSignal   ? filter::kSignal
                    : object.kind == kChild    ? filter::kProc
                    : object.kind == kProcdesc ? filter::kProcdesc
                    : object.kind == kPipe
                        ? (change.ident.end == 0 ? filter::kRead : filter::kWrite)
                        : random_.pick({filter::kRead, filter::kWrite});
    if (object.kind == kFile && random_.chance(2, 3)) change.filter = filter::kVnode;
    if (object.kind == kDirectory) change.filter = filter::kVnode;
    if ((object.kind == kSocketpair || object.kind == kDgrampair) && random_.chance(1, 8)) {
      change.filter = filter::kEmpty;
    }
    if (has_descriptor(object.kind) && random_.chance(5, 100)) {
      change.filter = random_.pick(
          {filter::kRead, filter::kWrite, filter::kUser, filter::kVnode, filter::kEmpty});
    }
  }
  if (random_.chance(2, 100)) {
    change.filter = static_cast<int16_t>(static_cast<int>(random_.below(17)) - 14);
  }
  change.flags = flags();
  change.udata = udata();
  notes_and_data(&change);
  return change;
}

void Shapes::waiting(Op* op) {
  switch (random_.below(40)) {
    case 0:
    case 1:
    case 2:
      op->wait = Wait::kForever;
      break;
    case 3:
    case 4:
    case 5:
      op->wait = Wait::kDue;
      break;
    case 6:
      op->wait = Wait::kExplicit;
      op->seconds = random_.pick({-1, 0, 0});
      op->nanoseconds = random_.pick({-1, 0, 1000, 1000000000});
      break;
    case 7:
      op->timeout_faults = random_.chance(1, 4);
      break;
    default:
      break;
  }
}

void Shapes::bad_pointers(Op* op) {
  if (!random_.chance(5, 100)) return;
  const auto listed = op->changes.size();
  switch (random_.below(8)) {
    case 0:
      op->bad_changes = bad::kNull;
      break;
    case 1:
    case 2:
      op->bad_changes = static_cast<int8_t>(random_.below(listed + 1));
      break;
    case 3:
      op->bad_events = bad::kNull;
      break;
    case 4:
      op->bad_events = static_cast<int8_t>(random_.below(4));
      break;
    case 5:
      op->count_given = true;
      op->count = random_.pick({-1, INT32_MIN, 0});
      break;
    case 6:
      op->room = random_.pick({-1, INT32_MIN, -8});
      break;
    default:
      op->aliased = true;
  }
}

Op Shapes::poll() {
  Op op;
  op.target = kqueue();
  op.room = random_.pick({1, 1, 2, 3, 4, 8, 8});
  waiting(&op);
  bad_pointers(&op);
  return op;
}

Op Shapes::registration() {
  Op op = kevent();
  op.room = 0;
  op.wait = Wait::kZero;
  for (Change& entry : op.changes) entry.flags |= flag::kAdd;
  return op;
}

Op Shapes::kevent() {
  Op op;
  op.target = random_.chance(1, 100) ? ref({kPipe, kVariable}) : kqueue();
  size_t count = random_.pick<size_t>({1, 1, 1, 1, 1, 2, 2, 3});
  if (random_.chance(1, 50)) count = 7 + random_.below(12);  // around the chunks of 8
  while (op.changes.size() < count) op.changes.push_back(change());
  op.room = random_.pick({0, 0, 0, 1, 2, 4, 8});
  waiting(&op);
  bad_pointers(&op);
  return op;
}

Op Shapes::activity() {
  Op op;
  const Ref user = ref({kUser});
  if (user.object != Ref::kNumber && random_.chance(1, 2)) {
    op.kind = OpKind::kTrigger;
    op.target = kqueue();
    op.other = user;
    return op;
  }
  op.target = ref({kPipe, kSocketpair, kDgrampair, kTcp, kEventfd, kFile, kListener, kUnixListener,
                   kSignal, kChild, kProcdesc, kDirectory});
  if (op.target.object == Ref::kNumber) return poll();
  const ObjectKind kind = program_.objects[op.target.object].kind;
  if (kind == kSignal || kind == kChild || kind == kProcdesc) return of_process(op.target);
  if (kind == kDirectory) {
    op.kind = random_.pick({OpKind::kCreate, OpKind::kCreate, OpKind::kMkdir, OpKind::kRemove,
                            OpKind::kRmdir, OpKind::kRename});
    return op;
  }
  if (kind == kPipe) op.target.end = 1;
  op.amount = amount();
  op.kind = OpKind::kWrite;
  if (kind == kListener || kind == kUnixListener) op.kind = OpKind::kConnect;
  if (kind == kFile && random_.chance(1, 2)) {
    op.kind = random_.chance(1, 2) ? OpKind::kSeek : OpKind::kTruncate;
    op.amount = random_.pick({0, 1, 50, 5000});
    if (random_.chance(1, 2)) {
      op.kind = random_.pick({OpKind::kChmod, OpKind::kLink, OpKind::kUnlink, OpKind::kRename});
      op.target.end = 0;
      if (op.kind == OpKind::kRename && random_.chance(1, 3)) op.other = ref({kFile});
    }
  }
  // A TCP connection takes megabytes, most of which then are under way for a while.
  const bool fills = kind != kFile && kind != kEventfd && kind != kTcp && op.kind == OpKind::kWrite;
  if (fills && random_.chance(1, 8)) op.kind = OpKind::kFill;
  return op;
}

Op Shapes::of_process(const Ref& target) {
  Op op;
  op.target = target;
  op.kind = OpKind::kRaise;
  if (program_.objects[target.object].kind == kSignal) return op;
  op.kind = random_.pick({OpKind::kExit, OpKind::kExit, OpKind::kKill, OpKind::kReap});
  op.amount = op.kind == OpKind::kKill ? random_.pick({SIGTERM, SIGKILL}) : random_.pick({0, 1, 3});
  return op;
}

Op Shapes::quieting() {
  Op op;
  op.target =
      ref({kPipe, kSocketpair, kDgrampair, kTcp, kEventfd, kFile, kListener, kUnixListener});
  if (op.target.object == Ref::kNumber) return poll();
  const ObjectKind kind = program_.objects[op.target.object].kind;
  if (kind == kPipe) op.target.end = 0;
  op.kind = random_.chance(1, 2) ? OpKind::kDrain : OpKind::kRead;
  op.amount = amount();
  if (kind == kListener || kind == kUnixListener) op.kind = OpKind::kAccept;
  return op;
}

Op Shapes::surgery() {
  Op op;
  const std::initializer_list<ObjectKind> descriptors = {
      kPipe,     kSocketpair,   kDgrampair, kTcp,      kEventfd,  kFile,
      kListener, kUnixListener, kVariable,  kProcdesc, kDirectory};
  op.target = ref(descriptors);
  switch (random_.below(8)) {
    case 0:
    case 1:
    case 2:
      op.kind = OpKind::kClose;
      if (random_.chance(1, 8)) op.target = kqueue();
      break;
    case 3:
      op.kind = OpKind::kShutdown;
      op.target = ref({kSocketpair, kTcp, kDgrampair});
      op.amount = random_.pick({SHUT_RD, SHUT_WR, SHUT_WR, SHUT_RDWR});
      break;
    case 4:
      op.kind = OpKind::kDup;
      if (random_.chance(1, 8)) op.target = kqueue();
      op.other = ref({kVariable});
      break;
    case 5:
    case 6:
      op.kind = OpKind::kDup2;
      op.other = ref(descriptors);
      break;
    default:
      op.kind = OpKind::kReopen;
      if (random_.chance(1, 8)) op.target = kqueue();
      op.target.end = 0;
  }
  return op;
}

Op Shapes::operation() {
  const size_t at = random_.below(100);
  if (at < 32) return kevent();
  if (at < 62) return poll();
  if (at < 78) return activity();
  if (at < 85) return quieting();
  if (at < 95) return surgery();
  Op op;
  op.kind = OpKind::kAwait;
  const Ref timer = ref({kTimer, kTcp, kListener});
  if (timer.object == Ref::kNumber) return kevent();
  return op;
}

}  // namespace kqtorture
