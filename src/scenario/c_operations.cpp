// Names begin with what they are (fd_, kq_, child_), so that no object's name is a word of C or of
// the C library; the few that would be are numbered.
#include "scenario/c_operations.h"

#include <sys/socket.h>

#include <algorithm>
#include <csignal>

#include "scenario/c_words.h"
#include "scenario/print.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

const char* prefix_of(ObjectKind kind) {
  if (kind == ObjectKind::kKqueue) return "kq_";
  return kind == ObjectKind::kChild ? "child_" : "fd_";
}

bool is_child(ObjectKind kind) {
  return kind == ObjectKind::kChild || kind == ObjectKind::kProcdesc;
}

std::string call_begins(int call) { return "  begin_call(" + std::to_string(call) + ");\n"; }
std::string call_ends(int call, const std::string& value) {
  return "  end_call(" + std::to_string(call) + ", " + value + ");\n";
}

}  // namespace

COperations::COperations(const Program& program) : program_(program) {
  std::set<std::string> taken = {"fd_set"};
  for (size_t i = 0; i < program.objects.size(); i++) {
    const Object& object = program.objects[i];
    kinds_.push_back(object.kind);
    for (int end = 0; end < std::max(1, ends_of(object.kind)); end++) {
      std::string name = prefix_of(object.kind) + std::string(object.name.view());
      if (ends_of(object.kind) == 2) name += std::string("_") + end_letter(object.kind, end);
      while (!taken.insert(name).second) name += "_" + std::to_string(i);
      variables_[{static_cast<uint8_t>(i), static_cast<uint8_t>(end)}] = name;
    }
  }
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      named_files_ = named_files_ || is_about_names(op.kind);
      if (op.kind == OpKind::kKevent) room_ = std::max({room_, readable(op), op.room});
      if (op.kind == OpKind::kRead || op.kind == OpKind::kWrite) {
        bytes_ = std::max(bytes_, op.amount);
      }
    }
  }
  follow_variables();
}

// What a name that has no object yet will stand for.
void COperations::follow_variables() {
  for (const Thread& thread : program_.threads) {
    for (const Op& op : thread.ops) {
      if (op.other.object == Ref::kNumber || op.target.object == Ref::kNumber) continue;
      ObjectKind& kind = kinds_[op.other.object];
      if (kind != ObjectKind::kVariable) continue;
      if (op.kind == OpKind::kDup) kind = kinds_[op.target.object];
      if (op.kind == OpKind::kConnect || op.kind == OpKind::kAccept) kind = ObjectKind::kTcp;
    }
  }
}

int COperations::readable(const Op& op) {
  if (op.kind != OpKind::kKevent || op.bad_events == bad::kNull) return 0;
  const int room = op.room < 0 ? limit::kRoom : std::min(op.room, limit::kRoom);
  return op.bad_events == bad::kNone ? room : std::min(room, int{op.bad_events});
}

const std::string& COperations::variable(const Ref& ref) const {
  return variables_.at({ref.object, ref.end});
}

ObjectKind COperations::kind_of(const Ref& ref) const {
  return ref.object == Ref::kNumber ? ObjectKind::kVariable : kinds_[ref.object];
}

std::string COperations::ident(const Ref& ref) const {
  if (ref.object == Ref::kNumber) {
    return "(uintptr_t)UINT64_C(" + std::to_string(ref.number) + ")";
  }
  const Object& object = program_.objects[ref.object];
  switch (object.kind) {
    case ObjectKind::kUser:
    case ObjectKind::kTimer:
      return c_number(object.value);
    case ObjectKind::kSignal: {
      std::set<std::string> ignored;
      return "(uintptr_t)" + c_signal(object.value, &ignored);
    }
    case ObjectKind::kChild:
      return "(uintptr_t)" + variable(ref) + ".id";
    case ObjectKind::kProcdesc:
      return "(uintptr_t)" + variable(ref) + ".descriptor";
    default:
      return "(uintptr_t)" + variable(ref);
  }
}

std::string COperations::declarations() const {
  std::string text;
  for (size_t i = 0; i < program_.objects.size(); i++) {
    const Object& object = program_.objects[i];
    const auto index = static_cast<uint8_t>(i);
    if (is_child(object.kind)) {
      text += "static struct child " + variable({index, 0, 0}) + ";\n";
    } else if (has_descriptor(object.kind)) {
      const char* const type = is_sequential(program_) ? "static int " : "static volatile int ";
      text += type + variable({index, 0, 0});
      if (ends_of(object.kind) == 2) text += ", " + variable({index, 1, 0});
      text += object.kind == ObjectKind::kVariable ? " = -1;\n" : ";\n";
    }
  }
  if (bytes_ > 1) text += "static char bytes[" + std::to_string(bytes_) + "];\n";
  return text;
}

