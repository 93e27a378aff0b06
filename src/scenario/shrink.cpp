// Passes from coarse to fine, repeated until a whole round changes nothing.
// A candidate is kept when it is valid, differs, and still fails; all passes only ever make
// programs simpler, so the rounds end.
#include "scenario/shrink.h"

#include <algorithm>

#include "scenario/validate.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

class Shrinker {
 public:
  Shrinker(const Program& program, const StillFails& fails, int budget)
      : best_(program), fails_(fails), budget_(budget) {}

  Program run() {
    bool again = true;
    while (again && stats_.tried < budget_) {
      const Program before = best_;
      drop_expectations();
      drop_threads();
      drop_ops();
      merge_sections();
      merge_objects();
      join_calls();
      drop_changes();
      simplify_calls();
      simplify_changes();
      simplify_amounts();
      drop_objects();
      simplify_objects();
      again = !(best_ == before);
    }
    return best_;
  }

  const ShrinkStats& stats() const { return stats_; }

 private:
  // Takes the candidate when it still fails.
  bool keep(const Program& candidate) {
    if (stats_.tried >= budget_ || candidate == best_ || validate(candidate)) return false;
    stats_.tried++;
    if (!fails_(candidate)) return false;
    stats_.better++;
    best_ = candidate;
    return true;
  }

  template <typename Edit>
  bool attempt(Edit edit) {
    Program candidate = best_;
    edit(&candidate);
    return keep(candidate);
  }

  // As attempt(), on one operation.
  template <typename Edit>
  bool attempt_op(size_t thread, size_t op, Edit edit) {
    return attempt([&](Program* candidate) { edit(&candidate->threads[thread].ops[op]); });
  }

  template <typename Visit>
  void each_op(Visit visit) {
    for (size_t t = 0; t < best_.threads.size(); t++) {
      for (size_t o = 0; o < best_.threads[t].ops.size(); o++) visit(t, o);
    }
  }
  const Op& op_at(size_t thread, size_t op) const { return best_.threads[thread].ops[op]; }

  void drop_expectations() {
    attempt([](Program* candidate) {
      for (Thread& thread : candidate->threads) {
        for (Op& op : thread.ops) op.expect = Expectation{};
      }
    });
  }

  void drop_threads() {
    for (size_t t = best_.threads.size(); t-- > 0;) {
      attempt([&](Program* candidate) {
        candidate->threads.erase(candidate->threads.begin() + static_cast<std::ptrdiff_t>(t));
      });
    }
  }

