// The programs about one call, in the order of the knobs. Of each call the model judges everything,
// so a program does as little as it can beside its question.
#include "engine/survey_probes.h"

#include <vector>

namespace kqtorture {
namespace {

constexpr SurveyProbe kProbes[] = {
    // The call.
    {.knob = "not a kqueue", .programs = {"pipe p\nkqueue k\nthread T\n kevent p.r room=1\n"}},
    {.knob = "closed kqueue", .programs = {"kqueue k\nthread T\n close k\n kevent k room=1\n"}},
    {.knob = "nchanges < 0",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD) nchanges=-1\n"
                  " kevent k (u USER DELETE)\n"}},
    {.knob = "nevents < 0",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD)\n trigger k u\n"
                  " kevent k room=-1\n"}},
    // Without room a timeout that is checked late is not looked at; with it, the changes of a call
    // that is checked early are not made.
    {.knob = "timeout validated",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD) timeout=-1:0\n",
                  "user u 1\nkqueue k\nthread T\n kevent k (u USER ADD) room=1 timeout=-1:0\n"
                  " kevent k (u USER DELETE)\n"}},
    {.knob = "timeout read first",
     .programs = {"kqueue k\nthread T\n close k\n kevent k room=1 timeout=fault\n"}},
    {.knob = "counts first", .programs = {"kqueue k\nthread T\n close k\n kevent k room=-1\n"}},
    {.knob = "chunk",
     .programs =
         {"user u 1\nuser v 2\nuser w 3\nkqueue k\nthread T\n"
          " kevent k (u USER ADD) (u USER 0) (u USER 0) (u USER 0) (u USER 0) (u USER 0)"
          " (u USER 0) (v USER ADD) (w USER ADD) (w USER 0) changes=fault:9\n"
          " kevent k (u USER DELETE)\n kevent k (v USER DELETE)\n kevent k (w USER DELETE)\n"}},

    // One change.
    {.knob = "unknown flags",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|0x0400)\n trigger k u\n"
                  " kevent k room=1\n"}},
    {.knob = "known flags",
     .programs =
         {"user u 1\nuser v 2\nkqueue k\nthread T\n kevent k (u USER ADD)\n"
          " kevent k (u USER 0x0100)\n kevent k (v USER ADD)\n kevent k (v USER 0x0200)\n"}},
    {.knob = "reserved flags",
     .programs = {"user u 1\nuser v 2\nkqueue k\nthread T\n kevent k (u USER ADD|0x0800)\n"
                  " trigger k u\n kevent k (v USER ADD|0x3000)\n trigger k v\n kevent k room=2\n"}},
    {.knob = "filter value 0",
     .programs = {"pipe p\nkqueue k\nthread T\n write p.w 1\n kevent k (p.r 0 ADD)\n"
                  " kevent k (p.r READ ENABLE)\n"}},
    {.knob = "lowest filter",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u -12 ADD)\n kevent k (u -14 ADD)\n"}},
    {.knob = "filter out of range",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u 5 ADD)\n kevent k (u -40 ADD)\n"}},
    {.knob = "empty filter slot",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u LIO ADD)\n"}},
    {.knob = "empty filter slot, or",
     .why_not = "a second errno that is accepted beside the first; what a kqueue answers is one"},
    {.knob = "empty slot noticed",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u LIO DELETE)\n"}},
    {.knob = "checked first",
     .programs = {"pipe p\nkqueue k\nthread T\n close p.r\n kevent k (p.r READ DELETE)\n"}},
    {.knob = "ENABLE+DISABLE",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD)\n"
                  " kevent k (u USER ENABLE|DISABLE)\n trigger k u\n kevent k room=1\n"}},
    {.knob = "ADD+DELETE, exists",
     .programs = {"pipe p\nkqueue k\nthread T\n kevent k (p.r READ ADD)\n"
                  " kevent k (p.r READ ADD|DELETE)\n kevent k (p.r READ ENABLE)\n"}},
    {.knob = "ADD+DELETE, absent",
     .programs = {"pipe p\nkqueue k\nthread T\n kevent k (p.r READ ADD|DELETE)\n"
                  " kevent k (p.r READ ENABLE)\n"}},
    {.knob = "DISPATCH+ONESHOT refused",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|DISPATCH|ONESHOT)\n"}},
    {.knob = "FORCEONESHOT",
     .programs = {"pipe p\nkqueue k\nthread T\n kevent k (p.r READ ADD)\n"
                  " kevent k (p.r READ FORCEONESHOT)\n kevent k room=1\n"
                  " kevent k (p.r READ DELETE)\n"},
     .cannot = "no"},
    {.knob = "KEEPUDATA",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|KEEPUDATA)\n"},
     .cannot = "no"},
    {.knob = "close removes knotes",
     .programs = {"pipe p\nkqueue k\nthread T\n write p.w 1\n kevent k (p.r READ ADD udata=a)\n"
                  " reopen p\n write p.w 1\n kevent k room=1\n kevent k (p.r READ DELETE)\n"},
     .cannot = "no"},
    {.knob = "flag clash",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD)\n"
                  " kevent k (u USER 0x0100 fflags=TRIGGER)\n kevent k (u USER ENABLE)\n"}},
    {.knob = "final event marked",
     .programs = {"pipe p\nkqueue k\nthread T\n kevent k (p.r READ ADD)\n"
                  " kevent k (p.r READ FORCEONESHOT)\n kevent k room=1\n"}},
    {.knob = "WRITE, no reader",
     .programs = {"pipe p\nkqueue k\nthread T\n close p.r\n kevent k (p.w WRITE ADD)\n"}},

    // The event list.
    {.knob = "echo action bits",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD)\n trigger k u\n"
                  " kevent k room=1\n"},
     .lenient = "yes"},
    {.knob = "error entry flags",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER DELETE) room=1\n"
                  " kevent k (u USER ENABLE|DISABLE) room=1\n"}},
    {.knob = "entry zeroes fflags",
     .programs =
         {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|RECEIPT fflags=0x5) room=1\n"},
     .lenient = "no"},
    {.knob = "receipt, no room",
     .programs = {"user u 1\nuser v 2\nkqueue k\nthread T\n"
                  " kevent k (u USER ADD|RECEIPT) (v USER ADD)\n kevent k (v USER DELETE)\n"}},
    {.knob = "scan after entries",
     .programs = {"user u 1\nuser v 2\nkqueue k\nthread T\n kevent k (u USER ADD)\n trigger k u\n"
                  " kevent k (v USER ADD|RECEIPT) room=4\n kevent k room=4\n"}},
    {.knob = "entry fault ignored",
     .programs =
         {"user u 1\nkqueue k\nthread T\n kevent k (u USER DELETE) room=1 events=fault:0\n"}},
};

}  // namespace

std::span<const SurveyProbe> survey_probes() {
  static const std::vector<SurveyProbe> all = [] {
    std::vector<SurveyProbe> probes(std::begin(kProbes), std::end(kProbes));
    const auto more = knote_probes();
    probes.insert(probes.end(), more.begin(), more.end());
    return probes;
  }();
  return all;
}

const SurveyProbe* find_probe(std::string_view knob) {
  for (const SurveyProbe& probe : survey_probes()) {
    if (probe.knob == knob) return &probe;
  }
  return nullptr;
}

bool lists(std::string_view words, std::string_view word) {
  while (!words.empty()) {
    const size_t end = words.find('|');
    if (words.substr(0, end) == word) return true;
    if (end == std::string_view::npos) break;
    words.remove_prefix(end + 1);
  }
  return false;
}

}  // namespace kqtorture
