// Translation between the canonical kevent and every layout: nothing is lost, and what means
// nothing canonically never becomes something that means something to the subject.
#include "subject/layout.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>
#include <vector>

namespace kqtorture {
namespace {

constexpr Layout kAll[] = {Layout::kFreebsd11, Layout::kFreebsd12, Layout::kNetbsd,
                           Layout::kNetbsdExt, Layout::kOpenbsd,   Layout::kDragonfly,
                           Layout::kMacos,     Layout::kLibkqueue};

std::vector<unsigned char> native_of(Layout layout, const Kevent& event) {
  std::vector<unsigned char> bytes(native_size(layout));
  to_native(layout, event, bytes.data());
  return bytes;
}

Kevent there_and_back(Layout layout, const Kevent& event) {
  Kevent result{};
  to_canonical(layout, native_of(layout, event).data(), &result);
  return result;
}

template <typename T>
T field(const std::vector<unsigned char>& bytes, size_t offset) {
  T value;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

int32_t native_filter(Layout layout, int16_t canonical) {
  const auto bytes = native_of(layout, {1, canonical, 0, 0, 0, nullptr});
  const bool wide = layout == Layout::kNetbsd || layout == Layout::kNetbsdExt;
  return wide ? field<int32_t>(bytes, 8) : field<int16_t>(bytes, 8);
}

TEST(LayoutNames, AreFoundAndPrinted) {
  for (const Layout layout : kAll) EXPECT_EQ(layout_named(layout_name(layout)), layout);
  EXPECT_EQ(layout_named("libkqueue"), Layout::kLibkqueue);
  EXPECT_EQ(layout_named("amiga"), std::nullopt);
  EXPECT_EQ(layout_named(""), std::nullopt);
  EXPECT_EQ(layout_named("netbsd "), std::nullopt);
}

TEST(LayoutSizes, AreThePlatforms) {
  if (sizeof(void*) != 8) GTEST_SKIP() << "sizes of LP64";
  EXPECT_EQ(native_size(Layout::kFreebsd11), 32u);
  EXPECT_EQ(native_size(Layout::kFreebsd12), 64u);
  EXPECT_EQ(native_size(Layout::kLibkqueue), 32u);
  EXPECT_EQ(native_size(Layout::kNetbsd), 40u);
  EXPECT_EQ(native_size(Layout::kNetbsdExt), 72u);
}

TEST(Layout, Freebsd12HasTheFieldsWhereFreebsd12HasThem) {
  int there;
  const auto bytes = native_of(Layout::kFreebsd12, {7, -11, 0x8021, 0x01000003, -5, &there});
  EXPECT_EQ(field<uint64_t>(bytes, 0), 7u);
  EXPECT_EQ(field<int16_t>(bytes, 8), -11);
  EXPECT_EQ(field<uint16_t>(bytes, 10), 0x8021);
  EXPECT_EQ(field<uint32_t>(bytes, 12), 0x01000003u);
  EXPECT_EQ(field<int64_t>(bytes, 16), -5);
  EXPECT_EQ(field<void*>(bytes, 24), &there);
  for (size_t i = 32; i < 64; i += 8) EXPECT_EQ(field<uint64_t>(bytes, i), 0u);
}

TEST(Layout, NetbsdHasTheFieldsWhereNetbsdHasThem) {
  int there;
  const auto bytes = native_of(Layout::kNetbsd, {7, filter::kUser, 0x8021, 0x01000003, -5, &there});
  EXPECT_EQ(field<uint64_t>(bytes, 0), 7u);
  EXPECT_EQ(field<uint32_t>(bytes, 8), 8u);
  EXPECT_EQ(field<uint32_t>(bytes, 12), 0x8021u);
  EXPECT_EQ(field<uint32_t>(bytes, 16), 0x01000003u);
  EXPECT_EQ(field<int64_t>(bytes, 24), -5);
  EXPECT_EQ(field<void*>(bytes, 32), &there);
}

TEST(Layout, FilterNumbersArePlatformsOwn) {
  EXPECT_EQ(native_filter(Layout::kNetbsd, filter::kRead), 0);
  EXPECT_EQ(native_filter(Layout::kNetbsd, filter::kWrite), 1);
  EXPECT_EQ(native_filter(Layout::kNetbsd, filter::kTimer), 6);
  EXPECT_EQ(native_filter(Layout::kNetbsd, filter::kFs), 7);
  EXPECT_EQ(native_filter(Layout::kNetbsd, filter::kEmpty), 9);
  EXPECT_EQ(native_filter(Layout::kOpenbsd, filter::kUser), -10);
  EXPECT_EQ(native_filter(Layout::kMacos, filter::kUser), -10);
  EXPECT_EQ(native_filter(Layout::kDragonfly, filter::kUser), -9);
  EXPECT_EQ(native_filter(Layout::kFreebsd12, filter::kUser), -11);
}

TEST(Layout, EveryFieldComesBackForEveryFilter) {
  int there;
  for (const Layout layout : kAll) {
    for (int number = filter::kEmpty; number < 0; ++number) {
      const Kevent event{UINTPTR_MAX, static_cast<int16_t>(number), 0xFFFF, 0, INTPTR_MIN, &there};
      const Kevent back = there_and_back(layout, event);
      EXPECT_EQ(back.ident, event.ident);
      EXPECT_EQ(back.filter, event.filter) << layout_name(layout);
      EXPECT_EQ(back.flags, event.flags);
      EXPECT_EQ(back.data, event.data);
      EXPECT_EQ(back.udata, event.udata);
    }
  }
}

// The numbers that each platform's kernel knows; see the platforms' <sys/event.h>.
std::set<int32_t> known_to(Layout layout) {
  if (layout == Layout::kNetbsd) return {0, 1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::set<int32_t> known;
  for (int32_t number = -20; number < 0; ++number) known.insert(number);
  return known;
}

TEST(Layout, NumberWithoutMeaningNeverGetsOne) {
  const std::set<int> canonical = {-1, -2, -3, -4, -5, -6, -7, -8, -9, -10, -11, -12, -13};
  for (const Layout layout : {Layout::kNetbsd, Layout::kOpenbsd, Layout::kDragonfly, Layout::kMacos,
                              Layout::kLibkqueue}) {
    const std::set<int32_t> known = known_to(layout);
    for (int number = INT16_MIN; number <= INT16_MAX; ++number) {
      if (canonical.count(number) != 0 || number == 0) continue;
      const int32_t native = native_filter(layout, static_cast<int16_t>(number));
      ASSERT_EQ(known.count(native), 0u)
          << layout_name(layout) << " makes " << number << " " << native;
    }
  }
}

TEST(Layout, FilterThatThePlatformLacksStaysUnknown) {
  for (const int16_t number : {filter::kProcdesc, filter::kLio, filter::kSendfile}) {
    for (const Layout layout : {Layout::kNetbsd, Layout::kOpenbsd, Layout::kDragonfly,
                                Layout::kMacos, Layout::kLibkqueue}) {
      EXPECT_EQ(known_to(layout).count(native_filter(layout, number)), 0u)
          << layout_name(layout) << " " << number;
    }
  }
}

TEST(Layout, RefusedNumberComesBackAsItWasGiven) {
  for (const Layout layout : {Layout::kNetbsd, Layout::kOpenbsd, Layout::kDragonfly, Layout::kMacos,
                              Layout::kLibkqueue}) {
    for (const int number : {-14, -15, -32, -33, -100, -1000, 1, 2, 9, 100, 32767}) {
      const Kevent event{3, static_cast<int16_t>(number), 0, 0, 0, nullptr};
      EXPECT_EQ(there_and_back(layout, event).filter, number) << layout_name(layout);
    }
  }
}

TEST(Layout, FilterZeroIsHandedThrough) {
  for (const Layout layout : kAll) EXPECT_EQ(native_filter(layout, 0), 0) << layout_name(layout);
}

uint32_t native_units(Layout layout, uint32_t fflags) {
  const auto bytes = native_of(layout, {1, filter::kTimer, 0, fflags, 0, nullptr});
  return field<uint32_t>(bytes, layout == Layout::kNetbsd ? 16 : 12);
}

TEST(Layout, TimerUnitsArePlatformsOwn) {
  EXPECT_EQ(native_units(Layout::kFreebsd12, note::kUseconds), 4u);
  EXPECT_EQ(native_units(Layout::kNetbsd, note::kSeconds), 1u);
  EXPECT_EQ(native_units(Layout::kNetbsd, note::kMseconds), 0u);
  EXPECT_EQ(native_units(Layout::kNetbsd, note::kUseconds), 2u);
  EXPECT_EQ(native_units(Layout::kNetbsd, note::kNseconds), 3u);
  EXPECT_EQ(native_units(Layout::kMacos, note::kNseconds), 4u);
  EXPECT_EQ(native_units(Layout::kLibkqueue, note::kUseconds), 2u);
  EXPECT_EQ(native_units(Layout::kLibkqueue, note::kNseconds | note::kAbstime), 4u | 8u);
  EXPECT_EQ(native_units(Layout::kMacos, note::kNseconds | note::kAbstime), 4u | 8u);
  EXPECT_EQ(native_units(Layout::kNetbsd, note::kNseconds | note::kAbstime), 3u | 0x10u);
}

TEST(Layout, TwoTimerUnitsNeverBecomeAValidThird) {
  for (uint32_t units = 1; units < 16; ++units) {
    if ((units & (units - 1)) == 0) continue;
    for (const Layout layout : {Layout::kNetbsd, Layout::kOpenbsd}) {
      EXPECT_GT(native_units(layout, units), 0x10u) << units;
    }
    EXPECT_EQ(native_units(Layout::kMacos, units), 3u);
    EXPECT_EQ(native_units(Layout::kLibkqueue, units), 3u);
  }
}

TEST(Layout, TimerUnitsComeBack) {
  for (const Layout layout : kAll) {
    for (const uint32_t unit : {0u, note::kSeconds, note::kUseconds, note::kNseconds}) {
      for (const uint32_t absolute : {0u, note::kAbstime}) {
        const Kevent event{1, filter::kTimer, 0, unit | absolute, 0, nullptr};
        EXPECT_EQ(there_and_back(layout, event).fflags, unit | absolute) << layout_name(layout);
      }
    }
  }
}

TEST(Layout, OtherFiltersKeepTheirFflags) {
  for (const Layout layout : kAll) {
    const Kevent event{1, filter::kUser, 0, 0xFFFFFFFF, 0, nullptr};
    EXPECT_EQ(there_and_back(layout, event).fflags, 0xFFFFFFFFu) << layout_name(layout);
  }
}

}  // namespace
}  // namespace kqtorture
