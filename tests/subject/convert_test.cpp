// A subject with another layout sees what the scenario did, in its own layout: the same counts, the
// same nulls, the same damage; and its answer comes back in canonical form.
#include "subject/convert.h"

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <string>
#include <vector>

#include "subject/caller_memory.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

// As in objects/recorder.c.
struct Record {
  const void *changes, *events, *timeout;
  intptr_t nchanges, nevents;
  int kq, calls;
  unsigned char change_bytes[8192];
  size_t copy_changes;
  unsigned char event_bytes[8192];
  size_t copy_events;
  int result, error;
};

class Convert : public ::testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const std::string path = std::string(KQT_OBJECTS) + "/recorder_" + GetParam() + ".so";
    std::string error;
    subject_ = Subject::open(path, &error);
    ASSERT_NE(subject_, nullptr) << error;
    handle_ = dlopen(path.c_str(), RTLD_NOW | RTLD_NOLOAD);
    ASSERT_NE(handle_, nullptr);
    record_ = static_cast<Record*>(dlsym(handle_, "record"));
    ASSERT_NE(record_, nullptr);
    *record_ = Record{};
  }
  void TearDown() override {
    if (handle_ != nullptr) dlclose(handle_);
  }

  Layout layout() const { return subject_->layout(); }
  size_t size() const { return native_size(layout()); }
  bool canonical() const { return is_canonical(layout()); }

  // What the subject will answer.
  void answer(const std::vector<Kevent>& events, int result) {
    for (size_t i = 0; i < events.size(); ++i) {
      to_native(layout(), events[i], record_->event_bytes + i * size());
    }
    record_->copy_events = events.size() * size();
    record_->result = result;
  }
  Kevent seen_change(size_t i) const {
    Kevent event{};
    to_canonical(layout(), record_->change_bytes + i * size(), &event);
    return event;
  }
  int call(const Kevent* changes, int nchanges, Kevent* events, int nevents) {
    errno = 0;
    return subject_->kevent(5, changes, nchanges, events, nevents, nullptr);
  }

  std::unique_ptr<Subject> subject_;
  void* handle_ = nullptr;
  Record* record_ = nullptr;
};

INSTANTIATE_TEST_SUITE_P(Layouts, Convert, ::testing::Values("freebsd11", "freebsd12", "netbsd"),
                         [](const auto& name) { return std::string(name.param); });

Kevent sample(uintptr_t i) {
  return {i,
          filter::kUser,
          flag::kAdd,
          static_cast<uint32_t>(i * 3),
          static_cast<intptr_t>(i) - 9,
          reinterpret_cast<void*>(i * 17)};
}

void expect_equal(const Kevent& a, const Kevent& b) {
  EXPECT_EQ(a.ident, b.ident);
  EXPECT_EQ(a.filter, b.filter);
  EXPECT_EQ(a.flags, b.flags);
  EXPECT_EQ(a.fflags, b.fflags);
  EXPECT_EQ(a.data, b.data);
  EXPECT_EQ(a.udata, b.udata);
}

TEST_P(Convert, ChangesArriveAndEventsComeBack) {
  const Kevent changes[] = {sample(1), sample(2), sample(3)};
  answer({sample(7), sample(8)}, 2);
  record_->copy_changes = 3 * size();
  Kevent events[4] = {};
  EXPECT_EQ(call(changes, 3, events, 4), 2);
  EXPECT_EQ(record_->kq, 5);
  EXPECT_EQ(record_->nchanges, 3);
  EXPECT_EQ(record_->nevents, 4);
  for (size_t i = 0; i < 3; ++i) expect_equal(seen_change(i), changes[i]);
  expect_equal(events[0], sample(7));
  expect_equal(events[1], sample(8));
  EXPECT_EQ(events[2].ident, 0u) << "what the subject did not return stays untouched";
}

