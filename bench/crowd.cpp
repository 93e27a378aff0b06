#include "crowd.h"

#include <errno.h>

#include <algorithm>
#include <cstring>

#include "process.h"

#ifdef __linux__
#include <sys/eventfd.h>
#endif

namespace kqtorture::bench {

std::vector<int> idle_descriptors(int count) {
  static std::vector<int> all;
#ifdef __linux__
  const long most = std::min<long>(count, descriptor_limit() - kReservedDescriptors);
  while (static_cast<long>(all.size()) < most) {
    const int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (fd < 0) break;
    all.push_back(fd);
  }
#endif
  const auto have = static_cast<long>(all.size());
  return {all.begin(), all.begin() + std::min<long>(count, have)};
}

bool apply_in_portions(const Subject& subject, int kq, const std::vector<Kevent>& changes) {
  constexpr size_t kPortion = 1024;
  for (size_t i = 0; i < changes.size(); i += kPortion) {
    const int n = static_cast<int>(std::min(kPortion, changes.size() - i));
    if (subject.kevent(kq, &changes[i], n, nullptr, 0, nullptr) != 0) return false;
  }
  return true;
}

Crowd add_idle_knotes(const Subject& subject, int kq, int count) {
  Crowd crowd;
  // A subject with descriptors of its own has no use for the host's.
  const std::vector<int> idle =
      subject.has_own_descriptors() ? std::vector<int>{} : idle_descriptors(count);
  crowd.descriptors = static_cast<int>(idle.size());
  crowd.users = count - crowd.descriptors;
  std::vector<Kevent> changes;
  for (const int fd : idle) {
    changes.push_back({static_cast<uintptr_t>(fd), filter::kRead, flag::kAdd, 0, 0, nullptr});
  }
  for (int i = 0; i < crowd.users; ++i) {
    changes.push_back({static_cast<uintptr_t>(i), filter::kUser, flag::kAdd, 0, 0, nullptr});
  }
  if (!apply_in_portions(subject, kq, changes)) {
    crowd.error = std::string("an idle knote was refused: ") + std::strerror(errno);
  }
  return crowd;
}

}  // namespace kqtorture::bench
