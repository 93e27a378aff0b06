// The programs about what a knote remembers, delivers, and what each filter makes of it.
#include "engine/survey_probes.h"

namespace kqtorture {
namespace {

constexpr SurveyProbe kKnoteProbes[] = {
    // A change of an existing knote.
    {.knob = "udata writers",
     .programs = {"pipe p\nkqueue k\nthread T\n write p.w 1\n kevent k (p.r READ ADD udata=a)\n"
                  " kevent k (p.r READ ENABLE udata=b)\n kevent k room=1\n"
                  " kevent k (p.r READ 0 udata=c)\n kevent k room=1\n"
                  " kevent k (p.r READ KEEPUDATA udata=d)\n kevent k room=1\n",
                  "user u 1\nkqueue k\nthread T\n kevent k (u USER ADD udata=a)\n"
                  " kevent k (u USER 0 fflags=TRIGGER udata=b)\n kevent k room=1\n"
                  " kevent k (u USER ENABLE udata=c)\n kevent k room=1\n"
                  " kevent k (u USER ADD udata=d)\n kevent k room=1\n"}},
    {.knob = "interest overwritten",
     .programs = {"socketpair s\nkqueue k\nthread T\n"
                  " kevent k (s.a READ ADD fflags=LOWAT data=100)\n write s.b 10\n"
                  " kevent k room=1\n kevent k (s.a READ DISABLE)\n kevent k (s.a READ ENABLE)\n"
                  " kevent k room=1\n"}},
    {.knob = "re-evaluated by",
     .programs = {"pipe p\nkqueue k\nthread T\n kevent k (p.r READ ADD|CLEAR)\n write p.w 1\n"
                  " kevent k room=1\n kevent k (p.r READ ENABLE)\n kevent k room=1\n"
                  " kevent k (p.r READ 0)\n kevent k room=1\n"
                  " kevent k (p.r READ ADD)\n kevent k room=1\n"}},
    {.knob = "re-ADD sets DISPATCH",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD)\n"
                  " kevent k (u USER ADD|DISPATCH)\n trigger k u\n kevent k room=1\n"
                  " kevent k room=1\n"}},
    {.knob = "ADD+DISABLE",
     .programs = {"pipe p\nkqueue k\nthread T\n write p.w 1\n"
                  " kevent k (p.r READ ADD|DISABLE|ONESHOT)\n drain p.r\n"
                  " kevent k (p.r READ ENABLE)\n kevent k room=1\n"}},
    {.knob = "DISABLE",
     .programs = {"pipe p\nkqueue k\nthread T\n write p.w 1\n kevent k (p.r READ ADD|ONESHOT)\n"
                  " kevent k (p.r READ DISABLE)\n drain p.r\n kevent k (p.r READ ENABLE)\n"
                  " kevent k room=1\n"}},

