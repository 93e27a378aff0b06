// Do the tables of layout.cpp say what the platform's <sys/event.h> says?
//
// Compiled with each platform's stub in the place of its header. Nothing runs: that it compiles is
// the test. The tables are the translation's own, which is why its source is included.
#include "subject/layout.cpp"

// After it: the suite's own files never see the macros of this header.
#include <sys/event.h>

#include <type_traits>

namespace kqtorture {
namespace {

using Platform = struct kevent;

#if defined(__FreeBSD__)
using Table = Freebsd12Kevent;
constexpr Layout kPlatformLayout = Layout::kFreebsd12;
#elif defined(__NetBSD__) && defined(KQ_STUB_EXT)
using Table = NetbsdExtKevent;
constexpr Layout kPlatformLayout = Layout::kNetbsdExt;
constexpr Numbers kPlatformNumbers = kNetbsdNumbers;
#elif defined(__NetBSD__)
using Table = NetbsdKevent;
constexpr Layout kPlatformLayout = Layout::kNetbsd;
constexpr Numbers kPlatformNumbers = kNetbsdNumbers;
#elif defined(__OpenBSD__)
using Table = Kevent;
constexpr Layout kPlatformLayout = Layout::kOpenbsd;
constexpr Numbers kPlatformNumbers = kOpenbsdNumbers;
#elif defined(__DragonFly__)
using Table = Kevent;
constexpr Layout kPlatformLayout = Layout::kDragonfly;
constexpr Numbers kPlatformNumbers = kDragonflyNumbers;
#elif defined(__APPLE__)
using Table = Kevent;
constexpr Layout kPlatformLayout = Layout::kMacos;
constexpr Numbers kPlatformNumbers = kMacosNumbers;
#else
#error "no platform"
#endif

// The struct.
static_assert(sizeof(Table) == sizeof(Platform) &&
              sizeof(Platform) == native_size(kPlatformLayout));
#define KQ_SAME_FIELD(field)                                          \
  static_assert(offsetof(Table, field) == offsetof(Platform, field)); \
  static_assert(sizeof(Table::field) == sizeof(Platform::field))
KQ_SAME_FIELD(ident);
KQ_SAME_FIELD(filter);
KQ_SAME_FIELD(flags);
KQ_SAME_FIELD(fflags);
KQ_SAME_FIELD(data);
KQ_SAME_FIELD(udata);
static_assert(std::is_signed_v<decltype(Platform::filter)> ==
              std::is_signed_v<decltype(Table::filter)>);

// The filters: each that both have is translated into the platform's number, each that only FreeBSD
// has is in no table.
constexpr int32_t kNone = INT32_MAX;

constexpr int32_t number_in_table(int16_t canonical) {
#if defined(__FreeBSD__)
  return canonical;
#else
  for (const FilterPair* pair = kPlatformNumbers.filters; pair->canonical != 0; ++pair) {
    if (pair->canonical == canonical) return pair->native;
  }
  return kNone;
#endif
}

#define KQ_FILTER(canonical, number) \
  static_assert(number_in_table(canonical) == static_cast<int32_t>(number))
KQ_FILTER(filter::kRead, EVFILT_READ);
KQ_FILTER(filter::kWrite, EVFILT_WRITE);
KQ_FILTER(filter::kAio, EVFILT_AIO);
KQ_FILTER(filter::kVnode, EVFILT_VNODE);
KQ_FILTER(filter::kProc, EVFILT_PROC);
KQ_FILTER(filter::kSignal, EVFILT_SIGNAL);
KQ_FILTER(filter::kTimer, EVFILT_TIMER);
KQ_FILTER(filter::kUser, EVFILT_USER);
#if !defined(EVFILT_FS)
#define EVFILT_FS kNone
#endif
#if !defined(EVFILT_PROCDESC)
#define EVFILT_PROCDESC kNone
#endif
#if !defined(EVFILT_EMPTY)
#define EVFILT_EMPTY kNone
#endif
#if !defined(EVFILT_LIO)
#define EVFILT_LIO kNone
#endif
#if !defined(EVFILT_SENDFILE)
#define EVFILT_SENDFILE kNone
#endif
KQ_FILTER(filter::kFs, EVFILT_FS);
KQ_FILTER(filter::kProcdesc, EVFILT_PROCDESC);
KQ_FILTER(filter::kEmpty, EVFILT_EMPTY);
KQ_FILTER(filter::kLio, EVFILT_LIO);
KQ_FILTER(filter::kSendfile, EVFILT_SENDFILE);

// The flags go through untranslated.
static_assert(flag::kAdd == EV_ADD && flag::kDelete == EV_DELETE && flag::kEnable == EV_ENABLE &&
              flag::kDisable == EV_DISABLE && flag::kOneshot == EV_ONESHOT &&
              flag::kClear == EV_CLEAR && flag::kReceipt == EV_RECEIPT &&
              flag::kDispatch == EV_DISPATCH && flag::kError == EV_ERROR && flag::kEof == EV_EOF);
static_assert((EV_SYSFLAGS & flag::kSysflags) == flag::kSysflags);
#if defined(__FreeBSD__)
static_assert(flag::kForceOneshot == EV_FORCEONESHOT && flag::kKeepUdata == EV_KEEPUDATA);
#elif defined(__APPLE__)
// Other flags by the same numbers: nothing may translate them into a wish that was not meant.
static_assert(flag::kForceOneshot == EV_UDATA_SPECIFIC && flag::kKeepUdata == EV_VANISHED);
#elif defined(EV_FORCEONESHOT) || defined(EV_KEEPUDATA)
#error "a platform that has these is to be told here"
#endif

// The notes that go through untranslated.
static_assert(note::kLowat == NOTE_LOWAT && note::kDelete == NOTE_DELETE &&
              note::kWrite == NOTE_WRITE && note::kExtend == NOTE_EXTEND &&
              note::kAttrib == NOTE_ATTRIB && note::kLink == NOTE_LINK &&
              note::kRename == NOTE_RENAME && note::kRevoke == NOTE_REVOKE);
static_assert(note::kExit == NOTE_EXIT && note::kFork == NOTE_FORK && note::kExec == NOTE_EXEC &&
              note::kTrack == NOTE_TRACK && note::kTrackErr == NOTE_TRACKERR &&
              note::kChild == NOTE_CHILD);
static_assert(note::kFfNop == NOTE_FFNOP && note::kFfAnd == NOTE_FFAND &&
              note::kFfOr == NOTE_FFOR && note::kFfCopy == NOTE_FFCOPY &&
              note::kFfCtrlMask == NOTE_FFCTRLMASK && note::kFfFlagsMask == NOTE_FFLAGSMASK &&
              note::kTrigger == NOTE_TRIGGER);

// A timer's units.
#if defined(__FreeBSD__)
static_assert(note::kSeconds == NOTE_SECONDS && note::kMseconds == NOTE_MSECONDS &&
              note::kUseconds == NOTE_USECONDS && note::kNseconds == NOTE_NSECONDS &&
              note::kAbstime == NOTE_ABSTIME);
#elif defined(NOTE_SECONDS)
static_assert(kPlatformNumbers.units.seconds == NOTE_SECONDS &&
              kPlatformNumbers.units.useconds == NOTE_USECONDS &&
              kPlatformNumbers.units.nseconds == NOTE_NSECONDS);
#if defined(NOTE_ABSOLUTE)
static_assert(kPlatformNumbers.units.mseconds == 0 &&
              kPlatformNumbers.units.absolute == NOTE_ABSOLUTE);
#else
static_assert(kPlatformNumbers.units.mseconds == NOTE_MSECONDS &&
              kPlatformNumbers.units.absolute == NOTE_ABSTIME);
#endif
#endif

}  // namespace

// EV_SET fills the fields that the tables call so.
int filter_of_a_set_event() {
  Platform event{};
  EV_SET(&event, 1, EVFILT_USER, EV_ADD, NOTE_TRIGGER, 2, nullptr);
  return static_cast<int>(event.filter);
}

}  // namespace kqtorture
