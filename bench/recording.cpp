// What does it cost to leave a history (src/scenario/recorder.h)? The loops of a stress worker,
// recorded and not: trigger, take and enable a USER knote; a byte through a pipe that a level knote
// watches. "by:kqueue" is the call as it is, "by:recorded" the same through a recording thread.
#include <errno.h>
#include <fcntl.h>

#include <cstring>
#include <memory>

#include "bench.h"
#include "scenario/recorder.h"
#include "subject/worker.h"

namespace kqtorture::bench {
namespace {

// The calls of a RecordedThread, without the log.
struct Plain {
  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) {
    return subject().kevent(kq, changes, nchanges, events, nevents, timeout);
  }
  ssize_t read(int fd, void* buffer, size_t size) { return subject().read(fd, buffer, size); }
  ssize_t write(int fd, const void* buffer, size_t size) {
    return subject().write(fd, buffer, size);
  }
};

enum class Loop { kDispatch, kPipe };

struct Stage {
  explicit Stage(Loop which) : loop(which), kq(subject().kqueue()) {
    Kevent change{1, filter::kUser, flag::kAdd | flag::kDispatch, 0, 0, nullptr};
    made = kq >= 0 && subject().calls().pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0;
    if (loop == Loop::kPipe) {
      change = {static_cast<uintptr_t>(ends[0]), filter::kRead, flag::kAdd, 0, 0, nullptr};
    }
    made = made && subject().kevent(kq, &change, 1, nullptr, 0, nullptr) == 0;
  }
  ~Stage() {
    subject().close(kq);
    for (const int fd : ends) subject().close(fd);
  }

  template <typename Caller>
  bool step(Caller& self) {
    const timespec zero{0, 0};
    Kevent event{};
    char byte = 0;
    if (loop == Loop::kDispatch) {
      const Kevent change{1, filter::kUser, flag::kEnable, note::kTrigger, 0, nullptr};
      return self.kevent(kq, &change, 1, nullptr, 0, nullptr) == 0 &&
             self.kevent(kq, nullptr, 0, &event, 1, &zero) == 1;
    }
    return self.write(ends[1], &byte, 1) == 1 &&
           self.kevent(kq, nullptr, 0, &event, 1, &zero) == 1 && self.read(ends[0], &byte, 1) == 1;
  }

  const Loop loop;
  const int kq;
  int ends[2] = {-1, -1};
  bool made = false;
};

// A log of a moment: when it is full the thread would go on unrecorded, which is another cost.
constexpr size_t kLog = size_t{1} << 16;

void measure(benchmark::State& state, Loop loop, bool recorded) {
  Stage stage(loop);
  Recorder recorder(subject(), 1, {kLog, kLog});
  RecordedThread& recording = recorder.thread(0);
  Plain plain;
  bool right = stage.made;
  for (auto _ : state) {
    right = right && (recorded ? stage.step(recording) : stage.step(plain));
    if (recording.nearly_full()) {
      state.PauseTiming();
      recorder.reset();
      state.ResumeTiming();
    }
  }
  if (!right) wrong_answer(state, &subject(), "the event of a loop of one thread did not come");
  const auto steps = static_cast<uint64_t>(state.iterations());
  add_work(2 * steps, steps, steps);
  note_progress();
}

}  // namespace

void register_recording() {
  for (const Loop loop : {Loop::kDispatch, Loop::kPipe}) {
    const std::string name =
        std::string("recording/") + (loop == Loop::kDispatch ? "dispatch" : "pipe");
    for (const char* contender : {"kqueue", "kqueue.again", "recorded"}) {
      const bool recorded = std::strcmp(contender, "recorded") == 0;
      declare(by(name, contender),
              [=](benchmark::State& state) { measure(state, loop, recorded); });
    }
  }
}

}  // namespace kqtorture::bench