std::string COperations::made(const Object& object, size_t index) const {
  const Ref first{static_cast<uint8_t>(index), 0, 0};
  const auto assigned = [&](const std::string& value) {
    return "  " + variable(first) + " = " + value + ";\n";
  };
  const auto pair = [&](const std::string& call) {
    const Ref second{static_cast<uint8_t>(index), 1, 0};
    return "  " + call + ";\n  " + variable(first) + " = fd[0];\n  " + variable(second) +
           " = fd[1];\n";
  };
  switch (object.kind) {
    case ObjectKind::kPipe:
      return pair("make_pipe(fd)");
    case ObjectKind::kSocketpair:
      return pair("make_pair(SOCK_STREAM, fd)");
    case ObjectKind::kDgrampair:
      return pair("make_pair(SOCK_DGRAM, fd)");
    case ObjectKind::kTcp:
      return pair("make_tcp(fd)");
    case ObjectKind::kListener:
      return assigned("make_listener()");
    case ObjectKind::kUnixListener:
      return assigned("make_local_listener()");
    case ObjectKind::kEventfd:
      return assigned("make_eventfd()");
    case ObjectKind::kFile:
      return assigned((named_files_ ? "make_named_file(" : "make_file(") +
                      std::to_string(object.value) + ")");
    case ObjectKind::kDirectory:
      return assigned("make_directory()");
    case ObjectKind::kKqueue:
      return assigned("kqueue()") + "  if (" + variable(first) + " < 0) cannot(\"kqueue\");\n";
    case ObjectKind::kChild:
      return assigned("start_child(0)");
    case ObjectKind::kProcdesc:
      return assigned("start_child(1)");
    case ObjectKind::kSignal: {
      std::set<std::string> ignored;
      const std::string word(signal_word(object.value));
      const bool by_default = word == "URG" || word == "WINCH";
      const char* const handler = object.value >= kHandled ? "heard"
                                  : by_default             ? "SIG_DFL"
                                                           : "SIG_IGN";
      return "  take_signal(" + c_signal(object.value, &ignored) + ", " + handler + ");\n";
    }
    default:
      return "";
  }
}

std::string COperations::making() const {
  std::string text;
  for (size_t i = 0; i < program_.objects.size(); i++) text += made(program_.objects[i], i);
  if (text.find("(fd)") != std::string::npos || text.find(", fd)") != std::string::npos) {
    text.insert(0, "  int fd[2];\n");
  }
  return text;
}

std::string COperations::change(const Change& change) {
  return "change(" + ident(change.ident) + ", " + c_filter(change.filter, &used_) + ", " +
         c_flags(change.flags, &used_) + ", " + c_fflags(change.filter, change.fflags, &used_) +
         ", " + c_number(change.data) + ", " + c_udata(change.udata) + ")";
}

std::string COperations::kevent(const Op& op, int call, bool waits, bool alarmed) {
  const std::string events = "answers[" + std::to_string(call) + "].events";
  const auto listed = static_cast<int>(op.changes.size());
  std::string text = "  {\n";
  std::string in = listed == 0 ? "NULL" : "in";
  const int good =
      op.bad_changes == bad::kNone ? listed : std::clamp<int>(op.bad_changes, 0, listed);
  if (op.bad_changes == bad::kNull) {
    in = "NULL";
  } else if (op.aliased) {
    in = events;
    room_ = std::max(room_, listed);
  } else if (op.bad_changes >= 0) {
    in = "in";
    text += "    struct kevent *in = before_fault(" + std::to_string(op.bad_changes) + ");\n";
  } else if (listed > 0) {
    text += "    struct kevent in[" + std::to_string(listed) + "];\n";
  }
  std::string out = op.room == 0 && op.bad_events == bad::kNone ? "NULL" : events;
  const int readable_entries = readable(op);
  if (op.aliased) {
    out = events;
  } else if (op.bad_events == bad::kNull) {
    out = "NULL";
  } else if (op.bad_events >= 0) {
    out = "out";
    text += "    struct kevent *out = before_fault(" + std::to_string(op.bad_events) + ");\n";
  }
  if (in != "NULL") {
    for (int i = 0; i < good; i++) {
      const Change& one = op.changes[static_cast<size_t>(i)];
      text += "    " + in + "[" + std::to_string(i) + "] = " + change(one) + ";\n";
    }
  }
  std::string timeout = "&no_wait";
  if (op.timeout_faults) {
    timeout = "(const struct timespec *)before_fault(0)";
  } else if (op.wait == Wait::kForever && waits) {
    timeout = "NULL";
  } else if (op.wait == Wait::kDue) {
    timeout = "&a_while";
  } else if (op.wait == Wait::kExplicit && (waits || op.seconds < 2)) {
    timeout =
        "&(const struct timespec){" + c_number(op.seconds) + ", " + c_number(op.nanoseconds) + "}";
  }
  text += "  " + call_begins(call);
  if (alarmed && timeout == "NULL") text += "    alarm(10); /* if it sleeps for good: EINTR */\n";
  const int count = op.count_given ? op.count : listed;
  text += "  " +
          call_ends(call, "kevent(" + number(op.target) + ", " + in + ", " + std::to_string(count) +
                              ", " + out + ", " + std::to_string(op.room) + ", " + timeout + ")");
  if (alarmed && timeout == "NULL") text += "    alarm(0);\n";
  if (out == "out" && readable_entries > 0) {
    text += "    memcpy(" + events + ", out, " + std::to_string(readable_entries) +
            " * sizeof *out);\n";
  }
  return text + "  }\n";
}

