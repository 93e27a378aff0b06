// Time: a heap of threads by their next event, and what happens at one instant.
#include "contract/checker/sweep.h"

#include <algorithm>

namespace kqtorture::contract::checking {
namespace {

// The smallest time on top.
constexpr auto kLater = [](const auto& a, const auto& b) { return a.time > b.time; };

}  // namespace

Sweep::Sweep(const HistoryView& history, const Profile& profile, const Host& host,
             const CheckOptions& options)
    : history_(history),
      profile_(profile),
      host_(host),
      options_(options),
      census_(history, profile, host),
      next_(history.threads.size(), 0),
      flight_of_thread_(history.threads.size(), 0),
      touched_at_(census_.components().size(), 0),
      alone_since_(census_.components().size(), 0) {
  for (const ThreadLog& log : history.threads) {
    judged_until_ = std::min(judged_until_, log.truncated);
    if (log.truncated != kUnreturned) {
      ++report_.undecided[static_cast<size_t>(Undecided::kTruncated)];
    }
  }
  const uint64_t unnamed = census_.unnamed_from();
  if (unnamed < judged_until_) {
    judged_until_ = unnamed;
    ++report_.undecided[static_cast<size_t>(Undecided::kTruncated)];
  }
  for (uint32_t t = 0; t < history.threads.size(); ++t) push(t);
}

void Sweep::push(uint32_t thread) {
  const ThreadLog& log = history_.threads[thread];
  if (next_[thread] == log.ops.size()) return;
  heap_.push_back({log.ops[next_[thread]].begin, thread});
  std::push_heap(heap_.begin(), heap_.end(), kLater);
}

CheckReport Sweep::run() {
  while (!over_ && !heap_.empty() && heap_.front().time < judged_until_) step();
  for (const size_t index : in_flight_) {
    const HistoryOp& op = *flights_[index].op;
    const bool waits = op.kind == OpKind::kKevent && op.timeout == Timeout::kForever;
    if (!over_ && waits && !op.returned() && op.nevents != 0 && asleep_until(op) == 0) {
      ++report_.undecided[static_cast<size_t>(Undecided::kNoProbe)];
    }
  }
  report_.components = census_.components().size();
  report_.points = effort_.points;
  report_.searched = effort_.searched;
  report_.steps = effort_.steps;
  report_.most_states = std::max(effort_.most_states, 1u);
  return std::move(report_);
}

// Everything of one instant: first all begins, then all ends.
void Sweep::step() {
  const uint64_t now = heap_.front().time;
  ending_.clear();
  while (!heap_.empty() && heap_.front().time == now && !over_) {
    const Cursor cursor = heap_.front();
    std::pop_heap(heap_.begin(), heap_.end(), kLater);
    heap_.pop_back();
    take_thread(cursor);
  }
  for (const size_t flight : ending_) {
    if (over_) return;
    end(flight);
  }
}

// The thread's calls at this instant: one that ends, then those that begin, and end, right now.
void Sweep::take_thread(Cursor cursor) {
  const uint32_t thread = cursor.thread;
  const ThreadLog& log = history_.threads[thread];
  if (flight_of_thread_[thread] != 0) {
    ending_.push_back(flight_of_thread_[thread] - 1);
    flight_of_thread_[thread] = 0;
  }
  while (next_[thread] < log.ops.size() && log.ops[next_[thread]].begin == cursor.time) {
    const HistoryOp& op = log.ops[next_[thread]];
    begin(thread);
    if (over_) return;
    const size_t flight = flight_of_thread_[thread] - 1;
    if (op.end == cursor.time) {
      ending_.push_back(flight);
      flight_of_thread_[thread] = 0;
      continue;
    }
    if (!op.returned()) return;
    heap_.push_back({op.end, thread});
    std::push_heap(heap_.begin(), heap_.end(), kLater);
    return;
  }
  push(thread);
}

void Sweep::begin(uint32_t thread) {
  size_t index = flights_.size();
  if (free_flights_.empty()) {
    flights_.emplace_back();
  } else {
    index = free_flights_.back();
    free_flights_.pop_back();
  }
  Flight& flight = flights_[index];
  flight.touched.clear();
  flight.ref = {thread, next_[thread]};
  flight.log = &history_.threads[thread];
  flight.op = &flight.log->ops[next_[thread]++];
  flight.sequence = ++sequence_;
  flight.asleep = asleep_until(*flight.op);
  flight.kqueue = -1;
  flight.surely_open = flight.alone = flight.never_open = flight.scans = false;
  flight.fault = {};
  ++report_.operations;
  if (flight.op->quiescent && !put_to_sleep(flight.op->begin)) return;
  if (flight.op->kind == OpKind::kKevent) {
    begin_kevent(&flight);
  } else {
    begin_object_call(&flight);
  }
  seal(&flight);
  in_flight_.push_back(index);
  flight_of_thread_[thread] = static_cast<uint32_t>(index + 1);
}

void Sweep::seal(Flight* flight) {
  for (const auto& [component, handle] : flight->touched) {
    census_.components()[component]->seal(handle);
    touched_at_[component] = sequence_;
    alone_since_[component] = 0;
  }
}

bool Sweep::goes_on(Component::Status status, const Flight& flight, uint32_t component,
                    Component::Handle handle) {
  if (status == Component::Status::kTooMany) give_up(component, Undecided::kTooManyWays);
  if (status == Component::Status::kStuck) stuck(flight, component, handle);
  return status != Component::Status::kStuck || !over_;
}

void Sweep::end(size_t index) {
  Flight& flight = flights_[index];
  ++sequence_;
  if (flight.scans && flight.kqueue >= 0) --scanning_[static_cast<size_t>(flight.kqueue)];
  for (const auto& [component, handle] : flight.touched) {
    alone_since_[component] = touched_at_[component] == flight.sequence ? flight.sequence : 0;
    touched_at_[component] = sequence_;
    const auto status = census_.components()[component]->finish(handle, options_, &effort_);
    if (!goes_on(status, flight, component, handle)) return;
  }
  judge_call(&flight);
  in_flight_.erase(std::find(in_flight_.begin(), in_flight_.end(), index));
  free_flights_.push_back(index);
}

// The last quiescent probe that began while the call was in flight, 0 when there was none.
uint64_t Sweep::asleep_until(const HistoryOp& op) const {
  const std::vector<uint64_t>& times = census_.quiet_times();
  if (op.kind != OpKind::kKevent || times.empty()) return 0;
  const auto after = std::lower_bound(times.begin(), times.end(), op.end);
  if (after == times.begin()) return 0;
  const uint64_t last = *std::prev(after);
  return last > op.begin ? last : 0;
}

void Sweep::give_up(uint32_t index, Undecided reason) {
  Component& component = *census_.components()[index];
  if (component.given_up()) return;
  component.give_up();
  ++report_.undecided[static_cast<size_t>(reason)];
}

// Calls that sleep in their wait have made their changes.
bool Sweep::put_to_sleep(uint64_t time) {
  for (const size_t index : in_flight_) {
    const Flight& flight = flights_[index];
    if (flight.asleep == 0 || flight.op->begin == time) continue;
    for (const auto& [component, handle] : flight.touched) {
      const auto status = census_.components()[component]->sleep(handle, options_, &effort_);
      if (!goes_on(status, flight, component, handle)) return false;
    }
  }
  return true;
}

// Those that were not seen asleep again may deliver from now on.
void Sweep::wake(uint64_t time) {
  for (const size_t index : in_flight_) {
    const Flight& flight = flights_[index];
    if (flight.asleep != time) continue;
    for (const auto& [component, handle] : flight.touched) {
      census_.components()[component]->wake(handle);
    }
  }
}

}  // namespace kqtorture::contract::checking
