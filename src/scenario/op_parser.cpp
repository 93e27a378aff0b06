// One operation from its words. The grammar is small enough to read in this order: a reference, the
// operands of each kind, then kevent with its changes and options, then what follows =>.
#include "scenario/op_parser.h"

#include <sys/socket.h>

#include <csignal>

#include "subject/subject.h"

namespace kqtorture {

// A name with its end, or a number; of the whole object, a name without its end.
bool OpParser::ref(Ref* ref, bool whole) {
  if (!is(Token::kWord)) return expected("a name");
  std::string_view text = token_.text;
  if (!is_name(text.substr(0, 1))) {
    const auto plain = unsigned_of_word(text);
    const auto negative = signed_of_word(text);
    if (!plain && !negative) return expected("a name or a number");
    ref->number = plain ? *plain : static_cast<uint64_t>(*negative);
    advance();
    return true;
  }
  const size_t dot = text.find('.');
  const std::string_view end = dot == text.npos ? "" : text.substr(dot + 1);
  text = text.substr(0, dot);
  for (size_t i = 0; i < program_.objects.size(); i++) {
    const Object& object = program_.objects[i];
    if (object.name.view() != text) continue;
    ref->object = static_cast<uint8_t>(i);
    if (whole && dot == token_.text.npos) {
      advance();
      return true;
    }
    if (whole) return fail("the whole object is meant: write " + std::string(text) + " alone");
    return end_of(object, end, dot != token_.text.npos, ref);
  }
  return fail("unknown name " + quoted(text));
}

bool OpParser::end_of(const Object& object, std::string_view end, bool given, Ref* ref) {
  const std::string name(object.name.view());
  if (ends_of(object.kind) != 2) {
    if (given) return fail(name + " has no ends: write " + name + " alone");
  } else {
    const char first = end_letter(object.kind, 0);
    const char second = end_letter(object.kind, 1);
    if (end.size() != 1 || (end[0] != first && end[0] != second)) {
      return fail(name + " has two ends: write " + name + "." + first + " or " + name + "." +
                  second);
    }
    ref->end = end[0] == second;
  }
  advance();
  return true;
}

bool OpParser::operation(OpKind kind, Op* op) {
  op->kind = kind;
  if (has_target(kind) && !ref(&op->target, kind == OpKind::kReopen)) return false;
  switch (kind) {
    case OpKind::kKevent:
      if (!kevent(op)) return false;
      break;
    case OpKind::kTrigger:
      if (!ref(&op->other)) return false;
      break;
    case OpKind::kRead:
    case OpKind::kWrite:
    case OpKind::kSeek:
    case OpKind::kTruncate:
      if (!number_between("the number of bytes", 0, limit::kBytes, &op->amount)) return false;
      break;
    case OpKind::kExit:
      if (!number_between("a status", 0, 255, &op->amount)) return false;
      break;
    case OpKind::kKill:
      if (!is_word("TERM") && !is_word("KILL")) return expected("TERM or KILL");
      op->amount = is_word("TERM") ? SIGTERM : SIGKILL;
      advance();
      break;
    case OpKind::kSleep:
      if (!sleep(op)) return false;
      break;
    case OpKind::kShutdown:
      if (!shutdown(op)) return false;
      break;
    case OpKind::kConnect:
    case OpKind::kAccept:
    case OpKind::kRename:
      if (!is(Token::kArrow)) break;
      [[fallthrough]];
    case OpKind::kDup:
    case OpKind::kDup2:
      if (!accept(Token::kArrow)) return expected("->");
      if (!ref(&op->other)) return false;
      break;
    default:
      break;
  }
  if (accept(Token::kYields)) return expectation(&op->expect);
  return true;
}

bool OpParser::shutdown(Op* op) {
  if (is_word("rd")) {
    op->amount = SHUT_RD;
  } else if (is_word("wr")) {
    op->amount = SHUT_WR;
  } else if (is_word("rdwr")) {
    op->amount = SHUT_RDWR;
  } else {
    return expected("rd, wr or rdwr");
  }
  advance();
  return true;
}

bool OpParser::sleep(Op* op) {
  if (!is(Token::kWord) || !token_.text.ends_with("us")) return expected("a time such as 100us");
  const auto time = unsigned_of_word(token_.text.substr(0, token_.text.size() - 2));
  if (!time || *time > static_cast<uint64_t>(limit::kSleepUs)) {
    return fail("a time is at most " + std::to_string(limit::kSleepUs) + "us");
  }
  op->amount = static_cast<int64_t>(*time);
  advance();
  return true;
}

bool OpParser::kevent(Op* op) {
  seen_ = 0;
  while (is(Token::kOpen)) {
    if (op->changes.size() == limit::kChanges) {
      return fail("more than " + std::to_string(limit::kChanges) + " changes in one call");
    }
    if (!change(&op->changes.emplace_back())) return false;
  }
  while (is(Token::kWord)) {
    if (!option(op)) return false;
  }
  if (is(Token::kOpen)) return fail("the changes stand before room and timeout");
  return true;
}

bool OpParser::once(unsigned bit, std::string_view key) {
  if (seen_ & bit) return fail("a second " + std::string(key));
  seen_ |= bit;
  return true;
}

bool OpParser::option(Op* op) {
  const std::string_view key = token_.text;
  if (key == "aliased") {
    if (!once(1, key)) return false;
    op->aliased = true;
    advance();
    return true;
  }
  const unsigned bit = key == "room"       ? 2
                       : key == "timeout"  ? 4
                       : key == "nchanges" ? 8
                       : key == "changes"  ? 16
                       : key == "events"   ? 32
                                           : 0;
  if (bit == 0) {
    return fail("unknown word " + quoted(key) +
                ": changes stand in parentheses, then room, timeout, nchanges, changes, events "
                "or aliased");
  }
  if (!once(bit, key)) return false;
  advance();
  if (!accept(Token::kEquals)) return expected("=");
  if (bit == 2) return number_between("room", INT32_MIN, limit::kRoom, &op->room);
  if (bit == 4) return timeout(op);
  if (bit == 16) return pointer(&op->bad_changes);
  if (bit == 32) return pointer(&op->bad_events);
  op->count_given = true;
  return number_between("nchanges", INT32_MIN, limit::kRoom, &op->count);
}

bool OpParser::timeout(Op* op) {
  if (is_word("zero"))
    op->wait = Wait::kZero;
  else if (is_word("forever"))
    op->wait = Wait::kForever;
  else if (is_word("due"))
    op->wait = Wait::kDue;
  else if (is_word("fault"))
    op->timeout_faults = true;
  else
    return explicit_timeout(op);
  advance();
  return true;
}

bool OpParser::explicit_timeout(Op* op) {
  const size_t colon = is(Token::kWord) ? token_.text.find(':') : std::string_view::npos;
  if (colon == std::string_view::npos) {
    return expected("zero, forever, due, fault or seconds:nanoseconds");
  }
  const auto seconds = signed_of_word(token_.text.substr(0, colon));
  const auto nanoseconds = signed_of_word(token_.text.substr(colon + 1));
  if (!seconds || !nanoseconds) return expected("seconds:nanoseconds");
  op->wait = Wait::kExplicit;
  op->seconds = *seconds;
  op->nanoseconds = *nanoseconds;
  advance();
  return true;
}

bool OpParser::pointer(int8_t* where) {
  if (is_word("null")) {
    *where = bad::kNull;
  } else {
    const std::string_view text = is(Token::kWord) ? token_.text : "";
    const auto entry = text.starts_with("fault:") ? unsigned_of_word(text.substr(6)) : std::nullopt;
    if (!entry || *entry > static_cast<uint64_t>(limit::kRoom)) {
      return expected("null or fault:entry");
    }
    *where = static_cast<int8_t>(*entry);
  }
  advance();
  return true;
}

bool OpParser::head(Change* change) {
  advance();  // the parenthesis
  if (!ref(&change->ident)) return false;
  const auto filter = is(Token::kWord) ? filter_of_word(token_.text) : std::nullopt;
  if (!filter) return expected("a filter");
  change->filter = *filter;
  advance();
  return true;
}

bool OpParser::change(Change* change) {
  if (!head(change) || !bits("a flag", &change->flags, flag_of_word)) return false;
  uint8_t fields = 0;
  return fields_of(change, &fields, false);
}

// fflags=, data=, udata= up to the parenthesis.
bool OpParser::fields_of(Change* change, uint8_t* fields, bool errors) {
  while (!is(Token::kClose)) {
    if (!is(Token::kWord)) return expected("fflags, data, udata or )");
    const std::string key(token_.text);
    const uint8_t field = key == "fflags"  ? ExpectedEvent::kFflags
                          : key == "data"  ? ExpectedEvent::kData
                          : key == "udata" ? ExpectedEvent::kUdata
                                           : 0;
    if (field == 0) return expected("fflags, data, udata or )");
    if (*fields & field) return fail("a second " + key);
    *fields |= field;
    advance();
    if (!accept(Token::kEquals)) return expected("=");
    if (!field_value(field, change, errors)) return false;
  }
  advance();
  return true;
}

bool OpParser::field_value(uint8_t field, Change* change, bool errors) {
  if (field == ExpectedEvent::kFflags) {
    return bits("a note of this filter", &change->fflags,
                [&](std::string_view text) { return fflag_of_word(change->filter, text); });
  }
  if (field == ExpectedEvent::kUdata) {
    const auto udata = is(Token::kWord) ? udata_of_word(token_.text) : std::nullopt;
    if (!udata) return expected("a name of at most 8 characters, or a number,");
    change->udata = *udata;
    advance();
    return true;
  }
  if (const auto error = errors && is(Token::kWord) ? errno_of_word(token_.text) : std::nullopt) {
    change->data = *error;
    advance();
    return true;
  }
  return number("a number", &change->data);
}

bool OpParser::expectation(Expectation* expect) {
  if (is(Token::kOpen)) {
    expect->kind = ExpectKind::kEvents;
    while (is(Token::kOpen)) {
      if (expect->events.size() == static_cast<size_t>(limit::kRoom)) {
        return fail("more than " + std::to_string(limit::kRoom) + " events expected");
      }
      if (!expected_event(&expect->events.emplace_back())) return false;
    }
    return true;
  }
  if (!is(Token::kWord)) return expected("nothing, a number, an errno or events");
  const auto error = errno_of_word(token_.text);
  if (error) {
    expect->kind = ExpectKind::kErrno;
    expect->value = *error;
    advance();
    return true;
  }
  expect->kind = ExpectKind::kValue;
  if (is_word("nothing")) {
    advance();
    return true;
  }
  return number("nothing, a number, an errno or events", &expect->value);
}

bool OpParser::expected_event(ExpectedEvent* expected) {
  if (!head(&expected->event)) return false;
  const bool named = is(Token::kWord) && flag_of_word(token_.text).has_value();
  if (named) {
    expected->fields |= ExpectedEvent::kFlags;
    if (!bits("a flag", &expected->event.flags, flag_of_word)) return false;
  }
  const bool is_error = (expected->event.flags & flag::kError) != 0;
  uint8_t fields = 0;
  if (!fields_of(&expected->event, &fields, is_error)) return false;
  expected->fields |= fields;
  return true;
}

}  // namespace kqtorture