std::string COperations::statements(const Op& op, int call, bool waits, bool alarmed) {
  if (op.kind == OpKind::kKevent) return kevent(op, call, waits, alarmed);
  if (op.kind == OpKind::kTrigger) {
    Op trigger = op;
    trigger.kind = OpKind::kKevent;
    Change change;
    change.ident = op.other;
    change.filter = filter::kUser;
    change.fflags = note::kTrigger;
    trigger.changes = {change};
    return kevent(trigger, call, waits, alarmed);
  }
  if (op.kind == OpKind::kReopen) return reopening(op, call);
  return call_begins(call) + call_ends(call, simple(op));
}

std::string COperations::reopening(const Op& op, int call) const {
  const Object& object = program_.objects[op.target.object];
  const Ref first{op.target.object, 0, 0};
  const Ref second{op.target.object, 1, 0};
  const int ends = ends_of(object.kind);
  std::string text = "  {\n    int fresh[2] = {-1, -1};\n  " + call_begins(call);
  std::string making = made(object, op.target.object);
  // The same call with the fresh numbers in place of the names.
  if (ends == 2) {
    const size_t end =
        making.find("(fd)") != std::string::npos ? making.find("(fd)") + 1 : making.find("fd)");
    text += "  " + making.substr(0, end) + "fresh);\n";
    text += "  " + call_ends(call, "open_again(2, fresh, &" + variable(first) + ", &" +
                                       variable(second) + ")");
  } else if (object.kind == ObjectKind::kKqueue) {
    text += "    " + variable(first) + " = fresh[0] = kqueue();\n";
    text += "  " + call_ends(call, "fresh[0] < 0 ? -1 : fresh[1] + 1");
  } else {
    text += "    fresh[0] =" + making.substr(making.find('=') + 1);
    text += "  " + call_ends(call, "open_again(1, fresh, &" + variable(first) + ", NULL)");
  }
  return text + "  }\n";
}

std::string COperations::number(const Ref& ref) const {
  if (ref.object == Ref::kNumber) return std::to_string(static_cast<int>(ref.number));
  const bool described = program_.objects[ref.object].kind == ObjectKind::kProcdesc;
  return variable(ref) + (described ? ".descriptor" : "");
}

