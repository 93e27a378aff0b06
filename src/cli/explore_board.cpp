// A file without a name, mapped by everybody: pages that nobody touches cost nothing, so the tables
// are as large as the largest campaign needs.
#include "cli/explore_board.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace kqtorture {
namespace {

constexpr uint64_t kBoardMagic = 0x6b716578706c6f72;  // "kqexplor"
// Interleavings that can be told apart, of all programs together: 8 bytes each. Half of it is used
// before it counts as full, so that a look-up stays short.
constexpr size_t kTable = size_t{1} << 23;

uint64_t steady_ns() {
  return static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(
                                   std::chrono::steady_clock::now().time_since_epoch())
                                   .count());
}

constexpr size_t rounded(size_t bytes) { return (bytes + 4095) / 4096 * 4096; }

}  // namespace

struct ExploreBoard::Head {
  uint64_t magic;
  uint64_t began;
  std::atomic<uint64_t> used;  // of the table
};

size_t ExploreBoard::bytes(size_t programs, size_t jobs) {
  return rounded(sizeof(Head)) + rounded(programs * sizeof(Tally)) + rounded(jobs * sizeof(Lane)) +
         kTable * sizeof(std::atomic<uint64_t>);
}

ExploreBoard::ExploreBoard(int fd, void* memory, size_t programs, size_t jobs)
    : fd_(fd), memory_(memory), program_count_(programs), job_count_(jobs) {
  auto* at = static_cast<unsigned char*>(memory);
  head_ = reinterpret_cast<Head*>(at);
  at += rounded(sizeof(Head));
  programs_ = reinterpret_cast<Tally*>(at);
  at += rounded(programs * sizeof(Tally));
  lanes_ = reinterpret_cast<Lane*>(at);
  at += rounded(jobs * sizeof(Lane));
  table_ = reinterpret_cast<std::atomic<uint64_t>*>(at);
}

ExploreBoard::~ExploreBoard() {
  munmap(memory_, bytes(program_count_, job_count_));
  if (fd_ >= 0) close(fd_);
}

std::unique_ptr<ExploreBoard> ExploreBoard::create(size_t programs, size_t jobs) {
  const size_t size = bytes(programs, jobs);
  const int fd = memfd_create("kqtorture-explore", 0);
  if (fd < 0) return nullptr;
  void* memory = MAP_FAILED;
  if (ftruncate(fd, static_cast<off_t>(size)) == 0) {
    memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  }
  if (memory == MAP_FAILED) {
    close(fd);
    return nullptr;
  }
  std::unique_ptr<ExploreBoard> board(new ExploreBoard(fd, memory, programs, jobs));
  board->head_->magic = kBoardMagic;
  board->head_->began = steady_ns();
  return board;
}

std::unique_ptr<ExploreBoard> ExploreBoard::inherited(size_t programs, size_t* lane) {
  const char* text = std::getenv(kVariable);
  unsigned fd = 0, number = 0, jobs = 0;
  if (text == nullptr || std::sscanf(text, "%u:%u:%u", &fd, &number, &jobs) != 3) return nullptr;
  if (jobs == 0 || jobs > kMostJobs || number >= jobs) return nullptr;
  const size_t size = bytes(programs, jobs);
  const int descriptor = static_cast<int>(fd);
  if (lseek(descriptor, 0, SEEK_END) != static_cast<off_t>(size)) return nullptr;
  void* memory = mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
  if (memory == MAP_FAILED) return nullptr;
  if (static_cast<Head*>(memory)->magic != kBoardMagic) {
    munmap(memory, size);
    return nullptr;
  }
  *lane = number;
  return std::unique_ptr<ExploreBoard>(new ExploreBoard(descriptor, memory, programs, jobs));
}

std::string ExploreBoard::variable(size_t lane) const {
  return std::to_string(fd_) + ":" + std::to_string(lane) + ":" + std::to_string(job_count_);
}

void ExploreBoard::met(size_t program, uint64_t interleaving) {
  uint64_t key = interleaving + program * 0x9e3779b97f4a7c15;
  key = (key ^ (key >> 30)) * 0xbf58476d1ce4e5b9;
  key ^= key >> 27;
  if (key == 0) key = 1;
  for (size_t at = key % kTable;; at = (at + 1) % kTable) {
    uint64_t there = table_[at].load(std::memory_order_relaxed);
    if (there == key) return;
    if (there != 0) continue;
    if (full()) return;
    if (table_[at].compare_exchange_strong(there, key, std::memory_order_relaxed)) break;
    if (there == key) return;
  }
  head_->used.fetch_add(1, std::memory_order_relaxed);
  programs_[program].distinct.fetch_add(1, std::memory_order_relaxed);
}

bool ExploreBoard::full() const { return head_->used.load(std::memory_order_relaxed) > kTable / 2; }

std::chrono::nanoseconds ExploreBoard::elapsed() const {
  return std::chrono::nanoseconds(steady_ns() - head_->began);
}

void raise_to(std::atomic<uint64_t>* most, uint64_t value) {
  uint64_t there = most->load(std::memory_order_relaxed);
  while (there < value && !most->compare_exchange_weak(there, value, std::memory_order_relaxed)) {
  }
}

}  // namespace kqtorture
