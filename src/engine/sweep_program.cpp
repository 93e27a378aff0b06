// Steps become operations one for one; a fixture's name is its slot's.
#include "engine/sweep_program.h"

#include <cstdio>

#include "contract/vocabulary.h"

namespace kqtorture {
namespace {

using Kind = SweepStep::Kind;

class Writer {
 public:
  Writer(const SweepCase& one, size_t slots) : case_(one), slots_(slots) {
    for (size_t i = 0; i < slots; i++) {
      Object object;
      object.kind = one.kind();
      object.name = Name(name(i));
      object.value = one.value(i);
      program_.objects.push_back(object);
    }
    Object kqueue;
    kqueue.kind = ObjectKind::kKqueue;
    kqueue.name = Name("k");
    kqueue_.object = static_cast<uint8_t>(slots);
    program_.objects.push_back(kqueue);
    program_.threads.emplace_back();
    program_.threads[0].name = Name("T1");
  }

  void steps(const std::vector<SweepStep>& steps) {
    for (const SweepStep& step : steps) this->step(step);
  }

  void word(const std::vector<uint16_t>& words) {
    Op op = kevent(static_cast<int>(words.size()));
    for (size_t i = 0; i < words.size(); i++) op.changes.push_back(change(slot(i), words[i]));
    add(op);
  }

  Program take(const std::string& title) {
    program_.title = title;
    normalize(&program_);
    return std::move(program_);
  }

 private:
  static std::string name(size_t slot) { return "o" + std::to_string(slot + 1); }
  size_t slot(size_t word) const { return slots_ == 1 ? 0 : word; }

  Ref end(size_t slot, int which) const {
    return Ref{static_cast<uint8_t>(slot), static_cast<uint8_t>(which), 0};
  }

  Change change(size_t slot, uint16_t flags) const {
    Change change;
    change.ident = end(slot, case_.has_object() ? case_.end : 0);
    change.filter = case_.filter;
    change.flags = flags;
    change.fflags = case_.fflags;
    change.data = case_.data;
    change.udata = case_.udata;
    return change;
  }

  Op kevent(int room) const {
    Op op;
    op.kind = OpKind::kKevent;
    op.target = kqueue_;
    op.room = room;
    return op;
  }

  void add(const Op& op) { program_.threads[0].ops.push_back(op); }

  void step(const SweepStep& step) {
    const auto count = static_cast<int>(slots_);
    switch (step.kind) {
      case Kind::kChange: {
        Op op = kevent(step.flags & contract::flag::kReceipt ? count : 0);
        for (size_t i = 0; i < slots_; i++) {
          Change one = change(i, step.flags);
          one.fflags = step.fflags;
          one.data = step.data;
          one.udata = step.udata;
          op.changes.push_back(one);
        }
        return add(op);
      }
      case Kind::kScan:
        return add(kevent(limit::kRoom));
      case Kind::kAwait: {
        Op op;
        op.kind = OpKind::kAwait;
        return add(op);
      }
      case Kind::kWord:
      case Kind::kMake:  // it is there from the start
        return;
      default:
        for (size_t i = 0; i < slots_; i++) on_object(step, i);
    }
  }

  void on_object(const SweepStep& step, size_t slot) {
    Op op;
    op.kind = step.kind == Kind::kWrite   ? OpKind::kWrite
              : step.kind == Kind::kRead  ? OpKind::kRead
              : step.kind == Kind::kFill  ? OpKind::kFill
              : step.kind == Kind::kRaise ? OpKind::kRaise
              : step.kind == Kind::kExit  ? OpKind::kExit
                                          : OpKind::kClose;
    op.target = end(slot, step.end);
    op.amount = step.data;
    add(op);
  }

  const SweepCase& case_;
  const size_t slots_;
  Ref kqueue_;
  Program program_;
};

std::string title_of(const SweepCase& one, const std::vector<uint16_t>& words) {
  std::string title = "sweep " + one.name() + ", flags";
  for (size_t i = 0; i < words.size() && i < 8; i++) {
    char text[16];
    std::snprintf(text, sizeof text, " 0x%04x", words[i]);
    title += text;
  }
  if (words.size() > 8) title += " and " + std::to_string(words.size() - 8) + " more";
  return title;
}

}  // namespace

Program program_of(const SweepCase& one, const std::vector<uint16_t>& words) {
  Writer writer(one, words.size());
  writer.steps(one.prepare);
  writer.steps(one.before);
  writer.word(words);
  writer.steps(one.after);
  return writer.take(title_of(one, words));
}

Program program_of_list(const SweepCase& one, const std::vector<uint16_t>& words) {
  Writer writer(one, 1);
  writer.steps(one.prepare);
  writer.steps(one.before);
  for (size_t i = 0; i < words.size(); i += limit::kChanges) {
    const size_t last = std::min(words.size(), i + limit::kChanges);
    writer.word({words.begin() + static_cast<long>(i), words.begin() + static_cast<long>(last)});
  }
  writer.steps(one.after);
  return writer.take(title_of(one, words));
}

}  // namespace kqtorture
