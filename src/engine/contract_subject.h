// The contract in the place of a kqueue: what it literally says is what kevent() returns.
//
// Everything else is the host's: pipes are real, and a kqueue is a descriptor that nothing happens
// to. The subject is the observer of its own calls as well, since what kevent() is handed does not
// say what the model has to know.
#pragma once

#include <array>

#include "contract/model.h"
#include "engine/world.h"
#include "scenario/c_program.h"
#include "subject/subject.h"

namespace kqtorture {

class ContractAsSubject : public Subject, public Observer {
 public:
  ContractAsSubject(const contract::Profile& profile, const contract::Host& host);

  // Before a program's objects are made.
  void reset();

  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) const override;
  void before(contract::Op* op) override;
  bool after(const contract::Op& op, const contract::Outcome& outcome) override;

  // Has the model accepted everything so far?
  bool sure() const { return sure_; }
  // Of the last call: does the contract promise that it ends by itself?
  bool returns() const { return returns_; }
  bool was_kevent() const { return last_.kind == contract::OpKind::kKevent; }

  // Of the last call, a kevent(). Has every accepted answer these events, or this error?
  bool is_bound() const;
  // Which bits of an event no accepted answer has otherwise; fields: of which that is so at all.
  Foreseen::Bits bound_bits(size_t index, uint8_t* fields);
  bool is_ordered();

 private:
  template <typename Change>
  bool refuses(size_t index, Change change);
  bool ends_by_itself(const contract::Op& op);

  const contract::Model model_;
  contract::StateSet states_{};
  contract::StateSet before_{};  // the states before the last call
  contract::StateSet trial_{};
  std::array<contract::Event, limit::kRoom> predicted_;
  std::array<contract::Event, limit::kRoom> other_;
  contract::Outcome literal_;
  contract::Outcome seen_;
  contract::Op last_;
  int writable_ = contract::Op::kAll;
  bool sure_ = true;
  bool returns_ = true;
};

}  // namespace kqtorture
