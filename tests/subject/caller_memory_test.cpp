// Memory that is not there is told from memory that is, to the byte, and without a fault.
#include "subject/caller_memory.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>
#include <vector>

namespace kqtorture {
namespace {

size_t page() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }

// Three pages, of which the middle one cannot be read and the last one not be written.
class Pages {
 public:
  Pages()
      : base_(static_cast<char*>(
            mmap(nullptr, 3 * page(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANON, -1, 0))) {
    std::memset(base_, 'a', 3 * page());
    mprotect(base_ + page(), page(), PROT_NONE);
    mprotect(base_ + 2 * page(), page(), PROT_READ);
  }
  ~Pages() { munmap(base_, 3 * page()); }
  char* first() const { return base_; }
  char* hole() const { return base_ + page(); }
  char* read_only() const { return base_ + 2 * page(); }

 private:
  char* base_;
};

TEST(CallerMemory, ReadsExactlyUpToTheHole) {
  const Pages pages;
  std::vector<char> copy(2 * page());
  for (const size_t before : {size_t{0}, size_t{1}, size_t{63}, page()}) {
    EXPECT_EQ(copy_from_caller(copy.data(), pages.hole() - before, before + 100), before);
    EXPECT_EQ(copy_from_caller(copy.data(), pages.hole() - before, before), before);
    EXPECT_EQ(readable_bytes(pages.hole() - before, before + 100), before);
    EXPECT_EQ(readable_bytes(pages.hole() - before, before), before);
  }
}

TEST(CallerMemory, ReadsNothingFromNowhere) {
  char copy[8];
  EXPECT_EQ(copy_from_caller(copy, nullptr, 8), 0u);
  EXPECT_EQ(copy_from_caller(copy, reinterpret_cast<void*>(16), 8), 0u);
  EXPECT_EQ(copy_from_caller(copy, reinterpret_cast<void*>(UINTPTR_MAX - 7), 8), 0u);
  EXPECT_EQ(readable_bytes(nullptr, 8), 0u);
}

TEST(CallerMemory, WritesExactlyUpToTheHole) {
  const Pages pages;
  const std::vector<char> text(200, 'b');
  EXPECT_EQ(copy_to_caller(pages.hole() - 10, text.data(), 200), 10u);
  EXPECT_EQ(std::string(pages.hole() - 11, 11), "a" + std::string(10, 'b'));
  EXPECT_EQ(copy_to_caller(nullptr, text.data(), 200), 0u);
}

TEST(CallerMemory, ReadOnlyMemoryIsReadableAndNotWritable) {
  const Pages pages;
  EXPECT_EQ(readable_bytes(pages.read_only(), page()), page());
  EXPECT_EQ(copy_to_caller(pages.read_only(), "x", 1), 0u);
  EXPECT_EQ(*pages.read_only(), 'a');
}

TEST(CallerMemory, LongRangesAreCopiedWhole) {
  std::vector<char> from(size_t{1} << 20), to(size_t{1} << 20);
  for (size_t i = 0; i < from.size(); ++i) from[i] = static_cast<char>(i * 31 >> 4);
  EXPECT_EQ(copy_from_caller(to.data(), from.data(), from.size()), from.size());
  EXPECT_EQ(from, to);
  EXPECT_EQ(readable_bytes(from.data(), from.size()), from.size());
}

TEST(GuardedMemory, EndsWhereItSays) {
  for (const size_t size : {size_t{0}, size_t{1}, size_t{40}, size_t{5000}}) {
    const GuardedMemory memory(size);
    ASSERT_NE(memory.data(), nullptr);
    EXPECT_EQ(readable_bytes(memory.data(), size + 1), size);
  }
}

}  // namespace
}  // namespace kqtorture
