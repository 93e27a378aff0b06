// What every accepted answer has in common is what is expected; the rest is left aside.
#include "engine/foresee.h"

#include <csignal>
#include <memory>

#include "engine/contract_subject.h"
#include "engine/executor.h"
#include "engine/sequential.h"
#include "engine/world.h"
#include "scenario/parse.h"
#include "scenario/print.h"

namespace kqtorture {
namespace {

// The contract's answer to the operation that was carried out last, in names.
Foreseen said(const Program& program, const World& world, const Op& op, const Returned& returned,
              ContractAsSubject* contract, bool* bound) {
  Foreseen foreseen;
  foreseen.returns = contract->returns();
  // What a pipe or a file answers is the host's business.
  *bound = !contract->was_kevent() || (contract->sure() && contract->is_bound());
  if (!*bound || !contract->was_kevent()) return foreseen;
  const auto answer = answer_in(program, op, describe(program, world, op, returned));
  if (!answer) return foreseen;
  foreseen.expect = *answer;
  for (size_t i = 0; i < foreseen.expect.events.size(); i++) {
    ExpectedEvent& event = foreseen.expect.events[i];
    foreseen.bits.push_back(contract->bound_bits(i, &event.fields));
    // How much an object takes is told differently by every system.
    if (event.event.filter == filter::kWrite || event.event.filter == filter::kEmpty) {
      if ((event.event.flags & flag::kError) == 0) event.fields &= ~ExpectedEvent::kData;
    }
  }
  foreseen.any_order = !contract->is_ordered();
  return foreseen;
}

}  // namespace

bool foresee(const Program& program, const contract::Profile& profile, const contract::Host& host,
             std::vector<std::vector<Foreseen>>* foreseen, std::string* why_not) {
  foreseen->assign(program.threads.size(), {});
  for (size_t i = 0; i < program.threads.size(); i++) {
    (*foreseen)[i].resize(program.threads[i].ops.size());
  }
  if (!is_sequential(program)) return true;
  std::signal(SIGPIPE, SIG_IGN);
  // The states alone are a quarter of a megabyte.
  const auto contract = std::make_unique<ContractAsSubject>(profile, host);
  World world(*contract);
  Executor executor(&world, contract.get());
  contract->reset();
  if (!world.begin(program, contract.get(), why_not)) return false;
  executor.prepare(program);
  // Does every answer so far have to be what it was?
  bool certain = true;
  for (size_t i = 0; i < program.threads.size() && certain; i++) {
    const Thread& thread = program.threads[i];
    for (size_t j = 0; j < thread.ops.size() && certain; j++) {
      const Executor::Result done = executor.run(thread.ops[j]);
      if (done == Executor::Result::kAstray || !contract->sure()) certain = false;
      if (done != Executor::Result::kDone) continue;
      (*foreseen)[i][j] =
          said(program, world, thread.ops[j], executor.returned(), contract.get(), &certain);
    }
  }
  world.end();
  return true;
}

std::optional<Expectation> answer_in(const Program& program, const Op& op, std::string_view line) {
  while (line.starts_with(' ') || line.starts_with('>')) line.remove_prefix(1);
  Op plain = op;
  plain.expect = {};
  const std::string text = print_op(program, plain);
  if (!line.starts_with(text) || !line.substr(text.size()).starts_with(" => ")) return {};
  Program asked = program;
  asked.title.clear();
  asked.expect.clear();
  Thread thread;
  thread.role = Role::kThread;
  thread.name = Name("T");
  asked.threads = {std::move(thread)};
  std::string whole = print(asked);
  whole.append("  ").append(line).append("\n");
  Program answered;
  if (parse(whole, &answered) || answered.threads.size() != 1) return {};
  if (answered.threads[0].ops.size() != 1) return {};
  return answered.threads[0].ops[0].expect;
}

}  // namespace kqtorture
