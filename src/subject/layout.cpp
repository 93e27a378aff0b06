// One table per platform; the sources of the numbers are the platforms' own <sys/event.h>.
#include "subject/layout.h"

#include <cstring>

namespace kqtorture {
namespace {

struct Freebsd12Kevent {
  uintptr_t ident;
  int16_t filter;
  uint16_t flags;
  uint32_t fflags;
  int64_t data;
  void* udata;
  uint64_t ext[4];
};
struct NetbsdKevent {
  uintptr_t ident;
  uint32_t filter;
  uint32_t flags;
  uint32_t fflags;
  int64_t data;
  void* udata;
};
struct NetbsdExtKevent {
  uintptr_t ident;
  uint32_t filter;
  uint32_t flags;
  uint32_t fflags;
  int64_t data;
  void* udata;
  uint64_t ext[4];
};
static_assert(sizeof(void*) != 8 || (sizeof(Freebsd12Kevent) == 64 && sizeof(NetbsdKevent) == 40 &&
                                     sizeof(NetbsdExtKevent) == 72));

struct FilterPair {
  int16_t canonical;
  int32_t native;
};
struct TimerUnits {
  uint32_t seconds, mseconds, useconds, nseconds, absolute;
  uint32_t two_at_once;  // refused by the subject, as two units are canonically
};
struct Numbers {
  const FilterPair* filters;  // the filters that both have, ended by {0, 0}
  TimerUnits units;
};

constexpr FilterPair kNetbsdFilters[] = {{filter::kRead, 0},
                                         {filter::kWrite, 1},
                                         {filter::kAio, 2},
                                         {filter::kVnode, 3},
                                         {filter::kProc, 4},
                                         {filter::kSignal, 5},
                                         {filter::kTimer, 6},
                                         {filter::kFs, 7},
                                         {filter::kUser, 8},
                                         {filter::kEmpty, 9},
                                         {0, 0}};
constexpr FilterPair kOpenbsdFilters[] = {
    {filter::kRead, -1},  {filter::kWrite, -2}, {filter::kAio, -3},
    {filter::kVnode, -4}, {filter::kProc, -5},  {filter::kSignal, -6},
    {filter::kTimer, -7}, {filter::kUser, -10}, {0, 0}};
constexpr FilterPair kDragonflyFilters[] = {{filter::kRead, -1},  {filter::kWrite, -2},
                                            {filter::kAio, -3},   {filter::kVnode, -4},
                                            {filter::kProc, -5},  {filter::kSignal, -6},
                                            {filter::kTimer, -7}, {filter::kUser, -9},
                                            {filter::kFs, -10},   {0, 0}};
constexpr FilterPair kMacosFilters[] = {{filter::kRead, -1},  {filter::kWrite, -2},
                                        {filter::kAio, -3},   {filter::kVnode, -4},
                                        {filter::kProc, -5},  {filter::kSignal, -6},
                                        {filter::kTimer, -7}, {filter::kFs, -9},
                                        {filter::kUser, -10}, {0, 0}};

// Its struct is FreeBSD 11's, its timer units are macOS's. EMPTY and SENDFILE it does not know;
// PROCDESC, LIO and -12 have other meanings there.
constexpr FilterPair kLibkqueueFilters[] = {{filter::kRead, -1},  {filter::kWrite, -2},
                                            {filter::kAio, -3},   {filter::kVnode, -4},
                                            {filter::kProc, -5},  {filter::kSignal, -6},
                                            {filter::kTimer, -7}, {filter::kFs, -9},
                                            {filter::kUser, -11}, {0, 0}};

constexpr uint32_t kAllUnits = note::kSeconds | note::kMseconds | note::kUseconds | note::kNseconds;
// Where units are an enumeration, two of them could make a valid third: an unknown bit instead.
constexpr uint32_t kNoSuchUnit = 0x8000;

constexpr Numbers kNetbsdNumbers = {kNetbsdFilters, {1, 0, 2, 3, 0x10, kNoSuchUnit}};
constexpr Numbers kOpenbsdNumbers = {kOpenbsdFilters, {1, 0, 2, 3, 0x10, kNoSuchUnit}};
// DragonFly's timers know milliseconds only and ignore fflags.
constexpr Numbers kDragonflyNumbers = {kDragonflyFilters, {1, 0, 2, 3, 0x10, kNoSuchUnit}};
constexpr Numbers kMacosNumbers = {kMacosFilters, {1, 0, 2, 4, 0x08, 1 | 2}};
constexpr Numbers kLibkqueueNumbers = {kLibkqueueFilters, {1, 0, 2, 4, 0x08, 1 | 2}};

const Numbers* numbers_of(Layout layout) {
  switch (layout) {
    case Layout::kNetbsd:
    case Layout::kNetbsdExt:
      return &kNetbsdNumbers;
    case Layout::kOpenbsd:
      return &kOpenbsdNumbers;
    case Layout::kDragonfly:
      return &kDragonflyNumbers;
    case Layout::kMacos:
      return &kMacosNumbers;
    case Layout::kLibkqueue:
      return &kLibkqueueNumbers;
    case Layout::kFreebsd11:
    case Layout::kFreebsd12:
      break;
  }
  return nullptr;  // FreeBSD's own: canonical
}

bool counts_from_zero(const Numbers& numbers) { return numbers.filters == kNetbsdFilters; }

// Numbers without a counterpart, one to one where they would otherwise mean something:
// NetBSD's table is 0..9, so a positive number is moved above every table, and a negative one is
// already huge when taken as unsigned. The others' tables lie within -1..-32; those 32 numbers are
// mirrored to the far end of int16_t, where no table reaches.
constexpr int32_t kMovedUp = 0x10000;
constexpr int16_t kTableEnd = -32;

int32_t native_filter(const Numbers& numbers, int16_t canonical) {
  for (const FilterPair* pair = numbers.filters; pair->canonical != 0; ++pair) {
    if (pair->canonical == canonical) return pair->native;
  }
  if (canonical == 0) return 0;
  if (counts_from_zero(numbers)) return canonical > 0 ? canonical + kMovedUp : canonical;
  return canonical < 0 && canonical >= kTableEnd ? INT16_MIN - canonical : canonical;
}

int16_t canonical_filter(const Numbers& numbers, int32_t native) {
  for (const FilterPair* pair = numbers.filters; pair->canonical != 0; ++pair) {
    if (pair->native == native) return pair->canonical;
  }
  if (counts_from_zero(numbers)) {
    return static_cast<int16_t>(native > kMovedUp ? native - kMovedUp : native);
  }
  const bool mirrored = native > INT16_MIN && native <= INT16_MIN - kTableEnd;
  return static_cast<int16_t>(mirrored ? INT16_MIN - native : native);
}

uint32_t native_timer_fflags(const TimerUnits& units, uint32_t canonical) {
  uint32_t native = canonical & ~(kAllUnits | note::kAbstime);
  switch (canonical & kAllUnits) {
    case 0:
    case note::kMseconds:
      native |= units.mseconds;
      break;
    case note::kSeconds:
      native |= units.seconds;
      break;
    case note::kUseconds:
      native |= units.useconds;
      break;
    case note::kNseconds:
      native |= units.nseconds;
      break;
    default:
      native |= units.two_at_once;
  }
  return canonical & note::kAbstime ? native | units.absolute : native;
}

// Milliseconds come back as "no unit", which means the same; so do two units at once, which occur
// in the entry of a refused change only.
uint32_t canonical_timer_fflags(const TimerUnits& units, uint32_t native) {
  const uint32_t all = units.seconds | units.useconds | units.nseconds;
  uint32_t canonical = native & ~(all | units.absolute);
  const uint32_t unit = native & all;
  if (unit == units.nseconds) {
    canonical |= note::kNseconds;
  } else if (unit == units.useconds) {
    canonical |= note::kUseconds;
  } else if (unit == units.seconds) {
    canonical |= note::kSeconds;
  }
  return native & units.absolute ? canonical | note::kAbstime : canonical;
}

template <typename Native>
void write_native(const Numbers* numbers, const Kevent& from, void* to) {
  Native native{};
  using Filter = decltype(native.filter);
  uint32_t fflags = from.fflags;
  int32_t number = from.filter;
  if (numbers != nullptr) {
    number = native_filter(*numbers, from.filter);
    if (from.filter == filter::kTimer) fflags = native_timer_fflags(numbers->units, fflags);
  }
  native.ident = from.ident;
  native.filter = static_cast<Filter>(number);
  native.flags = from.flags;
  native.fflags = fflags;
  native.data = from.data;
  native.udata = from.udata;
  std::memcpy(to, &native, sizeof native);
}

template <typename Native>
void read_native(const Numbers* numbers, const void* from, Kevent* to) {
  Native native;
  std::memcpy(&native, from, sizeof native);
  Kevent result{};
  result.ident = native.ident;
  result.filter = static_cast<int16_t>(native.filter);
  result.flags = static_cast<uint16_t>(native.flags);
  result.fflags = native.fflags;
  result.data = static_cast<intptr_t>(native.data);
  result.udata = native.udata;
  if (numbers != nullptr) {
    result.filter = canonical_filter(*numbers, static_cast<int32_t>(native.filter));
    if (result.filter == filter::kTimer) {
      result.fflags = canonical_timer_fflags(numbers->units, native.fflags);
    }
  }
  *to = result;
}

struct Named {
  const char* name;
  Layout layout;
  const char* profile;
};
// A stranger's object with the canonical layout is judged as strictly as our own: leniency is asked
// for by name (KQ_PROFILE or kqtorture_profile), never assumed.
constexpr Named kLayouts[] = {
    {"freebsd11", Layout::kFreebsd11, "strict-2006"},
    {"freebsd12", Layout::kFreebsd12, "freebsd"},
    {"netbsd", Layout::kNetbsd, "netbsd"},
    {"netbsd-ext", Layout::kNetbsdExt, "netbsd"},
    {"openbsd", Layout::kOpenbsd, "openbsd"},
    {"dragonfly", Layout::kDragonfly, "dragonfly"},
    {"macos", Layout::kMacos, "macos"},
    {"libkqueue", Layout::kLibkqueue, "libkqueue"},
};

const Named& entry(Layout layout) {
  for (const Named& named : kLayouts) {
    if (named.layout == layout) return named;
  }
  return kLayouts[0];
}

}  // namespace

std::optional<Layout> layout_named(std::string_view name) {
  for (const Named& named : kLayouts) {
    if (named.name == name) return named.layout;
  }
  return std::nullopt;
}

const char* layout_name(Layout layout) { return entry(layout).name; }

std::string layout_names() {
  std::string names;
  for (const Named& named : kLayouts)
    names += (names.empty() ? "" : ", ") + std::string(named.name);
  return names;
}

const char* default_profile(Layout layout) { return entry(layout).profile; }

void to_native(Layout layout, const Kevent& canonical, void* native) {
  const Numbers* numbers = numbers_of(layout);
  switch (layout) {
    case Layout::kFreebsd12:
      return write_native<Freebsd12Kevent>(numbers, canonical, native);
    case Layout::kNetbsd:
      return write_native<NetbsdKevent>(numbers, canonical, native);
    case Layout::kNetbsdExt:
      return write_native<NetbsdExtKevent>(numbers, canonical, native);
    default:
      return write_native<Kevent>(numbers, canonical, native);
  }
}

void to_canonical(Layout layout, const void* native, Kevent* canonical) {
  const Numbers* numbers = numbers_of(layout);
  switch (layout) {
    case Layout::kFreebsd12:
      return read_native<Freebsd12Kevent>(numbers, native, canonical);
    case Layout::kNetbsd:
      return read_native<NetbsdKevent>(numbers, native, canonical);
    case Layout::kNetbsdExt:
      return read_native<NetbsdExtKevent>(numbers, native, canonical);
    default:
      return read_native<Kevent>(numbers, native, canonical);
  }
}

}  // namespace kqtorture
