// How does a subject's struct kevent differ from the canonical one?
//
// Size and order of the fields differ (FreeBSD 12 has ext[4], NetBSD wider filter and flags), and
// so do the numbers: NetBSD counts its filters from zero, USER and FS have four different numbers,
// and the units of a timer three encodings. All of it is translated here and nowhere else, in both
// directions, and on every host alike, so that it can be tested where it cannot occur.
//
// What has no counterpart must stay wrong: a filter number that means nothing canonically is never
// translated into one that means something to the subject. The exception is filter 0, which is
// handed through: what 0 does is a platform property that the suite looks at.
#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "subject/subject.h"

namespace kqtorture {

// The names that kqtorture_layout and KQ_LAYOUT use: freebsd11, freebsd12, netbsd, netbsd-ext,
// openbsd, dragonfly, macos, libkqueue.
std::optional<Layout> layout_named(std::string_view name);
const char* layout_name(Layout layout);
// All names, for messages: "freebsd11, freebsd12, ...".
std::string layout_names();

// The profile that a subject of this layout is judged by when nothing else says so.
const char* default_profile(Layout layout);

// True when the subject's struct kevent is Kevent, bit for bit.
constexpr bool is_canonical(Layout layout) { return layout == Layout::kFreebsd11; }

// The size of the subject's struct kevent in bytes. All layouts are aligned like pointers.
constexpr size_t native_size(Layout layout) {
  switch (layout) {
    case Layout::kFreebsd12:
      return sizeof(void*) == 8 ? 64 : 56;
    case Layout::kNetbsd:
      return sizeof(void*) == 8 ? 40 : 28;
    case Layout::kNetbsdExt:
      return sizeof(void*) == 8 ? 72 : 64;
    default:
      return sizeof(Kevent);
  }
}
inline constexpr size_t kLargestNative = 72;

// native points to native_size(layout) bytes; it need not be aligned.
void to_native(Layout layout, const Kevent& canonical, void* native);
void to_canonical(Layout layout, const void* native, Kevent* canonical);

}  // namespace kqtorture
