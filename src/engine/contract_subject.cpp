// Which parts of an answer are bound is found by asking the model: it is shown the answer with one
// bit or number changed, and what it then refuses is bound.
#include "engine/contract_subject.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>

#include "subject/host_calls.h"

namespace kqtorture {
namespace {

int kqueue_in_name() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }

bool same_events(const contract::Outcome& a, const contract::Outcome& b) {
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

}  // namespace

ContractAsSubject::ContractAsSubject(const contract::Profile& profile, const contract::Host& host)
    : model_(profile, host) {
  calls_ = host_calls();
  calls_.kqueue = kqueue_in_name;
  spec_ = "the contract";
  profile_ = profile.name;
}

void ContractAsSubject::reset() {
  states_.reset();
  sure_ = true;
}

int ContractAsSubject::kevent(int, const Kevent*, int, Kevent* events, int nevents,
                              const timespec*) const {
  errno = literal_.error;
  if (literal_.value < 0) return -1;
  for (int64_t i = 0; events != nullptr && i < literal_.value; i++) {
    if (literal_.events == nullptr || i >= nevents) break;
    const bool writable = writable_ == contract::Op::kAll || i < writable_;
    if (writable) events[i] = reinterpret_cast<const Kevent*>(literal_.events)[i];
  }
  return static_cast<int>(literal_.value);
}

void ContractAsSubject::before(contract::Op* op) {
  returns_ = true;
  if (op->kind != contract::OpKind::kKevent) return;
  before_.copy_from(states_);
  if (op->timeout == contract::Timeout::kForever || op->timeout == contract::Timeout::kFinite) {
    returns_ = ends_by_itself(*op);
    if (!returns_) op->timeout = contract::Timeout::kZero;
  }
  literal_ = {};
  writable_ = op->events_writable;
  const auto answer =
      model_.predict(states_.state[0], *op, predicted_.data(), limit::kRoom, &literal_);
  sure_ = sure_ && answer == contract::Answer::kAccepted;
}

bool ContractAsSubject::after(const contract::Op& op, const contract::Outcome& outcome) {
  last_ = op;
  seen_ = outcome;
  sure_ = sure_ && model_.check(&states_, op, outcome, nullptr) == contract::Answer::kAccepted;
  return sure_;
}

bool ContractAsSubject::is_bound() const {
  bool bound = true;
  for (int i = 0; i < before_.count && bound; i++) {
    const int visited = model_.step(before_.state[i], last_, contract::Outcome{},
                                    [&](const contract::Outcome& other, const contract::StateSet&) {
                                      bound = same_events(other, seen_);
                                      return bound;
                                    });
    bound = bound && visited > 0;
  }
  return bound;
}

template <typename Change>
bool ContractAsSubject::refuses(size_t index, Change change) {
  std::copy(seen_.events, seen_.events + seen_.value, other_.begin());
  change(&other_[index]);
  contract::Outcome outcome = seen_;
  outcome.events = other_.data();
  trial_.copy_from(before_);
  return model_.check(&trial_, last_, outcome, nullptr) == contract::Answer::kRefused;
}

Foreseen::Bits ContractAsSubject::bound_bits(size_t index, uint8_t* fields) {
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

bool ContractAsSubject::is_ordered() {
  return seen_.value < 2 ||
         refuses(0, [&](contract::Event* first) { std::reverse(first, first + seen_.value); });
}

bool ContractAsSubject::ends_by_itself(const contract::Op& op) {
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

}  // namespace kqtorture
