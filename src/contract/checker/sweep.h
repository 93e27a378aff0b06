// One pass over all threads in the order of time.
//
// Begins and ends of calls are taken as they come; at equal times begins come first, because calls
// whose times touch overlap. A begin hands the call's points to the components they concern, an end
// asks the components to have placed them, then judges what concerns the call as a whole. The pass
// keeps nothing but the calls in flight.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "contract/checker/call_outcome.h"
#include "contract/checker/census.h"
#include "contract/checker/checker.h"

namespace kqtorture::contract::checking {

class Sweep {
 public:
  Sweep(const HistoryView& history, const Profile& profile, const Host& host,
        const CheckOptions& options);
  CheckReport run();

 private:
  // A call that has begun and not ended.
  struct Flight {
    OpRef ref;
    const HistoryOp* op = nullptr;
    const ThreadLog* log = nullptr;
    std::vector<std::pair<uint32_t, Component::Handle>> touched;
    uint64_t sequence = 0;     // of its begin
    uint64_t asleep = 0;       // the last quiescent probe during the call, 0: none
    int64_t kqueue = -1;       // kKevent: the identity, when there is one
    bool surely_open = false;  // and it was open throughout
    bool alone = false;        // no other call looked for events of the kqueue meanwhile
    bool never_open = false;   // the number was surely no kqueue any more
    bool scans = false;
    Fault fault;
  };
  struct Cursor {
    uint64_t time = 0;
    uint32_t thread = 0;
  };

  // Time.
  void step();
  void take_thread(Cursor cursor);
  void push(uint32_t thread);
  void begin(uint32_t thread);
  void end(size_t flight);

  // Begins, by kind of call.
  void begin_kevent(Flight* flight);
  void add_changes(Flight* flight, const Kqueues::Meaning& meaning, const CallOutcome& outcome,
                   bool optional);
  void add_deliveries(Flight* flight, const Kqueues::Meaning& meaning, const CallOutcome& outcome,
                      bool optional);
  void begin_object_call(Flight* flight);
  bool begin_close(Flight* flight);
  void begin_open(Flight* flight, Kind kind, int64_t first, int64_t second);
  void begin_transfer(Flight* flight);
  bool begin_straddling_transfer(Flight* flight);
  void begin_ring(Flight* flight, bool surely);
  void end_kqueue(Flight* flight);
  Point* add_point(Flight* flight, uint32_t component, PointKind kind);
  Point* add_number_point(Flight* flight, int64_t fd, PointKind kind);
  uint32_t knote_of(const Flight& flight, const Kqueues::Meaning& meaning, uint32_t event,
                    const Event& value) const;
  void seal(Flight* flight);
  void give_up(uint32_t component, Undecided reason);

  // Quiescence.
  uint64_t asleep_until(const HistoryOp& op) const;
  bool put_to_sleep(uint64_t time);
  void wake(uint64_t time);
  void judge_probe(const Flight& probe);
  void judge_quiet_poll(const Flight& poll);

  // Verdicts.
  void judge_call(Flight* flight);
  void judge_repetition(const Flight& flight);
  bool added_meanwhile(const Flight& flight, const Event& event) const;
  void stuck(const Flight& flight, uint32_t component, Component::Handle handle);
  // What the component has to say of the call. False: it is a verdict, and the end.
  bool goes_on(Component::Status status, const Flight& flight, uint32_t component,
               Component::Handle handle);
  void overdue(const Flight& flight, uint32_t component, uint32_t kqueue, bool waiters_slept);
  void accuse(const Flight& flight, Violation violation, uint32_t component);
  void fill_prefix(Violation* violation) const;

  const HistoryView& history_;
  const Profile& profile_;
  const Host& host_;
  const CheckOptions& options_;
  Census census_;
  CheckReport report_;
  Effort effort_;
  std::vector<Cursor> heap_;
  std::vector<uint32_t> next_;  // per thread, the next call to begin
  std::vector<Flight> flights_;
  std::vector<size_t> free_flights_, in_flight_, ending_;
  std::vector<uint32_t> flight_of_thread_;
  std::vector<uint64_t> touched_at_;  // per component, the sequence of its latest begin or end
  // And of the begin of the call that ended there, if no other call touched it in between; else 0.
  std::vector<uint64_t> alone_since_;
  std::vector<uint32_t> scanning_;    // per kqueue, the calls in flight that look for events
  std::vector<uint64_t> scanned_at_;  // and the sequence of the latest one's begin
  uint64_t sequence_ = 0;
  uint64_t judged_until_ = kUnreturned;  // a log ends here
  bool over_ = false;
  CallOutcome outcome_;
};

}  // namespace kqtorture::contract::checking
