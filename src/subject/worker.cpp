// The worker's side: what it tells its supervisor. Without a supervisor the page is private memory,
// so that code which reports progress need not care where it runs.
#include "subject/worker.h"

#include "report/finding.h"
#include "subject/shared_page.h"

namespace kqtorture {
namespace {

SharedPage private_page;
SharedPage* page = &private_page;

}  // namespace

void use_shared_page(SharedPage* shared) {
  page = shared;
  observe_saved_findings([] { page->findings.fetch_add(1, std::memory_order_relaxed); });
}

void announce_exit(int code) {
  page->announced.store(SharedPage::kAnnounced | static_cast<uint8_t>(code),
                        std::memory_order_relaxed);
}

// Not an atomic increment: a locked instruction would order the threads that report progress. A
// step lost between two threads does not matter; only that the number moves.
void note_progress() {
  page->progress.store(page->progress.load(std::memory_order_relaxed) + 1,
                       std::memory_order_relaxed);
}

void note_seed(uint64_t seed) {
  page->seed.store(seed, std::memory_order_relaxed);
  page->has_seed.store(true, std::memory_order_relaxed);
}

void note_activity(const char* what) {
  int i = 0;
  for (; i < SharedPage::kActivityBytes && what[i] != '\0'; ++i) {
    page->activity[i].store(what[i], std::memory_order_relaxed);
  }
  page->activity[i].store('\0', std::memory_order_relaxed);
}

}  // namespace kqtorture
