#include "process.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace kqtorture::bench {
namespace {

// The idle question's 10^6 with what is active beside them.
constexpr rlim_t kUseful = 1'000'000 + 2 * kReservedDescriptors;

}  // namespace

void raise_descriptor_limit() {
  rlimit limit;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  // Only a privileged process may lift the hard limit; the kernel may still say no to a number.
  for (const rlim_t wanted : {kUseful, kUseful / 10 * 5, kUseful / 10 * 2}) {
    const rlimit raised{wanted, std::max(limit.rlim_max, wanted)};
    if (limit.rlim_cur >= wanted || setrlimit(RLIMIT_NOFILE, &raised) == 0) return;
  }
  limit.rlim_cur = std::min(limit.rlim_max, kUseful);
  setrlimit(RLIMIT_NOFILE, &limit);
}

long descriptor_limit() {
  rlimit limit;
  return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? static_cast<long>(limit.rlim_cur) : 0;
}

long heap_in_use() {
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 33)
  const struct mallinfo2 info = mallinfo2();
  return static_cast<long>(info.uordblks + info.hblkhd);
#else
  return -1;
#endif
}

long private_memory() {
  std::FILE* file = std::fopen("/proc/self/smaps_rollup", "re");
  if (file == nullptr) return -1;
  long kilobytes = -1;
  char line[256];
  while (kilobytes < 0 && std::fgets(line, sizeof line, file) != nullptr) {
    if (std::sscanf(line, "Anonymous: %ld kB", &kilobytes) != 1) kilobytes = -1;
  }
  std::fclose(file);
  return kilobytes < 0 ? -1 : kilobytes * 1024;
}

int open_descriptors() {
  DIR* directory = opendir("/proc/self/fd");
  if (directory == nullptr) return -1;
  int count = -1;  // the directory's own
  while (const dirent* entry = readdir(directory)) count += entry->d_name[0] != '.';
  closedir(directory);
  return count;
}

long sleeps_of_this_thread() {
#ifdef RUSAGE_THREAD
  rusage usage;
  if (getrusage(RUSAGE_THREAD, &usage) == 0) return usage.ru_nvcsw;
#endif
  return -1;
}

}  // namespace kqtorture::bench
