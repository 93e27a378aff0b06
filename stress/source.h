// What a knote watches in a race: a pipe, a socket pair or a USER ident, each made ready at will.
#pragma once

#include <cstdint>

#include "lane.h"
#include "subject/subject.h"

namespace kqtorture {

enum class SourceKind { kPipe, kSocketPair, kUser };
const char* name_of(SourceKind kind);

struct Source {
  SourceKind kind = SourceKind::kPipe;
  int read_end = -1, write_end = -1;  // not of a USER ident
  uintptr_t ident = 0;
  int16_t filter = 0;

  // Non-blocking ends of the subject. number: the ident of a USER source. Throws EnvironmentError.
  static Source open(const Subject& subject, SourceKind kind, uintptr_t number);
  void close(const Subject& subject);

  bool is_user() const { return kind == SourceKind::kUser; }
  // Writes one byte; nothing for USER, whose trigger is part of a change.
  void fill(const Subject& subject) const;
  // Reads all there is; returns the number of bytes. USER: 0.
  int drain(const Subject& subject) const;
};

}  // namespace kqtorture
