// Each mutation is one small method; which ones are tried how often is one table. A mutation that
// leaves an invalid program is undone and another one tried.
#include "scenario/mutate.h"

#include <algorithm>
#include <optional>
#include <string>

#include "scenario/random.h"
#include "scenario/shapes.h"
#include "scenario/validate.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

class Mutator {
 public:
  Mutator(Program* program, uint64_t seed, size_t max_ops)
      : program_(*program), random_(seed), shapes_(program, &random_), max_ops_(max_ops) {}

  void run() {
    forget_expectations();
    // Mostly one step, sometimes a few: far enough to leave a plateau, near enough to stay close.
    for (size_t steps = random_.pick<size_t>({1, 1, 1, 2, 3}); steps != 0; steps--) step();
    // An object that nothing uses costs a run its making; a spare one may be used by the next step.
    if (random_.chance(1, 4)) erase_unused_objects(&program_);
  }

 private:
  using Mutation = void (Mutator::*)();

  void forget_expectations() {
    program_.title.clear();
    program_.expect.clear();
    for (Thread& thread : program_.threads) {
      for (Op& op : thread.ops) op.expect = Expectation{};
    }
  }

  void step() {
    static constexpr Mutation kTable[] = {
        &Mutator::insert_op,  &Mutator::insert_op,  &Mutator::insert_op,   &Mutator::erase_op,
        &Mutator::erase_op,   &Mutator::replace_op, &Mutator::repeat_op,   &Mutator::swap_ops,
        &Mutator::move_op,    &Mutator::add_change, &Mutator::drop_change, &Mutator::new_change,
        &Mutator::flip_flag,  &Mutator::flip_flag,  &Mutator::flip_flag,   &Mutator::new_flags,
        &Mutator::new_notes,  &Mutator::new_udata,  &Mutator::copy_ident,  &Mutator::new_room,
        &Mutator::new_room,   &Mutator::new_wait,   &Mutator::new_amount,  &Mutator::repeat_change,
        &Mutator::add_object, &Mutator::join_calls};
    for (int attempt = 0; attempt < 8; attempt++) {
      const Program before = program_;
      (this->*kTable[random_.below(std::size(kTable))])();
      normalize(&program_);
      if (bounded(before) && !validate(program_)) return;
      program_ = before;
    }
  }

  // A program that came too long may stay so, and become no longer.
  bool bounded(const Program& before) const {
    return count_ops(program_) <= std::max(max_ops_, count_ops(before)) &&
           count_changes(program_) <= std::max(2 * max_ops_, count_changes(before));
  }

  // A random operation of all threads, or null when there is none.
  Op* any_op(Thread** thread_of = nullptr, size_t* index_of = nullptr) {
    size_t wanted = random_.below(count_ops(program_));
    for (Thread& thread : program_.threads) {
      if (wanted < thread.ops.size()) {
        if (thread_of) *thread_of = &thread;
        if (index_of) *index_of = wanted;
        return &thread.ops[wanted];
      }
      wanted -= thread.ops.size();
    }
    return nullptr;
  }

  Op* any_kevent(bool with_changes) {
    for (int attempt = 0; attempt < 8; attempt++) {
      Op* op = any_op();
      if (op && op->kind == OpKind::kKevent && (!with_changes || !op->changes.empty())) return op;
    }
    return nullptr;
  }
  Change* any_change() {
    Op* op = any_kevent(true);
    return op ? &random_.element(op->changes) : nullptr;
  }

  static auto position(size_t index) { return static_cast<std::ptrdiff_t>(index); }

  void insert_op() {
    Thread& thread = random_.element(program_.threads);
    const size_t at = random_.below(thread.ops.size() + 1);
    thread.ops.insert(thread.ops.begin() + position(at), shapes_.operation());
  }
  void erase_op() {
    Thread* thread;
    size_t at;
    if (any_op(&thread, &at)) thread->ops.erase(thread->ops.begin() + position(at));
  }
  void replace_op() {
    if (Op* op = any_op()) *op = shapes_.operation();
  }
  void repeat_op() {
    Thread* thread;
    size_t at;
    if (!any_op(&thread, &at)) return;
    Op copy = thread->ops[at];
    thread->ops.insert(thread->ops.begin() + position(at), std::move(copy));
  }
  void swap_ops() {
    Thread* thread;
    size_t at;
    if (any_op(&thread, &at)) std::swap(thread->ops[at], random_.element(thread->ops));
  }
  void move_op() {
    Thread* thread;
    size_t at;
    if (!any_op(&thread, &at)) return;
    Op op = std::move(thread->ops[at]);
    thread->ops.erase(thread->ops.begin() + position(at));
    Thread& other = random_.element(program_.threads);
    const size_t to = random_.below(other.ops.size() + 1);
    other.ops.insert(other.ops.begin() + position(to), std::move(op));
  }
  // Two calls become one: what was several calls' order becomes one changelist's.
  void join_calls() {
    Thread* thread;
    size_t at;
    const Op* op = any_op(&thread, &at);
    if (!op || at + 1 >= thread->ops.size()) return;
    Op& next = thread->ops[at + 1];
    if (op->kind != OpKind::kKevent || next.kind != OpKind::kKevent) return;
    next.changes.insert(next.changes.begin(), op->changes.begin(), op->changes.end());
    thread->ops.erase(thread->ops.begin() + position(at));
  }