std::string COperations::simple(const Op& op) const {
  const bool counter = has_target(op.kind) && kind_of(op.target) == ObjectKind::kEventfd;
  const bool directory = has_target(op.kind) && kind_of(op.target) == ObjectKind::kDirectory;
  const std::string target =
      has_target(op.kind) && op.kind != OpKind::kRaise ? number(op.target) : "";
  const std::string amount = std::to_string(op.amount);
  const std::string buffer = bytes_ > 1 ? "bytes" : "&(char){0}";
  switch (op.kind) {
    case OpKind::kWrite:
      if (counter) return "raise_counter(" + target + ", " + amount + ")";
      return "write(" + target + ", " + buffer + ", " + amount + ")";
    case OpKind::kRead:
      if (counter) return "take_counter(" + target + ")";
      return "read(" + target + ", " + buffer + ", " + amount + ")";
    case OpKind::kFill:
      return "fill(" + target + ")";
    case OpKind::kDrain:
      return "drain(" + target + ")";
    case OpKind::kClose:
      return "close(" + target + ")";
    case OpKind::kShutdown:
      return "shutdown(" + target +
             (op.amount == SHUT_RD   ? ", SHUT_RD)"
              : op.amount == SHUT_WR ? ", SHUT_WR)"
                                     : ", SHUT_RDWR)");
    case OpKind::kDup:
      return "(" + number(op.other) + " = dup(" + target + ")) < 0 ? -1 : 0";
    case OpKind::kDup2:
      return "dup2(" + target + ", " + number(op.other) + ")";
    case OpKind::kConnect:
    case OpKind::kAccept: {
      const std::string made =
          (op.kind == OpKind::kConnect ? "connect_to(" : "accept_from(") + target + ")";
      if (op.other.object == Ref::kNumber) return made + " < 0 ? -1 : 0";
      return "(" + number(op.other) + " = " + made + ") < 0 ? -1 : 0";
    }
    case OpKind::kSeek:
      return "lseek(" + target + ", " + amount + ", SEEK_SET)";
    case OpKind::kTruncate:
      return "ftruncate(" + target + ", " + amount + ")";
    case OpKind::kChmod:
      return "fchmod(" + target + ", 0600)";
    case OpKind::kLink:
      return "one_more_name(" + target + ")";
    case OpKind::kUnlink:
      return "one_name_less(" + target + ")";
    case OpKind::kRename:
      if (directory) return "rename_entry(" + target + ")";
      if (op.other.object == Ref::kNumber) return "another_name(" + target + ")";
      return "name_over(" + target + ", " + number(op.other) + ")";
    case OpKind::kCreate:
      return "add_entry(" + target + ", \"file\", 0)";
    case OpKind::kMkdir:
      return "add_entry(" + target + ", \"directory\", 1)";
    case OpKind::kRemove:
      return "remove_entry(" + target + ", \"file\", 0)";
    case OpKind::kRmdir:
      return "remove_entry(" + target + ", \"directory\", 1)";
    case OpKind::kSleep:
      return "(sleep_us(" + amount + "), 0)";
    case OpKind::kAwait:
      // Every timer of at most a millisecond, and traffic over the loopback.
      return "(sleep_us(20000), 0)";
    case OpKind::kRaise:
      return "kill(getpid(), (int)" + ident(op.target) + ")";
    case OpKind::kExit:
      return "end_child(&" + variable(op.target) + ", 0, " + amount + ")";
    case OpKind::kKill:
      return "end_child(&" + variable(op.target) +
             (op.amount == SIGTERM ? ", SIGTERM, 0)" : ", SIGKILL, 0)");
    case OpKind::kReap:
      return "reap_child(&" + variable(op.target) + ")";
    default:
      return "0";
  }
}

std::string COperations::want(const ExpectedEvent& event, const Foreseen::Bits& bits) {
  const Change& wanted = event.event;
  std::string text = "(struct want){.ident = " + ident(wanted.ident) +
                     ", .filter = " + c_filter(wanted.filter, &used_);
  if (event.fields & ExpectedEvent::kFlags) {
    text += ", .flags = " + c_flags(wanted.flags, &used_);
    text += ", .flag_bits = " + (bits.flags == 0xffff ? "ALL" : std::to_string(bits.flags));
  }
  if (event.fields & ExpectedEvent::kFflags) {
    text += ", .fflags = " + c_fflags(wanted.filter, wanted.fflags, &used_);
    text += ", .fflag_bits = " +
            (bits.fflags == 0xffffffff ? "ALL" : std::to_string(bits.fflags) + "u");
  }
  if (event.fields & ExpectedEvent::kData) {
    const bool error = (wanted.flags & flag::kError) != 0 && wanted.data != 0;
    text += ", .has_data = 1, .data = " + (error ? c_errno(wanted.data) : c_number(wanted.data));
  }
  if (event.fields & ExpectedEvent::kUdata) {
    text += ", .has_udata = 1, .udata = " + c_udata(wanted.udata);
  }
  return text + "}";
}

std::string COperations::condition(int call, const Op& op, const Foreseen& answer) {
  const Expectation& expect = answer.expect;
  const std::string number = std::to_string(call);
  if (expect.kind == ExpectKind::kErrno) {
    const auto failed = [&](int64_t error) {
      return "failed(" + number + ", " + c_errno(error) + ")";
    };
    if (answer.errno_or == 0) return failed(expect.value);
    return "(" + failed(expect.value) + " || " + failed(answer.errno_or) + ")";
  }
  if (expect.kind == ExpectKind::kValue) {
    return "returned(" + number + ", " + c_number(expect.value) + ")";
  }
  std::string text = "returned(" + number + ", " + std::to_string(expect.events.size()) + ")";
  const auto readable_events = static_cast<size_t>(readable(op));
  for (size_t i = 0; i < std::min(expect.events.size(), readable_events); i++) {
    const Foreseen::Bits bits = i < answer.bits.size() ? answer.bits[i] : Foreseen::Bits{};
    text += " &&\n         ";
    text +=
        answer.any_order ? "has_event(" + number : "event_at(" + number + ", " + std::to_string(i);
    text += ", " + want(expect.events[i], bits) + ")";
  }
  return text;
}

}  // namespace kqtorture
