// Layout is fixed: one operation per line, indented by two, long changelists broken by a backslash.
// Fields that are zero are left out, so what stands there matters.
#include "scenario/print.h"

#include <sys/socket.h>

#include <csignal>

#include "scenario/words.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

// A changelist longer than this goes on in the next line, behind a backslash.
constexpr size_t kColumns = 100;

class Printer {
 public:
  Printer(const Program& program, std::string* out, bool wrap)
      : program_(program), out_(*out), wrap_(wrap) {}

  void all() {
    line("title ", program_.title);
    line("profile ", program_.profile);
    line("expect ", program_.expect);
    if (!program_.objects.empty() && !out_.empty()) out_ += '\n';
    for (const Object& object : program_.objects) declaration(object);
    for (const Thread& thread : program_.threads) {
      out_ += '\n';
      if (thread.role == Role::kSetup) out_ += "setup";
      if (thread.role == Role::kFinally) out_ += "finally";
      if (thread.role == Role::kThread) out_.append("thread ").append(thread.name.view());
      out_ += '\n';
      for (const Op& op : thread.ops) {
        line_start_ = out_.size();
        out_ += "  ";
        operation(op);
        out_ += '\n';
      }
    }
  }

  void operation(const Op& op) {
    out_ += word_of_op(op.kind);
    if (has_target(op.kind)) {
      out_ += ' ';
      if (op.kind == OpKind::kReopen) {
        out_ += program_.objects[op.target.object].name.view();
      } else {
        ref(op.target);
      }
    }
    switch (op.kind) {
      case OpKind::kKevent:
        kevent(op);
        break;
      case OpKind::kTrigger:
        out_ += ' ';
        ref(op.other);
        break;
      case OpKind::kWrite:
      case OpKind::kRead:
      case OpKind::kSeek:
      case OpKind::kTruncate:
      case OpKind::kExit:
        out_ += ' ';
        append_number(&out_, op.amount);
        break;
      case OpKind::kSleep:
        out_ += ' ';
        append_number(&out_, op.amount);
        out_ += "us";
        break;
      case OpKind::kKill:
        out_ += op.amount == SIGTERM ? " TERM" : " KILL";
        break;
      case OpKind::kShutdown:
        out_ += op.amount == SHUT_RD ? " rd" : op.amount == SHUT_WR ? " wr" : " rdwr";
        break;
      case OpKind::kConnect:
      case OpKind::kAccept:
      case OpKind::kRename:
        if (op.other.object == Ref::kNumber) break;
        [[fallthrough]];
      case OpKind::kDup:
      case OpKind::kDup2:
        out_ += " -> ";
        ref(op.other);
        break;
      default:
        break;
    }
    expectation(op);
  }

  void ref(const Ref& ref) {
    if (ref.object == Ref::kNumber) {
      if (ref.number <= limit::kNeverOpen) {
        append_number(&out_, static_cast<int64_t>(ref.number));
      } else {
        append_hex(ref.number);
      }
      return;
    }
    const Object& object = program_.objects[ref.object];
    out_ += object.name.view();
    if (ends_of(object.kind) == 2) out_.append(1, '.').append(1, end_letter(object.kind, ref.end));
  }

  void change(const Change& change) {
    out_ += '(';
    ref(change.ident);
    out_ += ' ';
    append_filter(&out_, change.filter);
    out_ += ' ';
    append_flags(&out_, change.flags);
    if (change.fflags != 0) fflags(change);
    if (change.data != 0) data(change.data);
    if (change.udata != 0) udata(change.udata);
    out_ += ')';
  }

 private:
  void line(std::string_view key, const std::string& value) {
    if (!value.empty()) out_.append(key).append(value).append(1, '\n');
  }

  void declaration(const Object& object) {
    out_.append(word_of_object(object.kind)).append(1, ' ').append(object.name.view());
    const bool has_value = object.kind == ObjectKind::kFile || object.kind == ObjectKind::kUser ||
                           object.kind == ObjectKind::kTimer;
    if (has_value) {
      out_ += ' ';
      append_number(&out_, object.value);
    }
    if (object.kind == ObjectKind::kSignal) {
      out_.append(1, ' ').append(signal_word(object.value));
      if (object.value >= kHandled) out_ += " handled";
    }
    out_ += '\n';
  }