    // Delivery.
    {.knob = "ONESHOT re-evaluated",
     .programs = {"pipe p\nkqueue k\nthread T\n write p.w 1\n kevent k (p.r READ ADD|ONESHOT)\n"
                  " drain p.r\n kevent k room=1\n",
                  "user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|ONESHOT)\n trigger k u\n"
                  " kevent k (u USER CLEAR)\n kevent k room=1\n"}},
    {.knob = "DISPATCH+CLEAR",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|DISPATCH|CLEAR)\n"
                  " trigger k u\n kevent k room=1\n trigger k u\n kevent k room=1\n"}},
    {.knob = "pipe low water",
     .programs = {"pipe p\nkqueue k\nthread T\n kevent k (p.r READ ADD fflags=LOWAT data=100)\n"
                  " write p.w 10\n kevent k room=1\n"},
     .cannot = "no"},
    {.knob = "death converts",
     .programs = {"pipe p\nkqueue k\nthread T\n kevent k (p.w WRITE ADD)\n close p.r\n"
                  " kevent k room=1\n kevent k (p.w WRITE DELETE)\n"}},

    // USER.
    {.knob = "trigger on creation",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD fflags=TRIGGER)\n"
                  " kevent k room=1\n"}},
    {.knob = "USER saves",
     .programs = {"user u 1\nuser v 2\nkqueue k\nthread T\n kevent k (u USER ADD fflags=0x5)\n"
                  " trigger k u\n kevent k (v USER ADD fflags=FFOR|0x5)\n trigger k v\n"
                  " kevent k room=2\n"}},
    {.knob = "USER data overwritten",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD data=7)\n"
                  " kevent k (u USER 0 fflags=TRIGGER data=9)\n kevent k room=1\n"}},
    {.knob = "USER CLEAR cancels",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD)\n"
                  " kevent k (u USER CLEAR fflags=TRIGGER)\n kevent k room=1\n"}},
    {.knob = "USER trigger when disabled",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|DISABLE)\n trigger k u\n"
                  " kevent k (u USER ENABLE)\n kevent k room=1\n"}},
    {.knob = "USER CLEAR delivery",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|CLEAR)\n"
                  " kevent k (u USER 0 fflags=TRIGGER|FFOR|0x5)\n kevent k room=1\n trigger k u\n"
                  " kevent k room=1\n"}},
    {.knob = "USER DISPATCH resets",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|DISPATCH)\n trigger k u\n"
                  " kevent k room=1\n kevent k (u USER ENABLE)\n kevent k room=1\n"}},
    {.knob = "deliveries show interest",
     .programs = {"socketpair s\nkqueue k\nthread T\n write s.b 10\n"
                  " kevent k (s.a READ ADD fflags=LOWAT data=1)\n kevent k room=1\n"}},
    {.knob = "USER CLEAR zeroes data",
     .why_not = "the change that triggers it again overwrites the data, so nothing shows it"},
    {.knob = "USER ONESHOT zeroed",
     .programs = {"user u 1\nkqueue k\nthread T\n kevent k (u USER ADD|ONESHOT fflags=0x7)\n"
                  " kevent k (u USER 0 fflags=TRIGGER data=44)\n kevent k room=1\n"}},

    // TIMER. A time that has passed is one second after 1 January 1970.
    {.knob = "timer units",
     .programs = {"timer t 1\nkqueue k\nthread T\n"
                  " kevent k (t TIMER ADD fflags=SECONDS|USECONDS data=100000)\n"}},
    {.knob = "timer unknown notes refused",
     .programs =
         {"timer t 1\nkqueue k\nthread T\n kevent k (t TIMER ADD fflags=0x400 data=100000)\n"}},
    {.knob = "timer < 0 refused",
     .programs = {"timer t 1\nkqueue k\nthread T\n kevent k (t TIMER ADD|ONESHOT data=-1)\n"}},
    {.knob = "timer 0 refused",
     .programs = {"timer t 1\nkqueue k\nthread T\n kevent k (t TIMER ADD|ONESHOT data=0)\n"}},
    {.knob = "timer absolute",
     .programs = {"timer t 1\nkqueue k\nthread T\n"
                  " kevent k (t TIMER ADD|ONESHOT fflags=SECONDS|ABSTIME data=3000000000)\n",
                  "timer t 1\nkqueue k\nthread T\n"
                  " kevent k (t TIMER ADD|ONESHOT fflags=SECONDS|ABSTIME data=100000)\n await\n"
                  " kevent k room=1\n"},
     .cannot = "no"},
    {.knob = "timer before boot refused",
     .programs = {"timer t 1\nkqueue k\nthread T\n"
                  " kevent k (t TIMER ADD|ONESHOT fflags=SECONDS|ABSTIME data=1)\n"}},
    {.knob = "timer absolute clears",
     .programs = {"timer t 1\nkqueue k\nthread T\n"
                  " kevent k (t TIMER ADD fflags=SECONDS|ABSTIME data=1)\n await\n"
                  " kevent k room=1\n kevent k room=1\n"}},
    {.knob = "timer absolute oneshot",
     .programs = {"timer t 1\nkqueue k\nthread T\n"
                  " kevent k (t TIMER ADD fflags=SECONDS|ABSTIME data=1)\n await\n"
                  " kevent k room=1\n kevent k (t TIMER DELETE)\n"}},
    {.knob = "timer re-ADD",
     .programs = {"timer t 1\nkqueue k\nthread T\n kevent k (t TIMER ADD|ONESHOT data=1)\n await\n"
                  " kevent k (t TIMER ADD|DISPATCH data=100000)\n kevent k room=1\n",
                  "timer t 1\nkqueue k\nthread T\n kevent k (t TIMER ADD|ONESHOT data=100000)\n"
                  " kevent k (t TIMER ADD|DISPATCH data=1)\n await\n kevent k room=1\n"
                  " kevent k (t TIMER DELETE)\n"}},
    {.knob = "timer bad re-ADD",
     .programs = {"timer t 1\nkqueue k\nthread T\n kevent k (t TIMER ADD|ONESHOT data=1)\n"
                  " kevent k (t TIMER ADD|ONESHOT fflags=SECONDS|USECONDS data=1)\n await\n"
                  " kevent k room=1\n"}},

    // Nested kqueues.
    // A host may refuse what its kqueue does not.
    {.knob = "self watch",
     .programs = {"kqueue k\nthread T\n kevent k (k READ ADD)\n"},
     .lenient = "ok|unsupported",
     .cannot = "unsupported"},
    {.knob = "nested depth",
     .programs = {"kqueue a\nkqueue b\nkqueue c\nkqueue d\nkqueue e\nkqueue f\nkqueue g\nkqueue h\n"
                  "kqueue i\nkqueue j\nkqueue l\nkqueue m\nkqueue n\nthread T\n"
                  " kevent m (n READ ADD)\n kevent l (m READ ADD)\n kevent j (l READ ADD)\n"
                  " kevent i (j READ ADD)\n kevent h (i READ ADD)\n kevent g (h READ ADD)\n"
                  " kevent f (g READ ADD)\n kevent e (f READ ADD)\n kevent d (e READ ADD)\n"
                  " kevent c (d READ ADD)\n kevent b (c READ ADD)\n kevent a (b READ ADD)\n"}},
    {.knob = "cycles refused",
     .programs =
         {"kqueue a\nkqueue b\nthread T\n kevent a (b READ ADD)\n kevent b (a READ ADD)\n"}},
    {.knob = "nested, not READ",
     .programs = {"kqueue a\nkqueue b\nthread T\n kevent a (b WRITE ADD)\n"}},
    {.knob = "nested propagation",
     .programs = {"user u 1\nkqueue a\nkqueue b\nthread T\n kevent a (b READ ADD)\n"
                  " kevent b (u USER ADD)\n trigger b u\n kevent a room=1\n"},
     .lenient = "async",
     .cannot = "unsupported"},

    {.knob = "VNODE, EMPTY",
     .programs =
         {"file f 100\nkqueue k\nthread T\n"
          " kevent k (f VNODE ADD|CLEAR fflags=DELETE|WRITE|ATTRIB)\n chmod f\n"
          " kevent k room=1\n write f 5\n kevent k room=1\n",
          "socketpair s\nkqueue k\nthread T\n kevent k (s.a EMPTY ADD)\n kevent k room=1\n"},
     .cannot = "no"},

    // What more than one thread would show.
    {.knob = "close(kq) wakes"},  // kCloseProbe
    {.knob = "overlapping poll may miss",
     .why_not = "a permission: that no poll missed an event does not show that none may; "
                "the race overlapping_polls looks for one"},
    {.knob = "wake policy",
     .why_not = "whether one sleeper or all of them are woken is not to be seen by those who wake"},

    // SIGNAL and PROC.
    {.knob = "signal counts told",
     .programs =
         {"signal s USR1\nkqueue k\nthread T\n kevent k (s SIGNAL ADD)\n raise s\n raise s\n"
          " raise s\n kevent k room=1\n kevent k room=1\n"},
     .cannot = "no"},
    {.knob = "signal number checked",
     .programs = {"kqueue k\nthread T\n kevent k (0x40000000 SIGNAL ADD)\n"}},
    {.knob = "exit without interest",
     .programs = {"child c\nkqueue k\nthread T\n kevent k (c PROC ADD)\n exit c 3\n"
                  " kevent k room=1\n"}},
    {.knob = "zombie taken",
     .programs = {"child c\nkqueue k\nthread T\n exit c 3\n kevent k (c PROC ADD fflags=EXIT)\n"
                  " kevent k room=1\n"}},
    {.knob = "exit status",
     .programs = {"child c\nkqueue k\nthread T\n kevent k (c PROC ADD fflags=EXIT)\n exit c 3\n"
                  " kevent k room=1\n",
                  "child c\nkqueue k\nthread T\n kevent k (c PROC ADD)\n exit c 3\n"
                  " kevent k room=1\n"}},
};

}  // namespace

std::span<const SurveyProbe> knote_probes() { return kKnoteProbes; }

}  // namespace kqtorture