  void add_change() {
    Op* op = any_kevent(false);
    if (!op) return;
    const size_t at = random_.below(op->changes.size() + 1);
    op->changes.insert(op->changes.begin() + position(at), shapes_.change());
  }
  void drop_change() {
    Op* op = any_kevent(true);
    if (!op) return;
    const size_t at = random_.below(op->changes.size());
    op->changes.erase(op->changes.begin() + position(at));
  }
  void repeat_change() {
    Op* op = any_kevent(true);
    if (!op) return;
    const Change copy = random_.element(op->changes);
    for (size_t times = 1 + random_.below(9); times != 0; times--) op->changes.push_back(copy);
  }
  void new_change() {
    if (Change* change = any_change()) *change = shapes_.change();
  }
  void flip_flag() {
    Change* change = any_change();
    // The ten flags that mean something four times as often as the other six bits.
    if (change)
      change->flags ^= static_cast<uint16_t>(1u << random_.below(random_.pick({10, 10, 10, 16})));
  }
  void new_flags() {
    if (Change* change = any_change()) change->flags = shapes_.flags();
  }
  void new_notes() {
    Change* change = any_change();
    if (!change) return;
    change->fflags = 0;
    change->data = 0;
    shapes_.notes_and_data(change);
  }
  void new_udata() {
    if (Change* change = any_change()) change->udata = shapes_.udata();
  }
  // Two changes about one knote are worth more than two about two.
  void copy_ident() {
    const Change* from = any_change();
    Change* to = any_change();
    if (!from || !to) return;
    to->ident = from->ident;
    to->filter = from->filter;
  }

  void new_room() {
    if (Op* op = any_kevent(false)) op->room = random_.pick({0, 1, 1, 2, 3, 4, 8, 64});
  }
  void new_wait() {
    Op* op = any_kevent(false);
    if (!op) return;
    const Op other = shapes_.poll();
    op->wait = other.wait;
    op->seconds = other.seconds;
    op->nanoseconds = other.nanoseconds;
    op->timeout_faults = other.timeout_faults;
    op->bad_events = other.bad_events;
    op->bad_changes = other.bad_changes;
    op->aliased = other.aliased;
    op->count_given = other.count_given;
    op->count = other.count;
  }
  void new_amount() {
    Op* op = any_op();
    if (op && (op->kind == OpKind::kRead || op->kind == OpKind::kWrite))
      op->amount = shapes_.amount();
  }
  void add_object() {
    shapes_.add_object(random_.chance(1, 6)   ? ObjectKind::kKqueue
                       : random_.chance(1, 4) ? ObjectKind::kVariable
                                              : shapes_.object_kind());
    insert_op();
  }

  Program& program_;
  Random random_;
  Shapes shapes_;
  const size_t max_ops_;
};

// Carries the operations of one program over to the objects of another.
class Graft {
 public:
  Graft(Program* onto, const Program& from, Random* random) : onto_(*onto) {
    Shapes shapes(onto, random);
    std::vector<bool> taken(onto->objects.size());
    for (const Object& object : from.objects) map_.push_back(place(object, &taken, &shapes));
  }

  std::optional<Op> carry(Op op) const {
    op.expect = Expectation{};
    bool good = translate(&op.target) && translate(&op.other);
    for (Change& change : op.changes) good = good && translate(&change.ident);
    return good ? std::optional(std::move(op)) : std::nullopt;
  }

 private:
  std::optional<uint8_t> place(const Object& object, std::vector<bool>* taken, Shapes* shapes) {
    for (size_t i = 0; i < taken->size(); i++) {
      if ((*taken)[i] || onto_.objects[i].kind != object.kind) continue;
      (*taken)[i] = true;
      return static_cast<uint8_t>(i);
    }
    if (onto_.objects.size() >= limit::kObjects) return std::nullopt;
    const uint8_t index = shapes->add_object(object.kind);
    onto_.objects[index].value = object.value;
    return index;
  }

  bool translate(Ref* ref) const {
    if (ref->object == Ref::kNumber) return true;
    const auto index = map_[ref->object];
    if (index) ref->object = *index;
    return index.has_value();
  }

  Program& onto_;
  std::vector<std::optional<uint8_t>> map_;
};

Thread* longest_thread(Program* program) {
  return &*std::max_element(
      program->threads.begin(), program->threads.end(),
      [](const Thread& a, const Thread& b) { return a.ops.size() < b.ops.size(); });
}

}  // namespace

void mutate(Program* program, uint64_t seed, size_t max_ops) {
  Mutator(program, seed, max_ops).run();
}

Program cross_over(const Program& first, const Program& second, uint64_t seed, size_t max_ops) {
  Random random(seed);
  Program child = first;
  child.title.clear();
  child.expect.clear();
  const Graft graft(&child, second, &random);
  for (size_t t = 0; t < child.threads.size(); t++) {
    std::vector<Op>& ops = child.threads[t].ops;
    for (Op& op : ops) op.expect = Expectation{};
    if (t >= second.threads.size()) continue;
    const std::vector<Op>& others = second.threads[t].ops;
    ops.resize(random.below(ops.size() + 1));
    for (size_t i = random.below(others.size() + 1); i < others.size(); i++) {
      if (auto op = graft.carry(others[i])) ops.push_back(std::move(*op));
    }
  }
  // From the middle, so that the child still begins like the one and ends like the other.
  while (count_ops(child) > max_ops || count_changes(child) > 2 * max_ops) {
    std::vector<Op>& longest = longest_thread(&child)->ops;
    longest.erase(longest.begin() + static_cast<std::ptrdiff_t>(longest.size() / 2));
  }
  erase_unused_objects(&child);
  return validate(child) ? first : child;
}

}  // namespace kqtorture
