// One method per question, each answering with the reason why not, or nothing.
// The order of the checks is the order of the text, so the first problem is the topmost.
#include "scenario/validate.h"

#include <sys/socket.h>

#include <csignal>

#include "contract/vocabulary.h"
#include "scenario/words.h"

namespace kqtorture {
namespace {

using Reason = std::optional<std::string>;

class Validator {
 public:
  explicit Validator(const Program& program) : program_(program) {}

  std::optional<Problem> all() {
    if (auto reason = header()) return Problem{.reason = *reason};
    for (size_t i = 0; i < program_.objects.size(); i++) {
      if (auto reason = object(i)) return Problem{.object = static_cast<int>(i), .reason = *reason};
    }
    size_t ops = 0;
    for (size_t t = 0; t < program_.threads.size(); t++) {
      const Thread& thread = program_.threads[t];
      const int index = static_cast<int>(t);
      if (auto reason = position(t)) return Problem{.thread = index, .reason = *reason};
      for (size_t o = 0; o < thread.ops.size(); o++) {
        auto reason =
            ++ops > limit::kOps ? over("operations", limit::kOps) : operation(thread.ops[o]);
        if (reason) return Problem{.thread = index, .op = static_cast<int>(o), .reason = *reason};
      }
    }
    if (ops == 0) return Problem{.reason = "the program has no operation"};
    return std::nullopt;
  }

 private:
  static Reason over(const std::string& what, size_t most) {
    return "more than " + std::to_string(most) + " " + what;
  }

  Reason header() {
    if (program_.title.size() > limit::kTitleBytes) {
      return "the title is longer than " + std::to_string(limit::kTitleBytes) + " characters";
    }
    for (const char c : program_.title) {
      if (c < 0x20 || c > 0x7e) return "the title is not plain ASCII";
    }
    if (program_.title.starts_with(' ') || program_.title.ends_with(' ')) {
      return "the title begins or ends with a blank";
    }
    for (const std::string* word : {&program_.profile, &program_.expect}) {
      if (word->size() > 32) return "a header word is longer than 32 characters";
      for (const char c : *word) {
        const bool good = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
        if (!good) return "a header word has characters other than a-z, 0-9 and -";
      }
    }
    if (program_.objects.size() > limit::kObjects) return over("objects", limit::kObjects);
    if (count_threads(program_) > limit::kThreads) return over("threads", limit::kThreads);
    return std::nullopt;
  }

  Reason object(size_t index) {
    const Object& object = program_.objects[index];
    if (static_cast<int>(object.kind) >= kObjectKinds) return "no such kind of object";
    if (!is_name(object.name.view())) return "an object's name is letters, digits and _";
    for (size_t i = 0; i < index; i++) {
      if (program_.objects[i].name == object.name) {
        return "the name " + std::string(object.name.view()) + " is declared twice";
      }
    }
    if (object.kind == ObjectKind::kFile && (object.value < 0 || object.value > limit::kBytes)) {
      return "a file has 0 to " + std::to_string(limit::kBytes) + " bytes";
    }
    const int64_t word = object.value % kHandled;
    if (object.kind == ObjectKind::kSignal &&
        (object.value < 0 || object.value >= 2 * kHandled || word >= kSignalWords)) {
      return "no such signal";
    }
    return std::nullopt;
  }

  Reason position(size_t index) {
    const Thread& thread = program_.threads[index];
    if (thread.role == Role::kSetup && index != 0) return "setup stands before every thread, once";
    if (thread.role == Role::kFinally && index + 1 != program_.threads.size()) {
      return "finally stands after every thread, once";
    }
    if (thread.role != Role::kThread) return std::nullopt;
    if (!is_name(thread.name.view())) return "a thread's name is letters, digits and _";
    for (size_t i = 0; i < index; i++) {
      if (program_.threads[i].role == Role::kThread && program_.threads[i].name == thread.name) {
        return "two threads are named " + std::string(thread.name.view());
      }
    }
    return std::nullopt;
  }

  Reason exists(const Ref& ref) {
    if (ref.object == Ref::kNumber) return std::nullopt;
    if (ref.object >= program_.objects.size()) return "no such object";
    const int ends = ends_of(kind(ref));
    if (ref.end >= (ends == 0 ? 1 : ends)) return "no such end";
    return std::nullopt;
  }

