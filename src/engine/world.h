// The descriptors of one running program: which number each name stands for.
//
// A number may be closed and given to another object while a name still stands for it; that is what
// programs are written to show, so names are resolved when an operation runs and never checked.
// But a program reaches only numbers it was given: one that it lost, and that now belongs to the
// process around it, is out of bounds (may_touch()).
#pragma once

#include <atomic>
#include <csignal>
#include <string>

#include "contract/operation.h"
#include "engine/fixtures.h"
#include "scenario/program.h"
#include "subject/subject.h"

namespace kqtorture {

// Sees every call on the subject, in the model's terms. Calls of one thread come in order; the
// free-running engine has one observer per thread.
class Observer {
 public:
  virtual ~Observer() = default;
  // Right before the call. May turn a call that would wait for ever into one that polls.
  virtual void before(contract::Op* op) = 0;
  // Right after. False ends the program.
  virtual bool after(const contract::Op& op, const contract::Outcome& outcome) = 0;
};

class World {
 public:
  explicit World(const Subject& subject);
  ~World() { end(); }
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  // Makes the program's objects, telling the observer of each. False when one cannot be had, with
  // the reason: a limit of this machine or subject, never a finding. Call end() in any case.
  bool begin(const Program& program, Observer* observer, std::string* why_not);
  // Closes everything, kqueues first: the subject is as empty as before begin().
  void end();

  // From now on nothing is kept from one program for the next: each begins with the numbers that it
  // would have in a process of its own.
  void keep_nothing() {
    keeps_ = false;
    fixtures_.keep_no_listener();
  }

  const Subject& subject() const { return subject_; }
  Fixtures& fixtures() { return fixtures_; }

  // The number a descriptor's name stands for; of an ident or a number, the value itself.
  uint64_t value(const Ref& ref) const;
  int number(const Ref& ref) const { return static_cast<int>(value(ref)); }
  // The kind and value that the object of the name was declared with.
  ObjectKind kind_of(const Ref& ref) const { return program_->objects[ref.object].kind; }
  int64_t value_of(const Ref& ref) const { return program_->objects[ref.object].value; }
  // Makes the name stand for another number.
  void bind(const Ref& ref, int number);

  ScriptedChild* child_of(const Ref& ref) const { return children_[ref.object]; }
  // A number for the child with this process id that is the same in every run, and no child's id;
  // -1 if there is none.
  int child_with(int64_t pid) const;

  // What the number is, as far as the program knows; nothing if it is not the program's.
  static constexpr uint8_t kNotOurs = 255;
  uint8_t kind(int number) const;
  bool is(int number, ObjectKind what) const { return kind(number) == static_cast<uint8_t>(what); }
  // Keeps the books: the program has been given the number, or lost it.
  void opened(int number, ObjectKind kind);
  void duplicated(int from, int to);
  void closed(int number);
  // True unless the number is open and not the program's.
  bool may_touch(int number) const;

  // The object behind the number can no longer be kept for another program.
  void spoil(int number);
  // Bytes were written to it.
  void soil(int number);

 private:
  static constexpr int kNumbers = 4096;  // numbers from here on are not followed
  static constexpr uint8_t kNoObject = 255;
  struct Slot {  // one end of one object
    std::atomic<int> number{-1};
    int first = -1;  // the number it began with
  };

  bool make(const Program& program, size_t index, bool fresh, Observer* observer,
            std::string* why_not);
  // What has no descriptor but is made all the same. False with errno set.
  bool make_signal(size_t index);
  bool make_child(size_t index);
  bool keep(size_t index);
  void close_all(bool kqueues);
  static bool followed(int number) { return number >= 0 && number < kNumbers; }

  const Subject& subject_;
  Fixtures fixtures_;
  const Program* program_ = nullptr;
  size_t made_ = 0;  // objects
  bool keeps_ = true;
  std::atomic<int> highest_{-1};
  Slot slots_[limit::kObjects][2];
  ScriptedChild* children_[limit::kObjects] = {};
  struct sigaction dispositions_[limit::kObjects];  // of signals: as they were
  std::atomic<bool> spoiled_[limit::kObjects];
  std::atomic<bool> soiled_[limit::kObjects];
  // By number: what it is, and which object it was made for.
  std::atomic<uint8_t> kinds_[kNumbers];
  std::atomic<uint8_t> origins_[kNumbers];
};

}  // namespace kqtorture
