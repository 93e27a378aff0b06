// A program begins with what every interesting one needs (objects, a kqueue, knotes on it), and
// goes on with whatever shapes.h comes up with.
#include "scenario/generate.h"

#include <algorithm>
#include <string>

#include "scenario/random.h"
#include "scenario/shapes.h"
#include "scenario/validate.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

class Generator {
 public:
  Generator(uint64_t seed, const GenerateOptions& options)
      : options_(options), random_(seed), shapes_(&program_, &random_) {}

  Program run() {
    objects();
    if (options_.threads <= 1) {
      program_.threads.push_back(Thread{Role::kThread, Name("T1"), {}});
      fill(&program_.threads.back(), between(options_.min_ops, options_.max_ops), true);
    } else {
      program_.threads.push_back(Thread{Role::kSetup, {}, {}});
      fill(&program_.threads.back(), 1 + random_.below(3), true);
      const int most = std::max(2, options_.max_ops / 2);
      for (int i = 1; i <= options_.threads; i++) {
        program_.threads.push_back(Thread{Role::kThread, Name("T" + std::to_string(i)), {}});
        fill(&program_.threads.back(), between(std::max(1, options_.min_ops / 2), most), false);
      }
      program_.threads.push_back(Thread{Role::kFinally, {}, {}});
      for (int i = 0; i < 2; i++) program_.threads.back().ops.push_back(last_look());
    }
    return std::move(program_);
  }

 private:
  size_t between(int least, int most) {
    return static_cast<size_t>(least) + random_.below(static_cast<size_t>(most - least) + 1);
  }

  void objects() {
    for (size_t count = random_.pick<size_t>({1, 1, 1, 2, 2, 3}); count != 0; count--) {
      ObjectKind kind = shapes_.object_kind();
      const bool inet = kind == ObjectKind::kTcp || kind == ObjectKind::kListener;
      if (inet && !options_.inet) kind = ObjectKind::kSocketpair;
      const bool process = kind == ObjectKind::kSignal || kind == ObjectKind::kChild ||
                           kind == ObjectKind::kProcdesc;
      if (process && !options_.processes) kind = ObjectKind::kPipe;
      shapes_.add_object(kind);
    }
    shapes_.add_object(ObjectKind::kKqueue);
    if (random_.chance(12, 100)) shapes_.add_object(ObjectKind::kKqueue);
    if (random_.chance(30, 100)) shapes_.add_object(ObjectKind::kVariable);
  }

  void fill(Thread* thread, size_t ops, bool registers_first) {
    if (registers_first) {
      add(thread, &Shapes::registration);
      if (random_.chance(1, 2)) add(thread, &Shapes::activity);
    }
    while (thread->ops.size() < ops) add(thread, &Shapes::operation);
  }

  // Most of what is tried is valid; what is not is tried again.
  void add(Thread* thread, Op (Shapes::*make)()) {
    for (int attempt = 0; attempt < 20; attempt++) {
      thread->ops.push_back((shapes_.*make)());
      if (!options_.bad_calls) tame(&thread->ops.back());
      normalize(&thread->ops.back());
      if (!validate(program_)) return;
      thread->ops.pop_back();
    }
    thread->ops.push_back(last_look());
  }

  static void tame(Op* op) {
    op->bad_changes = op->bad_events = bad::kNone;
    op->count_given = op->timeout_faults = false;
    op->count = 0;
    op->room = std::max(0, op->room);
    if (op->wait == Wait::kExplicit) op->wait = Wait::kZero;
    op->seconds = op->nanoseconds = 0;
  }

  Op last_look() {
    Op op = shapes_.poll();
    tame(&op);
    op.room = 8;
    op.wait = Wait::kZero;
    op.aliased = false;
    return op;
  }

  const GenerateOptions options_;
  Random random_;
  Program program_;
  Shapes shapes_;
};

}  // namespace

Program generate(uint64_t seed, const GenerateOptions& options) {
  return Generator(seed, options).run();
}

}  // namespace kqtorture