  ObjectKind kind(const Ref& ref) const { return program_.objects[ref.object].kind; }
  bool is_object(const Ref& ref) const { return ref.object != Ref::kNumber; }

  // A descriptor of the program, or a number that cannot be open.
  Reason descriptor(const Ref& ref) {
    if (auto reason = exists(ref)) return reason;
    if (!is_object(ref)) {
      if (ref.number < limit::kNeverOpen) {
        return "a descriptor given as a number must be " + std::to_string(limit::kNeverOpen) +
               " or more, so that it is not open by accident";
      }
      return std::nullopt;
    }
    if (!has_descriptor(kind(ref))) return name(ref) + " is not a descriptor";
    return std::nullopt;
  }

  std::string name(const Ref& ref) const {
    return std::string(program_.objects[ref.object].name.view());
  }

  Reason own_descriptor(const Ref& ref) {
    if (auto reason = descriptor(ref)) return reason;
    if (!is_object(ref)) return "this operation takes a name, not a number";
    return std::nullopt;
  }

  Reason one_of(const Ref& ref, std::initializer_list<ObjectKind> kinds, const char* what) {
    if (auto reason = own_descriptor(ref)) return reason;
    for (const ObjectKind allowed : kinds) {
      if (kind(ref) == allowed) return std::nullopt;
    }
    return name(ref) + " is not " + what;
  }

  // Signals and children are no descriptors.
  Reason ident_of(const Ref& ref, std::initializer_list<ObjectKind> kinds, const char* what) {
    if (auto reason = exists(ref)) return reason;
    if (!is_object(ref)) return "this operation takes a name, not a number";
    for (const ObjectKind allowed : kinds) {
      if (kind(ref) == allowed) return std::nullopt;
    }
    return name(ref) + " is not " + what;
  }

  Reason amount(const Op& op, int64_t least, int64_t most, const char* unit) {
    if (op.amount >= least && op.amount <= most) return std::nullopt;
    return "between " + std::to_string(least) + " and " + std::to_string(most) + " " + unit;
  }

  Reason operation(const Op& op) {
    using enum ObjectKind;
    if (op.expect.kind != ExpectKind::kNothingSaid) {
      if (!is_sequential(program_)) return "=> needs a program of one thread";
      if (auto reason = expectation(op.expect)) return reason;
    }
    switch (op.kind) {
      case OpKind::kKevent:
        return kevent(op);
      case OpKind::kTrigger:
        if (auto reason = descriptor(op.target)) return reason;
        return exists(op.other);
      case OpKind::kWrite:
      case OpKind::kRead:
        if (auto reason = one_of(op.target,
                                 {kPipe, kSocketpair, kDgrampair, kTcp, kEventfd, kFile, kVariable},
                                 "read or written")) {
          return reason;
        }
        return amount(op, 0, limit::kBytes, "bytes");
      case OpKind::kFill:
        return one_of(op.target, {kPipe, kSocketpair, kDgrampair, kTcp}, "something that fills up");
      case OpKind::kDrain:
        return one_of(op.target, {kPipe, kSocketpair, kDgrampair, kTcp, kEventfd, kFile, kVariable},
                      "read");
      case OpKind::kClose:
        return own_descriptor(op.target);
      case OpKind::kShutdown:
        if (op.amount != SHUT_RD && op.amount != SHUT_WR && op.amount != SHUT_RDWR) {
          return "shutdown takes rd, wr or rdwr";
        }
        return one_of(op.target, {kSocketpair, kDgrampair, kTcp, kVariable}, "a socket");
      case OpKind::kDup:
        if (auto reason = own_descriptor(op.target)) return reason;
        return one_of(op.other, {kVariable}, "declared as fd");
      case OpKind::kDup2:
        if (auto reason = own_descriptor(op.target)) return reason;
        return own_descriptor(op.other);
      case OpKind::kReopen:
        if (auto reason = own_descriptor(op.target)) return reason;
        if (op.target.end != 0) return "reopen names no end";
        if (kind(op.target) == kVariable) return "an fd is filled by dup, not reopened";
        if (kind(op.target) == kProcdesc) return "a child lives once";
        if (kind(op.target) == kDirectory) return "a directory is made once";
        return std::nullopt;
      case OpKind::kConnect:
      case OpKind::kAccept:
        if (auto reason = one_of(op.target, {kListener, kUnixListener}, "a listener"))
          return reason;
        if (op.other == Ref{}) return std::nullopt;  // nobody wants to know the number
        return one_of(op.other, {kVariable}, "declared as fd");
      case OpKind::kSeek:
      case OpKind::kTruncate:
        if (auto reason = one_of(op.target, {kFile}, "a file")) return reason;
        return amount(op, 0, limit::kBytes, "bytes");
      case OpKind::kRename:
        if (op.other == Ref{}) return one_of(op.target, {kFile, kDirectory}, "a file");
        if (auto reason = one_of(op.other, {kFile}, "a file")) return reason;
        [[fallthrough]];
      case OpKind::kChmod:
      case OpKind::kLink:
      case OpKind::kUnlink:
        return one_of(op.target, {kFile}, "a file");
      case OpKind::kCreate:
      case OpKind::kMkdir:
      case OpKind::kRemove:
      case OpKind::kRmdir:
        return one_of(op.target, {kDirectory}, "a directory");
      case OpKind::kSleep:
        return amount(op, 0, limit::kSleepUs, "microseconds");
      case OpKind::kAwait:
        return std::nullopt;
      case OpKind::kRaise:
        return ident_of(op.target, {kSignal}, "a signal");
      case OpKind::kKill:
        if (op.amount != SIGTERM && op.amount != SIGKILL)
          return "a child is killed by TERM or KILL";
        return ident_of(op.target, {kChild, kProcdesc}, "a child");
      case OpKind::kExit:
        if (auto reason = amount(op, 0, 255, "as a status")) return reason;
        return ident_of(op.target, {kChild, kProcdesc}, "a child");
      case OpKind::kReap:
        return ident_of(op.target, {kChild, kProcdesc}, "a child");
    }
    return "no such operation";
  }