TEST_P(Convert, LongListsArriveWhole) {
  std::vector<Kevent> changes, answers;
  for (uintptr_t i = 0; i < 100; ++i) {
    changes.push_back(sample(i));
    answers.push_back(sample(1000 + i));
  }
  answer(answers, 100);
  record_->copy_changes = 100 * size();
  std::vector<Kevent> events(120);
  EXPECT_EQ(call(changes.data(), 100, events.data(), 120), 100);
  for (size_t i = 0; i < 100; ++i) {
    expect_equal(seen_change(i), changes[i]);
    expect_equal(events[i], answers[i]);
  }
}

TEST_P(Convert, NullStaysNullWhateverTheCount) {
  for (const int count : {0, 1, 8, INT_MAX, -1}) {
    EXPECT_EQ(call(nullptr, count, nullptr, count), 0);
    EXPECT_EQ(record_->changes, nullptr);
    EXPECT_EQ(record_->events, nullptr);
    EXPECT_EQ(record_->nchanges, count);
    EXPECT_EQ(record_->nevents, count);
  }
}

TEST_P(Convert, CountsOfZeroAndLessPassAsTheyAre) {
  const Kevent change = sample(1);
  Kevent event{};
  for (const int count : {0, -1, -8, INT_MIN}) {
    EXPECT_EQ(call(&change, count, &event, count), 0);
    EXPECT_EQ(record_->nchanges, count);
    EXPECT_EQ(record_->nevents, count);
    EXPECT_EQ(record_->changes, &change);
    if (canonical() || count == 0) {
      EXPECT_EQ(record_->events, &event);
    }
  }
}

// FreeBSD 13 runs with a negative room as with one that never fills.
TEST_P(Convert, EventsComeBackIntoANegativeRoom) {
  for (const int room : {-1, INT_MIN}) {
    const GuardedMemory memory(3 * sizeof(Kevent));
    auto* events = static_cast<Kevent*>(memory.data());
    answer({sample(1), sample(2), sample(3)}, 3);
    EXPECT_EQ(call(nullptr, 0, events, room), 3);
    EXPECT_EQ(record_->nevents, room);
    for (uintptr_t i = 0; i < 3; ++i) expect_equal(events[i], sample(i + 1));
  }
}

TEST_P(Convert, TimeoutIsPassedOnUntouched) {
  const timespec bad{-1, 2000000000};
  subject_->kevent(5, nullptr, 0, nullptr, 0, &bad);
  EXPECT_EQ(record_->timeout, &bad);
  const auto* nowhere = reinterpret_cast<const timespec*>(16);
  subject_->kevent(5, nullptr, 0, nullptr, 0, nowhere);
  EXPECT_EQ(record_->timeout, nowhere);
}

TEST_P(Convert, ErrorsAndTheirErrnoComeBack) {
  record_->result = -1;
  record_->error = ENOENT;
  Kevent event{};
  EXPECT_EQ(call(nullptr, 0, &event, 1), -1);
  EXPECT_EQ(errno, ENOENT);
}

TEST_P(Convert, ListThatEndsInAHoleEndsInAHoleForTheSubject) {
  for (const size_t present : {size_t{0}, size_t{1}, size_t{5}}) {
    const GuardedMemory memory(present * sizeof(Kevent));
    auto* changes = static_cast<Kevent*>(memory.data());
    for (size_t i = 0; i < present; ++i) changes[i] = sample(i);
    record_->copy_changes = present * size();
    EXPECT_EQ(call(changes, 8, nullptr, 0), 0);
    EXPECT_EQ(record_->nchanges, 8);
    for (size_t i = 0; i < present; ++i) expect_equal(seen_change(i), changes[i]);
  }
}

// The subject asks how much of the lists it was given can be read.
size_t seen_readable = 0, seen_room = 0;
int probing_kevent(int, const void* changes, intptr_t, void* events, intptr_t, const timespec*) {
  seen_readable = readable_bytes(changes, 1 << 16);
  seen_room = readable_bytes(events, 1 << 16);
  return 0;
}

