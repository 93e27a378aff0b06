// The random pieces that programs are made of: objects, changes, operations.
//
// Shared by the generator and the mutator, so that what one invents the other can vary. The odds
// lean towards what has broken kqueues: the state a knote was created in, FORCEONESHOT and ENABLE
// on disabled knotes, descriptors closed and reused, lists with too little room. Timers are due at
// once or an hour away: anything between would leave the model nothing exact to say.
#pragma once

#include "scenario/program.h"
#include "scenario/random.h"

namespace kqtorture {

class Shapes {
 public:
  Shapes(Program* program, Random* random) : program_(*program), random_(*random) {}

  // Appends an object with a fresh name and returns its index; the number of objects is bounded by
  // limit::kObjects, beyond which the last one is returned.
  uint8_t add_object(ObjectKind kind);
  ObjectKind object_kind();

  // Some operation on the objects there are. An invalid one is possible though rare (no object of
  // the kind needed): validate() what comes out.
  Op operation();
  Op kevent();
  Op registration();  // a kevent call that adds knotes and asks for no event
  Op poll();          // a kevent call without changes
  Op activity();      // write, trigger, connect: may make a knote fire
  Op quieting();
  Op of_process(const Ref& target);  // read, drain, accept
  Op surgery();                      // close, shutdown, dup, dup2, reopen

  Change change();
  uint16_t flags();
  void notes_and_data(Change* change);
  uint64_t udata();
  int64_t amount();

 private:
  bool of_kind(const Object& object, std::initializer_list<ObjectKind> kinds) const;
  // An end of a random object of one of the kinds; a number that is not open when there is none.
  Ref ref(std::initializer_list<ObjectKind> kinds);
  Ref kqueue();
  Ref watched();
  void timer(Change* change);
  void waiting(Op* op);
  void bad_pointers(Op* op);

  Program& program_;
  Random& random_;
};

}  // namespace kqtorture
