// Do the names and the numbers agree, both ways?
#include "contract/vocabulary.h"

#include <gtest/gtest.h>

#include <cerrno>

#include "contract/operation.h"

namespace kqtorture::contract {
namespace {

TEST(Vocabulary, EveryFilterReadsBackFromItsName) {
  for (int16_t number = filter::kLowest; number <= 3; number++) {
    EXPECT_EQ(parse_filter(filter_name(number)), number) << filter_name(number);
  }
  EXPECT_EQ(filter_name(filter::kUser), "USER");
  EXPECT_EQ(filter_name(17), "17");
  EXPECT_EQ(parse_filter("EVFILT_READ"), filter::kRead);
  EXPECT_EQ(parse_filter("-32768"), INT16_MIN);
}

TEST(Vocabulary, EveryFlagWordReadsBack) {
  for (uint32_t flags = 0; flags <= 0xFFFF; flags++) {
    const uint16_t bits = static_cast<uint16_t>(flags);
    ASSERT_EQ(parse_flags(flags_text(bits)), bits) << flags_text(bits);
  }
  EXPECT_EQ(flags_text(0), "0");
  EXPECT_EQ(flags_text(0x0411), "ADD|ONESHOT|0x400");
}

TEST(Vocabulary, TheNamesOf2006AreUnderstoodAndNeverPrinted) {
  EXPECT_EQ(parse_flags("EV_DOD|FORCEOS"), flag::kDispatch | flag::kForceOneshot);
  EXPECT_EQ(flags_text(flag::kDispatch | flag::kForceOneshot), "DISPATCH|FORCEONESHOT");
}

TEST(Vocabulary, NotesAreNamedByTheirFilter) {
  EXPECT_EQ(notes_text(filter::kUser, 0xc1000005), "FFCOPY|TRIGGER|0x5");
  EXPECT_EQ(notes_text(filter::kTimer, 0x11), "SECONDS|ABSTIME");
  EXPECT_EQ(notes_text(filter::kRead, 0x3), "LOWAT|FILE_POLL");
  EXPECT_EQ(notes_text(filter::kVnode, 0x803), "DELETE|WRITE|0x800");
  EXPECT_EQ(notes_text(filter::kFs, 0x3), "0x3");
  EXPECT_EQ(notes_text(filter::kVnode, 0), "0");
  for (const int16_t number : {filter::kUser, filter::kTimer, filter::kWrite, filter::kVnode}) {
    for (const uint32_t fflags : {0u, 1u, 0x40000007u, 0xc1ffffffu, 0xffffffffu}) {
      EXPECT_EQ(parse_notes(number, notes_text(number, fflags)), fflags);
    }
  }
}

TEST(Vocabulary, EveryErrnoReadsBack) {
  for (int number = 0; number < 134; number++) EXPECT_EQ(parse_errno(errno_name(number)), number);
  EXPECT_EQ(errno_name(ENOENT), "ENOENT");
}

TEST(Vocabulary, WhatIsNoWordIsRefused) {
  EXPECT_FALSE(parse_filter("REED"));
  EXPECT_FALSE(parse_filter("32768"));
  EXPECT_FALSE(parse_filter(""));
  EXPECT_FALSE(parse_flags("ADD||CLEAR"));
  EXPECT_FALSE(parse_flags("0x10000"));
  EXPECT_FALSE(parse_flags("-1"));
  EXPECT_FALSE(parse_flags("ADD|"));
  EXPECT_FALSE(parse_notes(filter::kUser, "SECONDS"));
  EXPECT_FALSE(parse_notes(filter::kTimer, "12x"));
  EXPECT_FALSE(parse_errno("ENOTHING"));
  EXPECT_FALSE(parse_errno("--5"));
}

TEST(Vocabulary, AnEventPrintsOnOneLine) {
  const Event event = {5, filter::kRead, 0x8010, 0, -3, 0x11};
  EXPECT_EQ(to_text(event), "READ ident 5 flags ONESHOT|EOF fflags 0 data -3 udata 0x11");
}

TEST(Operation, EveryKindHasItsName) {
  for (int kind = 0; kind < kOpKinds; kind++) {
    EXPECT_GT(std::string(op_name(static_cast<OpKind>(kind))).size(), 2u);
  }
  EXPECT_STREQ(op_name(OpKind::kKqueue), "kqueue");
  EXPECT_STREQ(op_name(OpKind::kDup2), "dup2");
  EXPECT_STREQ(op_name(OpKind::kKevent), "kevent");
}

TEST(Operation, AnOperationPrintsWithItsOutcome) {
  Op dup2;
  dup2.kind = OpKind::kDup2;
  dup2.fd = 3;
  dup2.fd2 = 4;
  Outcome outcome;
  outcome.value = 4;
  EXPECT_EQ(to_text(dup2, outcome), "dup2 3 onto 4 = 4");
  EXPECT_EQ(to_text(dup2, Outcome::failed(EBADF)), "dup2 3 onto 4 = -1 EBADF");

  Op pipe;
  pipe.kind = OpKind::kPipe;
  Outcome made;
  made.fd = 3;
  made.fd2 = 4;
  EXPECT_EQ(to_text(pipe, made), "pipe = 0 fd 3 fd2 4");

  const Event change = {7, filter::kUser, flag::kAdd, 0, 0, 0};
  Op kevent;
  kevent.fd = 3;
  kevent.changes = &change;
  kevent.nchanges = 2;
  kevent.changes_readable = 1;
  kevent.nevents = 5;
  kevent.events_writable = 0;
  kevent.timeout = Timeout::kForever;
  Outcome one;
  one.value = 1;
  one.events = &change;
  EXPECT_EQ(to_text(kevent, one),
            "kevent 3 changes 2 {USER ident 7 flags ADD fflags 0 data 0 udata 0x0} then unreadable "
            "room 5 writable 0 timeout forever = 1 "
            "{USER ident 7 flags ADD fflags 0 data 0 udata 0x0}");
}

}  // namespace
}  // namespace kqtorture::contract