TEST(ConvertDamage, HolesAreWhereTheCallersListsHaveThem) {
  for (const Layout layout : {Layout::kFreebsd12, Layout::kNetbsd}) {
    for (const size_t present : {size_t{0}, size_t{1}, size_t{5}, size_t{70}}) {
      const GuardedMemory changes(present * sizeof(Kevent));
      const GuardedMemory events(present * sizeof(Kevent));
      EXPECT_EQ(
          converted_kevent(layout, probing_kevent, 0, static_cast<const Kevent*>(changes.data()),
                           100, static_cast<Kevent*>(events.data()), 100, nullptr),
          0);
      EXPECT_EQ(seen_readable, present * native_size(layout));
      EXPECT_EQ(seen_room, present * native_size(layout));
      seen_room = 0;
      EXPECT_EQ(converted_kevent(layout, probing_kevent, 0, nullptr, 0,
                                 static_cast<Kevent*>(events.data()), -1, nullptr),
                0);
      EXPECT_EQ(seen_room, present * native_size(layout)) << "a room without a limit";
    }
  }
}

TEST(ConvertDamage, WildPointersReachTheSubjectAsUnreadableOnes) {
  for (const uintptr_t address : {uintptr_t{1}, uintptr_t{16}, UINTPTR_MAX - 64}) {
    auto* wild = reinterpret_cast<Kevent*>(address);
    EXPECT_EQ(converted_kevent(Layout::kNetbsd, probing_kevent, 0, wild, 2, wild + 1, 2, nullptr),
              0);
    EXPECT_EQ(seen_readable, 0u);
    EXPECT_EQ(seen_room, 0u);
  }
}

TEST_P(Convert, HugeCountsNeedNoHugeMemory) {
  Kevent change = sample(1), event{};
  answer({sample(2)}, 1);
  EXPECT_EQ(call(&change, 1, &event, INT_MAX), 1);
  EXPECT_EQ(record_->nevents, INT_MAX);
  expect_equal(event, sample(2));
}

TEST_P(Convert, OneArrayForBothListsIsOneArrayForTheSubject) {
  Kevent both[3] = {sample(1), sample(2), sample(3)};
  answer({sample(9)}, 1);
  record_->copy_changes = 3 * size();
  EXPECT_EQ(call(both, 3, both, 2), 1);
  EXPECT_EQ(record_->changes, record_->events);
  for (uintptr_t i = 0; i < 3; ++i) expect_equal(seen_change(i), sample(i + 1));
  expect_equal(both[0], sample(9));
  expect_equal(both[1], sample(2));
}

TEST_P(Convert, EventListThatCannotBeWrittenIsEfault) {
  if (canonical()) GTEST_SKIP() << "the subject writes to the caller's list itself";
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  void* memory = mmap(nullptr, page, PROT_READ, MAP_PRIVATE | MAP_ANON, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  answer({sample(1)}, 1);
  EXPECT_EQ(call(nullptr, 0, static_cast<Kevent*>(memory), 1), -1);
  EXPECT_EQ(errno, EFAULT);
  munmap(memory, page);
}

TEST_P(Convert, MoreEntriesThanThereWasRoomForAreReportedAndNotRead) {
  answer({sample(1), sample(2)}, 2);
  record_->copy_events = 1 * size();
  record_->result = 1000;
  Kevent events[2] = {};
  EXPECT_EQ(call(nullptr, 0, events, 1), 1000);
  expect_equal(events[0], sample(1));
  EXPECT_EQ(events[1].ident, 0u);
}

TEST_P(Convert, CanonicalSubjectGetsTheCallersOwnPointers) {
  if (!canonical()) GTEST_SKIP() << "converted";
  Kevent change = sample(1), event{};
  call(&change, 1, &event, 1);
  EXPECT_EQ(record_->changes, &change);
  EXPECT_EQ(record_->events, &event);
}

}  // namespace
}  // namespace kqtorture