  Reason kevent(const Op& op) {
    if (auto reason = descriptor(op.target)) return reason;
    if (op.changes.size() > limit::kChanges) return over("changes in one call", limit::kChanges);
    for (const Change& change : op.changes) {
      if (auto reason = ident(change)) return reason;
    }
    const auto listed = static_cast<int64_t>(op.changes.size());
    const bool faults = op.bad_changes != bad::kNone;
    if (op.count_given && op.count > (faults ? limit::kRoom : listed)) {
      return "nchanges is more than the changes listed";
    }
    if (op.room > limit::kRoom) return "room is at most " + std::to_string(limit::kRoom);
    if (op.bad_changes < bad::kNull || op.bad_changes > listed) {
      return "the changelist can fault at an entry it has, or right behind them";
    }
    if (op.bad_events < bad::kNull || op.bad_events > limit::kRoom) {
      return "the event list can fault at entry 0 to " + std::to_string(limit::kRoom);
    }
    if (op.aliased && (op.bad_events != bad::kNone || op.bad_changes != bad::kNone)) {
      return "aliased lists are one good array";
    }
    if (op.timeout_faults && op.wait != Wait::kZero) return "two timeouts";
    return std::nullopt;
  }

  Reason ident(const Change& change) {
    if (auto reason = exists(change.ident)) return reason;
    if (!is_descriptor_filter(change.filter)) return std::nullopt;
    if (!is_object(change.ident)) return descriptor(change.ident);
    const Object& object = program_.objects[change.ident.object];
    if (has_descriptor(object.kind)) return std::nullopt;
    const bool number = object.kind == ObjectKind::kUser || object.kind == ObjectKind::kTimer;
    if (number && static_cast<uint64_t>(object.value) >= limit::kNeverOpen) return std::nullopt;
    return name(change.ident) + " is not a descriptor, which " +
           contract::filter_name(change.filter) + " watches";
  }

  Reason expectation(const Expectation& expect) {
    if (expect.events.size() > static_cast<size_t>(limit::kRoom)) {
      return over("events expected", limit::kRoom);
    }
    for (const ExpectedEvent& expected : expect.events) {
      if (auto reason = exists(expected.event.ident)) return reason;
    }
    return std::nullopt;
  }

  const Program& program_;
};

}  // namespace

std::optional<Problem> validate(const Program& program) { return Validator(program).all(); }

}  // namespace kqtorture
