// How the platforms that flags_fuzzer's ledger can follow differ from each other.
//
// Only FreeBSD's family is followed change by change; on the others just the rules that all
// platforms share are checked (flags_judge.h). A table, so that a difference is a line here and
// never a branch on a platform's name.
#pragma once

#include <errno.h>

#include <cstdint>
#include <optional>
#include <string>

namespace kqtorture::flags {

struct Knobs {
  bool followed = true;               // the ledger knows this platform's knotes
  bool refuses_unknown = false;       // 0x0400 and 0x0800: EINVAL, else stored and echoed
  bool marks_final = false;           // the final event of FORCEONESHOT carries FORCEONESHOT
  bool force_oneshot = true;          // FORCEONESHOT exists
  bool keep_udata = true;             // KEEPUDATA exists, else the bit is stored and echoed
  bool strict_counts = true;          // negative counts are EINVAL
  int not_a_kqueue = EINVAL;          // errno of a call on another descriptor
  bool survives_bad_pointers = true;  // a library in user space may crash on them
  bool takes_any_count = true;        // counts that only a kernel would survive are worth trying
};

inline Knobs knobs_of(const std::string& profile) {
  Knobs knobs;
  if (profile == "strict-2006") {
    knobs.refuses_unknown = knobs.marks_final = true;
  } else if (profile == "freebsd13") {
    knobs.keep_udata = knobs.strict_counts = false;
    knobs.not_a_kqueue = EBADF;
  } else if (profile != "freebsd") {
    knobs.followed = knobs.force_oneshot = knobs.keep_udata = knobs.strict_counts = false;
    knobs.takes_any_count = false;
    knobs.survives_bad_pointers = profile != "libkqueue";
  }
  return knobs;
}

}  // namespace kqtorture::flags
