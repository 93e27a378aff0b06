// The operations of a program as C statements.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "scenario/c_program.h"
#include "scenario/program.h"

namespace kqtorture {

class COperations {
 public:
  explicit COperations(const Program& program);

  // Declarations of what stands for the objects, and the body of the function that makes them.
  std::string declarations() const;
  std::string making() const;

  // What the operation is in C: statements that end with end_call(). Indented by two.
  // waits: a wait without limit is one; else it polls. alarmed: and SIGALRM ends it after a while.
  std::string statements(const Op& op, int call, bool waits, bool alarmed);

  // The value of a name, of type uintptr_t.
  std::string ident(const Ref& ref) const;
  // A struct want with those fields of the event that count.
  std::string want(const ExpectedEvent& event, const Foreseen::Bits& bits);
  // Conditions on the call's answer, joined by &&.
  std::string condition(int call, const Op& op, const Foreseen& answer);

  // The constants that were used and that a system may not have.
  const std::set<std::string>& used() const { return used_; }
  int room() const { return room_; }  // of the largest event list
  bool names_files() const { return named_files_; }
  // How many entries of an operation's event list can be read.
  static int readable(const Op& op);

 private:
  const std::string& variable(const Ref& ref) const;
  std::string number(const Ref& ref) const;  // of a descriptor, an expression
  ObjectKind kind_of(const Ref& ref) const;
  void follow_variables();
  std::string made(const Object& object, size_t index) const;
  std::string kevent(const Op& op, int call, bool waits, bool alarmed);
  std::string change(const Change& change);
  std::string simple(const Op& op) const;
  std::string reopening(const Op& op, int call) const;

  const Program& program_;
  std::map<std::pair<uint8_t, uint8_t>, std::string> variables_;
  std::vector<ObjectKind> kinds_;  // of objects; what a variable will hold
  std::set<std::string> used_;
  bool named_files_ = false;
  int room_ = 1;
  int64_t bytes_ = 1;
};

}  // namespace kqtorture
