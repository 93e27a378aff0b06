// Short lists (nearly all) live on the stack; long or damaged ones in guarded memory, so that the
// subject finds the end of the readable part exactly where the caller's list had it.
#include "subject/convert.h"

#include <algorithm>
#include <cerrno>
#include <optional>
#include <vector>

#include "subject/caller_memory.h"

namespace kqtorture {
namespace {

constexpr size_t kShort = 64;
// Entries of scratch at most: a count is often huge on purpose, with little memory behind it. Real
// lists are shorter; a longer one would see EFAULT after this many.
constexpr size_t kMaxEntries = size_t{1} << 20;

// Native entries for one list, of which the first `present` exist and the next one faults.
class NativeList {
 public:
  NativeList(Layout layout, size_t count) : layout_(layout), claimed_(count) {}

  // False when there is no memory.
  bool allocate(size_t present) {
    present_ = present;
    if (present == claimed_ && present <= kShort) {
      data_ = short_;
    } else {
      long_.emplace(present * native_size(layout_));
      data_ = static_cast<unsigned char*>(long_->data());
    }
    return data_ != nullptr;
  }

  size_t claimed() const { return claimed_; }
  size_t present() const { return present_; }
  void* data() const { return data_; }
  void* at(size_t i) const { return data_ + i * native_size(layout_); }

 private:
  Layout layout_;
  size_t claimed_;
  size_t present_ = 0;
  unsigned char* data_ = nullptr;
  alignas(8) unsigned char short_[kShort * kLargestNative];
  std::optional<GuardedMemory> long_;
};

size_t readable_entries(const Kevent* list, size_t count) {
  return readable_bytes(list, std::min(count, kMaxEntries) * sizeof(Kevent)) / sizeof(Kevent);
}

bool fill(Layout layout, const Kevent* changes, NativeList* list) {
  Kevent chunk[kShort];
  // The first chunk tells for short lists whether everything is there; long ones are probed first.
  const size_t readable =
      list->claimed() <= kShort
          ? copy_from_caller(chunk, changes, list->claimed() * sizeof(Kevent)) / sizeof(Kevent)
          : readable_entries(changes, list->claimed());
  if (!list->allocate(readable)) return false;
  for (size_t done = 0; done < readable;) {
    const size_t part = std::min(kShort, readable - done);
    if (list->claimed() > kShort) copy_from_caller(chunk, changes + done, part * sizeof(Kevent));
    for (size_t i = 0; i < part; ++i) to_native(layout, chunk[i], list->at(done + i));
    done += part;
  }
  return true;
}

bool hand_back(Layout layout, const NativeList& list, size_t count, Kevent* events) {
  Kevent chunk[kShort];
  for (size_t done = 0; done < count;) {
    const size_t part = std::min(kShort, count - done);
    for (size_t i = 0; i < part; ++i) to_canonical(layout, list.at(done + i), &chunk[i]);
    const size_t bytes = part * sizeof(Kevent);
    if (copy_to_caller(events + done, chunk, bytes) != bytes) return false;
    done += part;
  }
  return true;
}

}  // namespace

int converted_kevent(Layout layout, NativeKevent native, int kq, const Kevent* changes,
                     int nchanges, Kevent* events, int nevents, const timespec* timeout) {
  const bool has_changes = changes != nullptr && nchanges > 0;
  const bool has_events = events != nullptr && nevents != 0;
  const bool same = has_changes && has_events && changes == events;
  const size_t n = has_changes ? static_cast<size_t>(nchanges) : 0;
  // FreeBSD 13 and NetBSD take a negative count of events for a huge one.
  const size_t m = !has_events ? 0 : nevents < 0 ? kMaxEntries : static_cast<size_t>(nevents);

  NativeList in(layout, same ? std::max(n, m) : n);
  NativeList out(layout, m);
  const bool room = (!has_changes || fill(layout, changes, &in)) &&
                    (!has_events || same || out.allocate(readable_entries(events, m)));
  if (!room) {
    errno = ENOMEM;
    return -1;
  }
  const NativeList& results = same ? in : out;
  const void* change_list = has_changes ? in.data() : static_cast<const void*>(changes);
  void* event_list = has_events ? results.data() : static_cast<void*>(events);
  const int result = native(kq, change_list, nchanges, event_list, nevents, timeout);
  if (result <= 0 || !has_events) return result;
  const int saved = errno;
  // A subject that claims more entries than there was room for is for the oracle to judge.
  const size_t written = std::min({static_cast<size_t>(result), m, results.present()});
  if (!hand_back(layout, results, written, events)) {
    errno = EFAULT;
    return -1;
  }
  errno = saved;
  return result;
}

}  // namespace kqtorture
