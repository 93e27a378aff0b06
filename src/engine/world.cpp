// Making a program's objects, following its numbers, and leaving nothing behind.
#include "engine/world.h"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "scenario/words.h"

namespace kqtorture {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;

// Does the program make descriptors while it runs? Then which numbers they get is part of what it
// does, and it must be the same in every process.
bool makes_descriptors(const Program& program) {
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      switch (op.kind) {
        case OpKind::kDup:
        case OpKind::kReopen:
        case OpKind::kConnect:
        case OpKind::kAccept:
          return true;
        default:
          break;
      }
    }
  }
  return false;
}

// How many connections can it ask for?
int connections(const Program& program, ObjectKind listener) {
  int count = 0;
  for (const Thread& thread : program.threads) {
    count +=
        static_cast<int>(std::count_if(thread.ops.begin(), thread.ops.end(), [&](const Op& op) {
          if (op.kind != OpKind::kConnect) return false;
          const uint8_t object = op.target.object;
          return object == Ref::kNumber || program.objects[object].kind == listener;
        }));
  }
  return count;
}

bool uses_names(const Program& program) {
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      if (is_about_names(op.kind)) return true;
    }
  }
  return false;
}

}  // namespace

World::World(const Subject& subject) : subject_(subject), fixtures_(subject) {
  for (std::atomic<uint8_t>& kind : kinds_) kind.store(kNotOurs, kRelaxed);
}

bool World::begin(const Program& program, Observer* observer, std::string* why_not) {
  end();
  program_ = &program;
  const bool names = uses_names(program);
  fixtures_.name_files(names);
  fixtures_.prepare_connections(connections(program, ObjectKind::kUnixListener),
                                connections(program, ObjectKind::kListener));
  const bool fresh = !keeps_ || names || makes_descriptors(program);
  for (size_t i = 0; i < program.objects.size(); i++) {
    if (!make(program, i, fresh, observer, why_not)) return false;
  }
  if (fresh && keeps_ && highest_.load(kRelaxed) >= 0) fixtures_.fill_gaps(highest_.load(kRelaxed));
  return true;
}

bool World::make(const Program& program, size_t index, bool fresh, Observer* observer,
                 std::string* why_not) {
  const Object& object = program.objects[index];
  const bool descriptor = has_descriptor(object.kind) && object.kind != ObjectKind::kVariable;
  const bool signal = object.kind == ObjectKind::kSignal;
  const bool child = object.kind == ObjectKind::kChild;
  const bool described = object.kind == ObjectKind::kProcdesc;
  const bool exists = descriptor || signal || child;
  Ends ends;
  const bool made = signal  ? make_signal(index)
                    : child ? make_child(index)
                    : described
                        ? make_child(index) && fixtures_.describe(children_[index]->pid(), &ends)
                    : descriptor ? (fresh ? fixtures_.make(object.kind, object.value, &ends)
                                          : fixtures_.take(object.kind, object.value, &ends))
                                 : true;
  if (!made) {
    *why_not = "no " + std::string(word_of_object(object.kind)) + ": " + std::strerror(errno);
    return false;
  }
  made_ = index + 1;
  spoiled_[index].store(fresh, kRelaxed);
  soiled_[index].store(false, kRelaxed);
  for (int end = 0; end < 2; end++) {
    const int number = ends.fd[end];
    if (!child) slots_[index][end].number.store(number, kRelaxed);
    slots_[index][end].first = number;
    if (number < 0) continue;
    opened(number, object.kind);
    if (followed(number)) origins_[number].store(static_cast<uint8_t>(index), kRelaxed);
  }
  if (!exists) return true;
  contract::Op op = Fixtures::operation(object.kind, object.value);
  contract::Outcome outcome;
  outcome.fd = ends.fd[0];
  outcome.fd2 = ends.fd[1];
  if (child) outcome.value = children_[index]->pid();
  if (described) op.amount = children_[index]->pid();
  observer->before(&op);
  if (observer->after(op, outcome)) return true;
  *why_not = "the model does not take a fresh " + std::string(word_of_object(object.kind));
  return false;
}

void World::end() {
  if (program_ == nullptr) return;
  // Kqueues first: closing them takes every knote away, and what is kept is kept without.
  close_all(true);
  for (size_t i = made_; i-- > 0;) {
    const Object& object = program_->objects[i];
    if (object.kind == ObjectKind::kSignal) {
      subject_.calls().sigaction(signal_of(object.value), &dispositions_[i], nullptr);
    }
    if (children_[i] != nullptr) fixtures_.give_back(children_[i]);
    children_[i] = nullptr;
  }
  for (size_t i = 0; i < made_; i++) {
    if (!keep(i)) continue;
    Ends ends;
    for (int end = 0; end < 2; end++) {
      ends.fd[end] = slots_[i][end].first;
      if (followed(ends.fd[end])) kinds_[ends.fd[end]].store(kNotOurs, kRelaxed);
    }
    fixtures_.give_back(program_->objects[i].kind, ends, true, soiled_[i].load(kRelaxed));
  }
  close_all(false);
  fixtures_.release_gaps();
  fixtures_.names().clear();
  highest_.store(-1, kRelaxed);
  made_ = 0;
  program_ = nullptr;
}