  // Runs of operations, halves first, single ones last; from the end, since what comes after the
  // fault is never needed.
  void drop_ops() {
    for (size_t t = 0; t < best_.threads.size(); t++) {
      for (size_t run = best_.threads[t].ops.size(); run > 0; run /= 2) {
        for (size_t end = best_.threads[t].ops.size(); end > 0;) {
          const size_t begin = end > run ? end - run : 0;
          attempt([&](Program* candidate) {
            auto& ops = candidate->threads[t].ops;
            ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(begin),
                      ops.begin() + static_cast<std::ptrdiff_t>(end));
          });
          end = begin;
        }
      }
    }
  }

  // setup, one thread and finally are the same as one thread.
  void merge_sections() {
    if (best_.threads.size() < 2 || count_threads(best_) > 1) return;
    attempt([](Program* candidate) {
      Thread all{Role::kThread, Name("T1"), {}};
      for (Thread& thread : candidate->threads) {
        if (thread.role == Role::kThread) all.name = thread.name;
        std::move(thread.ops.begin(), thread.ops.end(), std::back_inserter(all.ops));
      }
      candidate->threads.assign(1, std::move(all));
    });
  }

  // Two objects of one kind are one object, and every call goes to the first kqueue, if that does.
  void merge_objects() {
    for (size_t from = best_.objects.size(); from-- > 1;) {
      for (size_t to = 0; to < from; to++) {
        if (best_.objects[from].kind != best_.objects[to].kind) continue;
        attempt([&](Program* candidate) {
          each_ref(candidate, [&](Ref* ref) {
            if (ref->object == from) ref->object = static_cast<uint8_t>(to);
          });
        });
      }
    }
    for (size_t i = 0; i < best_.objects.size(); i++) {
      if (best_.objects[i].kind != ObjectKind::kKqueue) continue;
      each_op([&](size_t t, size_t o) {
        if (op_at(t, o).kind != OpKind::kKevent) return;
        attempt_op(t, o, [&](Op* op) { op->target = Ref{static_cast<uint8_t>(i), 0, 0}; });
      });
      return;
    }
  }

  // A call that only registers, and the call after it, often say as much in one.
  void join_calls() {
    for (size_t t = 0; t < best_.threads.size(); t++) {
      for (size_t o = best_.threads[t].ops.size(); o-- > 1;) {
        const Op& first = op_at(t, o - 1);
        const Op& second = op_at(t, o);
        if (first.kind != OpKind::kKevent || second.kind != OpKind::kKevent) continue;
        if (!(first.target == second.target) || first.changes.empty()) continue;
        attempt([&](Program* candidate) {
          auto& ops = candidate->threads[t].ops;
          ops[o].changes.insert(ops[o].changes.begin(), ops[o - 1].changes.begin(),
                                ops[o - 1].changes.end());
          ops.erase(ops.begin() + static_cast<std::ptrdiff_t>(o - 1));
        });
      }
    }
  }

  void drop_changes() {
    each_op([&](size_t t, size_t o) {
      for (size_t run = op_at(t, o).changes.size(); run > 0; run /= 2) {
        for (size_t end = op_at(t, o).changes.size(); end > 0;) {
          const size_t begin = end > run ? end - run : 0;
          attempt_op(t, o, [&](Op* op) {
            op->changes.erase(op->changes.begin() + static_cast<std::ptrdiff_t>(begin),
                              op->changes.begin() + static_cast<std::ptrdiff_t>(end));
          });
          end = begin;
        }
      }
    });
  }

  void simplify_calls() {
    each_op([&](size_t t, size_t o) {
      if (op_at(t, o).kind != OpKind::kKevent) return;
      attempt_op(t, o, [](Op* op) { op->bad_changes = bad::kNone; });
      attempt_op(t, o, [](Op* op) { op->bad_events = bad::kNone; });
      attempt_op(t, o, [](Op* op) { op->aliased = op->timeout_faults = false; });
      attempt_op(t, o, [](Op* op) {
        op->count_given = false;
        op->count = 0;
      });
      attempt_op(t, o, [](Op* op) {
        op->wait = Wait::kZero;
        op->seconds = op->nanoseconds = 0;
      });
      for (const int room : {0, 1, 2, 4, 8}) {
        const bool simpler = op_at(t, o).room < 0 || room < op_at(t, o).room;
        if (simpler && attempt_op(t, o, [&](Op* op) { op->room = room; })) break;
      }
    });
  }

  void simplify_changes() {
    each_op([&](size_t t, size_t o) {
      for (size_t c = 0; c < op_at(t, o).changes.size(); c++) {
        const auto change = [&](auto edit) {
          return attempt_op(t, o, [&](Op* op) { edit(&op->changes[c]); });
        };
        change([](Change* entry) { entry->udata = 0; });
        change([](Change* entry) { entry->data = 0; });
        change([](Change* entry) { entry->fflags = 0; });
        for (int bit = 0; bit < 32; bit++) {
          if (op_at(t, o).changes[c].fflags >> bit & 1) {
            change([&](Change* entry) { entry->fflags &= ~(1u << bit); });
          }
        }
        for (int bit = 15; bit >= 0; bit--) {
          if (op_at(t, o).changes[c].flags >> bit & 1) {
            change([&](Change* entry) { entry->flags &= static_cast<uint16_t>(~(1u << bit)); });
          }
        }
        if (op_at(t, o).changes[c].data > 1) change([](Change* entry) { entry->data = 1; });
      }
    });
  }

  void simplify_amounts() {
    each_op([&](size_t t, size_t o) {
      const OpKind kind = op_at(t, o).kind;
      if (kind != OpKind::kRead && kind != OpKind::kWrite && kind != OpKind::kSleep) return;
      for (const int64_t amount :
           {int64_t{1}, int64_t{5}, int64_t{100}, op_at(t, o).amount / 2 + 1}) {
        if (amount < op_at(t, o).amount && attempt_op(t, o, [&](Op* op) { op->amount = amount; })) {
          break;
        }
      }
    });
  }

  // An object that nothing names costs nothing to drop; the fault cannot depend on it except by way
  // of descriptor numbers, and the predicate knows.
  void drop_objects() {
    for (size_t i = best_.objects.size(); i-- > 0;) {
      attempt([&](Program* candidate) { erase_object(candidate, static_cast<uint8_t>(i)); });
    }
  }

  // A pipe is the object everybody knows.
  void simplify_objects() {
    for (size_t i = 0; i < best_.objects.size(); i++) {
      const ObjectKind kind = best_.objects[i].kind;
      if (ends_of(kind) == 2 && kind != ObjectKind::kPipe) {
        attempt([&](Program* candidate) { candidate->objects[i].kind = ObjectKind::kPipe; });
      }
      if (kind == ObjectKind::kFile && best_.objects[i].value > 1) {
        attempt([&](Program* candidate) { candidate->objects[i].value = 1; });
      }
    }
  }

  Program best_;
  const StillFails& fails_;
  const int budget_;
  ShrinkStats stats_;
};

}  // namespace

Program shrink(const Program& program, const StillFails& fails, int budget, ShrinkStats* stats) {
  Shrinker shrinker(program, fails, budget);
  Program best = shrinker.run();
  if (stats) *stats = shrinker.stats();
  return best;
}

}  // namespace kqtorture