  void append_hex(uint64_t value) {
    static constexpr char kDigits[] = "0123456789abcdef";
    char text[16];
    size_t length = 0;
    for (; value != 0; value >>= 4) text[length++] = kDigits[value & 15];
    out_ += "0x";
    while (length != 0) out_ += text[--length];
  }

  void fflags(const Change& change) {
    out_ += " fflags=";
    append_fflags(&out_, change.filter, change.fflags);
  }
  void data(int64_t value) {
    out_ += " data=";
    append_number(&out_, value);
  }
  void udata(uint64_t value) {
    out_ += " udata=";
    append_udata(&out_, value);
  }

  // Breaks the line before what was written from `at` on, if it has grown too long.
  void break_line(size_t at) {
    if (!wrap_ || out_.size() - line_start_ <= kColumns) return;
    out_.insert(at, " \\\n     ");
    line_start_ = at + 3;
  }

  void kevent(const Op& op) {
    for (const Change& entry : op.changes) {
      const size_t at = out_.size();
      out_ += ' ';
      change(entry);
      if (&entry != op.changes.data()) break_line(at);
    }
    if (op.count_given) option(" nchanges=", op.count);
    if (op.room != 0) option(" room=", op.room);
    if (op.wait == Wait::kForever) out_ += " timeout=forever";
    if (op.wait == Wait::kDue) out_ += " timeout=due";
    if (op.wait == Wait::kExplicit) {
      option(" timeout=", op.seconds);
      option(":", op.nanoseconds);
    }
    if (op.timeout_faults) out_ += " timeout=fault";
    pointer(" changes=", op.bad_changes);
    pointer(" events=", op.bad_events);
    if (op.aliased) out_ += " aliased";
  }

  void option(std::string_view key, int64_t value) {
    out_ += key;
    append_number(&out_, value);
  }

  void pointer(std::string_view key, int8_t where) {
    if (where == bad::kNone) return;
    out_ += key;
    if (where == bad::kNull) {
      out_ += "null";
    } else {
      option("fault:", where);
    }
  }

  void expectation(const Op& op) {
    const Expectation& expect = op.expect;
    if (expect.kind == ExpectKind::kNothingSaid) return;
    out_ += " => ";
    if (expect.kind == ExpectKind::kErrno) append_errno(&out_, expect.value);
    if (expect.kind == ExpectKind::kValue) {
      if (op.kind == OpKind::kKevent && expect.value == 0) {
        out_ += "nothing";
      } else {
        append_number(&out_, expect.value);
      }
    }
    for (const ExpectedEvent& expected : expect.events) {
      const bool first = &expected == expect.events.data();
      const size_t at = out_.size();
      if (!first) out_ += ' ';
      event(expected);
      if (!first) break_line(at);
    }
  }

  void event(const ExpectedEvent& expected) {
    out_ += '(';
    ref(expected.event.ident);
    out_ += ' ';
    append_filter(&out_, expected.event.filter);
    if (expected.fields & ExpectedEvent::kFlags) {
      out_ += ' ';
      append_flags(&out_, expected.event.flags);
    }
    if (expected.fields & ExpectedEvent::kFflags) fflags(expected.event);
    if (expected.fields & ExpectedEvent::kData) {
      const bool is_error = (expected.fields & ExpectedEvent::kFlags) != 0 &&
                            (expected.event.flags & flag::kError) != 0;
      if (is_error && expected.event.data != 0) {
        out_ += " data=";
        append_errno(&out_, expected.event.data);
      } else {
        data(expected.event.data);
      }
    }
    if (expected.fields & ExpectedEvent::kUdata) udata(expected.event.udata);
    out_ += ')';
  }

  const Program& program_;
  std::string& out_;
  const bool wrap_;
  size_t line_start_ = 0;
};

}  // namespace

void print_to(const Program& program, std::string* out) { Printer(program, out, true).all(); }

std::string print(const Program& program) {
  std::string text;
  text.reserve(1024);
  print_to(program, &text);
  return text;
}

std::string print_op(const Program& program, const Op& op) {
  std::string text;
  Printer(program, &text, false).operation(op);
  return text;
}

std::string print_ref(const Program& program, const Ref& ref) {
  std::string text;
  Printer(program, &text, false).ref(ref);
  return text;
}

std::string print_change(const Program& program, const Change& change) {
  std::string text;
  Printer(program, &text, false).change(change);
  return text;
}

}  // namespace kqtorture
