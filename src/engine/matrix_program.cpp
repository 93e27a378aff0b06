// One combination of the cross matrix as a litmus program.
#include "contract/vocabulary.h"
#include "engine/matrix.h"

namespace kqtorture {
namespace {

namespace flag = contract::flag;
namespace note = contract::note;
using Knotes = MatrixSetting::Knotes;
using Mixed = MatrixSetting::Mixed;
using Socket = MatrixSetting::Socket;

constexpr NamedChange kChanges[kMatrixChanges] = {
    {"ADD", flag::kAdd, 0, 0},
    {"ADD|CLEAR", flag::kAdd | flag::kClear, 0, 0},
    {"ADD|ONESHOT", flag::kAdd | flag::kOneshot, 0, 0},
    {"ADD|DISPATCH", flag::kAdd | flag::kDispatch, 0, 0},
    {"ADD|DISPATCH|CLEAR", flag::kAdd | flag::kDispatch | flag::kClear, 0, 0},
    {"ADD|DISABLE", flag::kAdd | flag::kDisable, 0, 0},
    {"ADD|ENABLE", flag::kAdd | flag::kEnable, 0, 0},
    {"ADD|RECEIPT", flag::kAdd | flag::kReceipt, 0, 0},
    {"ADD|FORCEONESHOT", flag::kAdd | flag::kForceOneshot, 0, 0},
    {"ADD|DELETE", flag::kAdd | flag::kDelete, 0, 0},
    {"ADD with LOWAT", flag::kAdd, note::kLowat, 3},
    {"ADD|KEEPUDATA", flag::kAdd | flag::kKeepUdata, 0, 0},
    {"ADD with reserved bits", flag::kAdd | flag::kSysflags, 0, 0},
    {"ADD with an unknown bit", flag::kAdd | flag::kUnknown400, 0, 0},
    {"ENABLE", flag::kEnable, 0, 0},
    {"ENABLE|KEEPUDATA", flag::kEnable | flag::kKeepUdata, 0, 0},
    {"DISABLE", flag::kDisable, 0, 0},
    {"ENABLE|DISABLE", flag::kEnable | flag::kDisable, 0, 0},
    {"DELETE", flag::kDelete, 0, 0},
    {"DELETE|RECEIPT", flag::kDelete | flag::kReceipt, 0, 0},
    {"FORCEONESHOT", flag::kForceOneshot, 0, 0},
    {"FORCEONESHOT|ENABLE", flag::kForceOneshot | flag::kEnable, 0, 0},
    {"FORCEONESHOT|DISABLE", flag::kForceOneshot | flag::kDisable, 0, 0},
    {"RECEIPT", flag::kReceipt, 0, 0},
};

constexpr uint8_t kSocketIndex = 0, kUser1 = 1, kUser2 = 2, kKqueue = 3;
constexpr uint64_t kNobody = 9;  // an ident without a knote
constexpr int kPlenty = 16;

Change on_socket(bool writes, unsigned flags, const char* udata) {
  Change change;
  change.ident = Ref{kSocketIndex, 0, 0};
  change.filter = writes ? contract::filter::kWrite : contract::filter::kRead;
  change.flags = static_cast<uint16_t>(flags);
  change.udata = udata_of_name(udata);
  return change;
}

Change on_user(const Ref& ident, unsigned flags, uint32_t fflags = 0) {
  Change change;
  change.ident = ident;
  change.filter = contract::filter::kUser;
  change.flags = static_cast<uint16_t>(flags);
  change.fflags = fflags;
  change.udata = udata_of_name("user");
  return change;
}

Op kevent(std::vector<Change> changes, int room) {
  Op op;
  op.kind = OpKind::kKevent;
  op.target = Ref{kKqueue, 0, 0};
  op.changes = std::move(changes);
  op.room = room;
  return op;
}

void declare(Program* program) {
  const auto add = [&](ObjectKind kind, const char* name, int64_t value) {
    Object object;
    object.kind = kind;
    object.name = Name(name);
    object.value = value;
    program->objects.push_back(object);
  };
  add(ObjectKind::kSocketpair, "s", 0);
  add(ObjectKind::kUser, "u1", 1);
  add(ObjectKind::kUser, "u2", 2);
  add(ObjectKind::kKqueue, "k", 0);
}

void set_up(const MatrixSetting& setting, std::vector<Op>* ops) {
  if (setting.socket != Socket::kWritable) {
    Op op;
    op.kind = setting.socket == Socket::kReadable ? OpKind::kWrite : OpKind::kClose;
    op.target = Ref{kSocketIndex, 1, 0};
    op.amount = 5;
    ops->push_back(op);
  }
  unsigned flags = flag::kAdd;
  if (setting.knotes == Knotes::kDisabled) flags |= flag::kDisable;
  if (setting.knotes == Knotes::kClearDelivered) flags |= flag::kClear;
  if (setting.knotes == Knotes::kDispatchDelivered) flags |= flag::kDispatch;
  if (setting.knotes != Knotes::kNone) {
    ops->push_back(kevent({on_socket(false, flags, "r"), on_socket(true, flags, "w")}, 0));
  }
  if (setting.knotes >= Knotes::kClearDelivered) ops->push_back(kevent({}, kPlenty));
  // Two events that are always due.
  const Ref user1{kUser1, 0, 0}, user2{kUser2, 0, 0};
  ops->push_back(kevent({on_user(user1, flag::kAdd), on_user(user1, 0, note::kTrigger),
                         on_user(user2, flag::kAdd), on_user(user2, 0, note::kTrigger)},
                        0));
}

Change swept(bool writes, const NamedChange& named, const char* udata) {
  Change change = on_socket(writes, named.flags, udata);
  change.fflags = named.fflags;
  change.data = named.data;
  return change;
}

std::vector<Change> changelist(const MatrixSetting& setting, const NamedChange& first,
                               const NamedChange& second) {
  const Mixed mixed = setting.mixed;
  std::vector<Change> changes;
  if (mixed == Mixed::kReceiptFirst || mixed == Mixed::kReceiptAndError) {
    changes.push_back(on_user(Ref{kUser1, 0, 0}, flag::kReceipt));
  }
  const Change error = on_user(Ref{Ref::kNumber, 0, kNobody}, flag::kDelete);
  changes.push_back(swept(setting.first_writes, first, "first"));
  if (mixed == Mixed::kErrorBetween) changes.push_back(error);
  changes.push_back(swept(setting.second_writes, second, "second"));
  if (mixed == Mixed::kReceiptAndError) changes.push_back(error);
  return changes;
}

// What is left of the two knotes, as in the sweep: do they fire, again, and when they are forced?
void find_out(std::vector<Op>* ops) {
  ops->push_back(kevent({}, kPlenty));
  ops->push_back(kevent({}, kPlenty));
  for (const unsigned flags : {unsigned{flag::kForceOneshot}, unsigned{flag::kEnable}}) {
    const unsigned all = flags | flag::kKeepUdata | flag::kReceipt;
    ops->push_back(kevent({on_socket(false, all, "probe"), on_socket(true, all, "probe")}, 2));
    ops->push_back(kevent({}, kPlenty));
  }
}

}  // namespace

const NamedChange (&matrix_changes())[kMatrixChanges] { return kChanges; }

std::vector<MatrixSetting> matrix_settings() {
  std::vector<MatrixSetting> settings;
  for (int targets = 0; targets < MatrixSetting::kTargets; targets++) {
    for (int knotes = 0; knotes < MatrixSetting::kKnotes; knotes++) {
      for (int socket = 0; socket < MatrixSetting::kSockets; socket++) {
        for (int mixed = 0; mixed < MatrixSetting::kMixed; mixed++) {
          settings.push_back({(targets & 1) != 0, (targets & 2) != 0, static_cast<Knotes>(knotes),
                              static_cast<Socket>(socket), static_cast<Mixed>(mixed)});
        }
      }
    }
  }
  return settings;
}

Program matrix_program(const MatrixSetting& setting, const NamedChange& first,
                       const NamedChange& second, int room) {
  Program program;
  program.title = std::string("matrix: ") + first.name + " of " +
                  (setting.first_writes ? "WRITE" : "READ") + ", " + second.name + " of " +
                  (setting.second_writes ? "WRITE" : "READ");
  declare(&program);
  program.threads.emplace_back();
  program.threads[0].name = Name("T1");
  std::vector<Op>& ops = program.threads[0].ops;
  set_up(setting, &ops);
  ops.push_back(kevent(changelist(setting, first, second), room));
  find_out(&ops);
  normalize(&program);
  return program;
}

}  // namespace kqtorture
