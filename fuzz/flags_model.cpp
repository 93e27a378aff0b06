// From the fuzzer's calls to the contract's operations.
#include "flags_model.h"

#include <cerrno>

#include "contract/model.h"
#include "engine/sequential.h"

namespace kqtorture::flags {
namespace {

static_assert(sizeof(Kevent) == sizeof(contract::Event));

contract::Timeout timeout_of(const Call& call) {
  if (call.timeout == nullptr) return contract::Timeout::kForever;
  if (!call.timeout_readable) return contract::Timeout::kUnreadable;
  if (call.timeout->tv_sec < 0) return contract::Timeout::kNegative;
  if (!call.timeout_valid) return contract::Timeout::kBadNanos;
  if (call.wait_ns < 0) return contract::Timeout::kForever;
  const bool zero = call.timeout->tv_sec == 0 && call.timeout->tv_nsec == 0;
  return zero ? contract::Timeout::kZero : contract::Timeout::kFinite;
}

class Following : public ModelJudge {
 public:
  Following(const contract::Profile& profile, const contract::Host& host) : model_(profile, host) {}

  void called(const contract::Op& op, const contract::Outcome& outcome) override {
    if (!follows_ || violation_) return;
    contract::Explanation why;
    switch (model_.check(&states_, op, outcome, &why)) {
      case contract::Answer::kAccepted:
        return;
      case contract::Answer::kUndecided:
        follows_ = false;
        return;
      case contract::Answer::kRefused:
        violation_ = Violation{contract::verdict_word(why.verdict), why.rule, why.message};
    }
  }

  void called(const Call& call) override {
    // What it did before a signal ended it cannot be told from its result.
    if (call.result == -1 && call.error == EINTR) follows_ = false;
    contract::Op op;
    op.fd = call.callee;
    op.changes = reinterpret_cast<const contract::Event*>(call.list.data());
    op.nchanges = call.change_count;
    op.nevents = call.room;
    op.timeout = timeout_of(call);
    if (call.change_count > call.readable) op.changes_readable = call.readable;
    if (call.room < 0 || call.room > call.writable) op.events_writable = call.writable;
    op.alias = call.alias;
    op.written = reinterpret_cast<const contract::Event*>(call.events);
    contract::Outcome outcome;
    outcome.value = call.result;
    outcome.error = call.error;
    outcome.events = reinterpret_cast<const contract::Event*>(call.events);
    called(op, outcome);
  }

  bool bound_to_fire(int kqueue) override {
    if (!follows_ || violation_) return false;
    contract::Op await;
    await.kind = contract::OpKind::kAwait;
    waited_.copy_from(states_);
    if (model_.check(&waited_, await, contract::Outcome{}, nullptr) !=
        contract::Answer::kAccepted) {
      return false;
    }
    return model_.pending(waited_, kqueue) == contract::Tri::kYes;
  }
  const std::optional<Violation>& violation() const override { return violation_; }
  bool follows() const override { return follows_; }
  void reset() override {
    states_.reset();
    violation_.reset();
    follows_ = true;
  }

 private:
  const contract::Model model_;
  contract::StateSet states_;
  contract::StateSet waited_;  // after everything under way has arrived
  std::optional<Violation> violation_;
  bool follows_ = true;
};

}  // namespace

std::unique_ptr<ModelJudge> make_model_judge(const Subject& subject) {
  const contract::Profile* profile = contract::find_profile(subject.profile());
  if (profile == nullptr) return nullptr;
  return std::make_unique<Following>(*profile, host_of(subject));
}

}  // namespace kqtorture::flags
