// What a subject did with a probe, kept so that any model can be asked about it later.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "contract/model.h"
#include "engine/executor.h"
#include "engine/world.h"
#include "scenario/program.h"

namespace kqtorture {

class SurveyTape : public Observer {
 public:
  explicit SurveyTape(Observer* also = nullptr) : also_(also) {}

  void before(contract::Op* op) override;
  bool after(const contract::Op& op, const contract::Outcome& outcome) override;

  // Does the model explain all of it? *states: what it works with, whatever it holds.
  contract::Answer explained_by(const contract::Model& model, contract::StateSet* states) const;
  size_t calls() const { return entries_.size(); }

 private:
  struct Entry {
    contract::Op op;
    contract::Outcome outcome;
    std::vector<contract::Event> changes;  // what op and outcome point to
    std::vector<contract::Event> events;
  };
  Observer* also_;
  std::deque<Entry> entries_;  // whose entries stay where they are
};

// Runs the program once, with so much time for what happens by itself. False with *why_not when
// this machine or subject has not what it needs. *trace: the operations and what they returned.
bool record_probe(const Subject& subject, const Program& program, int64_t patience_ns,
                  SurveyTape* tape, std::vector<std::string>* trace, std::string* why_not);

// A kqueue is closed while a thread waits in it. Does the thread wake up by itself? It is asked of
// the system whether it sleeps; one that sleeps on is then got out by a signal.
enum class CloseSeen : uint8_t { kSleepsOn, kWoken, kNeither };
CloseSeen close_under_a_waiter(const Subject& subject, std::vector<std::string>* trace);

}  // namespace kqtorture
