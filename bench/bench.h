// What every question of the bench shares: who is measured, how a measurement is named, a count of
// the work done, and what happens to a wrong answer.
//
// A measurement is named after its question, with the contender as a part of its own:
// "delivery/dispatch/pipe/list:64/by:kqueue". Names that differ in that part only are one family:
// the same work, done in the same process with its repetitions in turns, so they can be compared.
// "by:kqueue.again" is the subject once more: what differs there is noise.
#pragma once

#include <benchmark/benchmark.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "subject/subject.h"

namespace kqtorture::bench {

// The subject, and the second one (null without --peer), opened by main() before anything runs.
const Subject& subject();
const Subject* peer();
void set_subjects(const Subject* subject, const Subject* peer);

// One way to do the work of a question.
struct Contender {
  std::string name;
  const Subject* subject;
};
// The subject, the subject again, and the peer.
std::vector<Contender> kqueues();
inline bool is_peer(const Subject& who) { return &who == peer(); }

// True when descriptors of the subject are the host's, so that epoll can stand beside it.
bool has_host_descriptors();

// question + "/by:" + contender
std::string by(const std::string& question, const std::string& contender);

// Every measurement is declared here, so that there is a list of them.
benchmark::internal::Benchmark* declare(const std::string& name,
                                        const std::function<void(benchmark::State&)>& measure);
const std::vector<std::string>& declared();

// Work done, over all benchmarks; for the campaign's statistics. Any thread may add.
void add_work(uint64_t operations, uint64_t deliveries, uint64_t cycles);
struct Work {
  uint64_t operations, deliveries, cycles;
};
Work work_done();

// A wrong answer ends the measurement. The subject's first is kept, and makes the exit code 1; a
// peer is only measured, so its own is shown in its row and nothing else.
void wrong_answer(benchmark::State& state, const Subject* guilty, const std::string& what);
std::string first_wrong_answer();

}  // namespace kqtorture::bench
