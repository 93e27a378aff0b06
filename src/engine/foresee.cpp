// Which parts of an answer are bound is found by asking the model: it is shown the answer with one
// bit or number changed, and what it then refuses is bound.
#include "engine/foresee.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <memory>

#include "contract/model.h"
#include "engine/executor.h"
#include "engine/sequential.h"
#include "engine/world.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "subject/host_calls.h"

namespace kqtorture {
namespace {

// A descriptor that nothing happens to: the number is what a kqueue is known by.
int kqueue_in_name() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

class ContractAsSubject : public Subject, public Observer {
 public:
  ContractAsSubject(const contract::Profile& profile, const contract::Host& host)
      : model_(profile, host) {
    calls_ = host_calls();
    calls_.kqueue = kqueue_in_name;
    spec_ = "the contract";
    profile_ = profile.name;
  }

  int kevent(int, const Kevent*, int, Kevent* events, int nevents, const timespec*) const override {
    errno = literal_.error;
    if (literal_.value < 0) return -1;
    for (int64_t i = 0; events != nullptr && i < literal_.value; i++) {
      if (literal_.events == nullptr || i >= nevents) break;
      const bool writable = writable_ == contract::Op::kAll || i < writable_;
      if (writable) events[i] = reinterpret_cast<const Kevent*>(literal_.events)[i];
    }
    return static_cast<int>(literal_.value);
  }

  void before(contract::Op* op) override {
    returns_ = true;
    if (op->kind != contract::OpKind::kKevent) return;
    before_.copy_from(states_);
    if (op->timeout == contract::Timeout::kForever || op->timeout == contract::Timeout::kFinite) {
      returns_ = ends_by_itself(*op);
      if (!returns_) op->timeout = contract::Timeout::kZero;
    }
    literal_ = {};
    writable_ = op->events_writable;
    const auto answer = model_.predict(states_.state[0], *op, predicted_,
                                       static_cast<int>(limit::kRoom), &literal_);
    sure_ = sure_ && answer == contract::Answer::kAccepted;
  }

  bool after(const contract::Op& op, const contract::Outcome& outcome) override {
    last_ = op;
    seen_ = outcome;
    sure_ = sure_ && model_.check(&states_, op, outcome, nullptr) == contract::Answer::kAccepted;
    return sure_;
  }

  bool sure() const { return sure_; }
  bool returns() const { return returns_; }
  bool was_kevent() const { return last_.kind == contract::OpKind::kKevent; }

  // Of the last call, a kevent(): has every accepted answer these events, or this error?
  bool is_bound() const {
    bool bound = true;
    for (int i = 0; i < before_.count && bound; i++) {
      int visited = model_.step(before_.state[i], last_, contract::Outcome{},
                                [&](const contract::Outcome& other, const contract::StateSet&) {
                                  bound = same_events(other, seen_);
                                  return bound;
                                });
      bound = bound && visited > 0;
    }
    return bound;
  }

  // Which bits of an event no accepted answer has otherwise?
  Foreseen::Bits bound_bits(size_t index, uint8_t* fields) {
    Foreseen::Bits bits{0, 0};
    for (int i = 0; i < 16; i++) {
      const auto bit = static_cast<uint16_t>(1u << i);
      if (refuses(index, [&](contract::Event* event) { event->flags ^= bit; })) bits.flags |= bit;
    }
    for (int i = 0; i < 32; i++) {
      const uint32_t bit = uint32_t{1} << i;
      if (refuses(index, [&](contract::Event* event) { event->fflags ^= bit; })) bits.fflags |= bit;
    }
    *fields = 0;
    if (bits.flags != 0) *fields |= ExpectedEvent::kFlags;
    if (bits.fflags != 0) *fields |= ExpectedEvent::kFflags;
    bool data = true;
    for (const int64_t other : {int64_t{-1}, int64_t{1}, int64_t{1} << 40}) {
      data = data && refuses(index, [&](contract::Event* event) { event->data += other; });
    }
    if (data) *fields |= ExpectedEvent::kData;
    if (refuses(index, [&](contract::Event* event) { event->udata ^= 1; })) {
      *fields |= ExpectedEvent::kUdata;
    }
    return bits;
  }

  bool is_ordered() {
    return seen_.value < 2 ||
           refuses(0, [&](contract::Event* first) { std::reverse(first, first + seen_.value); });
  }

 private:
  static bool same_events(const contract::Outcome& a, const contract::Outcome& b) {
    if (a.value != b.value || a.error != b.error) return false;
    if (a.value > 0 && (a.events == nullptr || b.events == nullptr)) return false;
    const auto is_in = [](const contract::Event& event, const contract::Outcome& outcome) {
      return std::any_of(outcome.events, outcome.events + outcome.value,
                         [&](const contract::Event& other) {
                           return other.ident == event.ident && other.filter == event.filter;
                         });
    };
    for (int64_t i = 0; i < a.value; i++) {
      if (!is_in(a.events[i], b) || !is_in(b.events[i], a)) return false;
    }
    return true;
  }

  template <typename Change>
  bool refuses(size_t index, Change change) {
    std::copy(seen_.events, seen_.events + seen_.value, other_);
    change(&other_[index]);
    contract::Outcome outcome = seen_;
    outcome.events = other_;
    trial_.copy_from(before_);
    return model_.check(&trial_, last_, outcome, nullptr) == contract::Answer::kRefused;
  }

  bool ends_by_itself(const contract::Op& op) {
    if (op.nevents <= 0 || op.nchanges < 0) return op.nevents == 0;
    if (op.nchanges == 0) return model_.pending(states_, op.fd) == contract::Tri::kYes;
    trial_.copy_from(states_);
    contract::Op changes_only = op;
    changes_only.nevents = 0;
    changes_only.timeout = contract::Timeout::kZero;
    return model_.check(&trial_, changes_only, contract::Outcome{}, nullptr) ==
               contract::Answer::kAccepted &&
           model_.pending(trial_, op.fd) == contract::Tri::kYes;
  }

  const contract::Model model_;
  contract::StateSet states_{};
  contract::StateSet before_{};  // the states before the last call
  contract::StateSet trial_{};
  contract::Event predicted_[limit::kRoom];
  contract::Event other_[limit::kRoom];
  contract::Outcome literal_;
  contract::Outcome seen_;
  contract::Op last_;
  int writable_ = contract::Op::kAll;
  bool sure_ = true;
  bool returns_ = true;
};

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
