// One line of a thread: an operation, its operands, and what it is said to return.
//
// The part of the parser that knows operations, apart from the part that knows files (parse.cpp).
#pragma once

#include "scenario/cursor.h"
#include "scenario/program.h"

namespace kqtorture {

class OpParser : public Cursor {
 public:
  OpParser(std::string_view text, Program* program) : Cursor(text), program_(*program) {}

 protected:
  // The operands of an operation whose word has been taken, up to the end of the line.
  bool operation(OpKind kind, Op* op);

  Program& program_;

 private:
  bool ref(Ref* ref, bool whole = false);
  bool end_of(const Object& object, std::string_view end, bool given, Ref* ref);
  bool shutdown(Op* op);
  bool sleep(Op* op);
  bool kevent(Op* op);
  bool once(unsigned bit, std::string_view key);
  bool option(Op* op);
  bool timeout(Op* op);
  bool explicit_timeout(Op* op);
  bool pointer(int8_t* where);
  bool head(Change* change);
  bool change(Change* change);
  bool fields_of(Change* change, uint8_t* fields, bool errors);
  bool field_value(uint8_t field, Change* change, bool errors);
  bool expectation(Expectation* expect);
  bool expected_event(ExpectedEvent* expected);

  unsigned seen_ = 0;  // which options the kevent line had so far
};

}  // namespace kqtorture