bool World::make_signal(size_t index) {
  return fixtures_.set_signal(program_->objects[index].value, &dispositions_[index]);
}

bool World::make_child(size_t index) {
  children_[index] = fixtures_.take_child();
  if (children_[index] == nullptr) return false;
  slots_[index][0].number.store(children_[index]->pid(), kRelaxed);
  return true;
}

bool World::keep(size_t index) {
  if (spoiled_[index].load(kRelaxed) || slots_[index][0].first < 0) return false;
  for (const Slot& slot : slots_[index]) {
    if (slot.first < 0) continue;
    if (slot.number.load(kRelaxed) != slot.first || kind(slot.first) == kNotOurs) return false;
  }
  return true;
}

void World::close_all(bool kqueues) {
  const int highest = std::min(highest_.load(kRelaxed), kNumbers - 1);
  for (int number = 0; number <= highest; number++) {
    const uint8_t what = kind(number);
    if (what == kNotOurs || (kqueues && !is(number, ObjectKind::kKqueue))) continue;
    if (is(number, ObjectKind::kTcp)) {
      // Without this every connection would wait out its two minutes, and the ports run out.
      const linger now{1, 0};
      subject_.calls().setsockopt(number, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    }
    subject_.close(number);
    kinds_[number].store(kNotOurs, kRelaxed);
  }
}

uint64_t World::value(const Ref& ref) const {
  if (ref.object == Ref::kNumber) return ref.number;
  const Object& object = program_->objects[ref.object];
  if (object.kind == ObjectKind::kSignal) return static_cast<uint64_t>(signal_of(object.value));
  const bool has_slot = has_descriptor(object.kind) || object.kind == ObjectKind::kChild;
  if (!has_slot) return static_cast<uint64_t>(object.value);
  return static_cast<uint64_t>(int64_t{slots_[ref.object][ref.end].number.load(kRelaxed)});
}

int World::child_with(int64_t pid) const {
  for (int i = 0; i < static_cast<int>(made_); i++) {
    const ScriptedChild* const child = children_[i];
    if (child != nullptr && child->pid() == pid) return static_cast<int>(limit::kNeverOpen) + i;
  }
  return -1;
}

void World::bind(const Ref& ref, int number) {
  slots_[ref.object][ref.end].number.store(number, kRelaxed);
}

uint8_t World::kind(int number) const {
  return followed(number) ? kinds_[number].load(kRelaxed) : kNotOurs;
}

void World::opened(int number, ObjectKind kind) {
  if (!followed(number)) return;
  kinds_[number].store(static_cast<uint8_t>(kind), kRelaxed);
  origins_[number].store(kNoObject, kRelaxed);
  int highest = highest_.load(kRelaxed);
  while (highest < number && !highest_.compare_exchange_weak(highest, number, kRelaxed)) {
  }
}

void World::duplicated(int from, int to) {
  const uint8_t what = kind(from);
  const uint8_t origin = followed(from) ? origins_[from].load(kRelaxed) : kNoObject;
  if (what == kNotOurs) return;
  // What end() does to close the one would be done to the other, too.
  spoil(from);
  opened(to, static_cast<ObjectKind>(what));
  if (followed(to)) origins_[to].store(origin, kRelaxed);
}

void World::closed(int number) {
  if (kind(number) == kNotOurs) return;
  spoil(number);
  kinds_[number].store(kNotOurs, kRelaxed);
}

bool World::may_touch(int number) const {
  if (number < 0 || static_cast<uint64_t>(number) >= limit::kNeverOpen) return true;
  if (kind(number) != kNotOurs) return true;
  return subject_.calls().fcntl(number, F_GETFD) < 0;
}

void World::spoil(int number) {
  const uint8_t origin = followed(number) ? origins_[number].load(kRelaxed) : kNoObject;
  if (origin != kNoObject) spoiled_[origin].store(true, kRelaxed);
}

void World::soil(int number) {
  const uint8_t origin = followed(number) ? origins_[number].load(kRelaxed) : kNoObject;
  if (origin != kNoObject) soiled_[origin].store(true, kRelaxed);
}

}  // namespace kqtorture
