// Does the model agree with itself, under profiles that no subject here has?
//
// What a program did on the subject is done once more in the model alone, under another profile and
// host of the tables: what the model predicts it must accept, and what no rule leaves open it must
// refuse. So every input exercises all of the contract, and not only the emulator's column of it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "contract/model.h"
#include "scenario/random.h"

namespace kqtorture {

class ModelCheck {
 public:
  ModelCheck();

  // A new program: its text decides the profile, the host and every choice.
  void begin(std::string_view program);
  // An operation of it, as it went on the subject. Its descriptors are taken over, for the rest the
  // model says what comes back.
  void see(const contract::Op& op, const contract::Outcome& outcome);
  // Empty while the model agrees with itself, else what it said and what it said to that.
  const std::string& disagreement() const { return disagreement_; }

 private:
  void call(contract::Op op);
  void object_call(const contract::Op& op, const contract::Outcome& outcome);
  bool accepts(const contract::Op& op, const contract::Outcome& outcome);
  void must_refuse(const contract::Op& op, const contract::Outcome& outcome);
  void change_and_refuse(const contract::Op& op, const contract::Outcome& outcome);
  void disagree(const contract::Op& op, const contract::Outcome& outcome, const std::string& what);
  void refuse_silent_knotes(int kq);
  void step(const contract::Op& op);

  std::vector<contract::Model> models_;
  const contract::Model* model_ = nullptr;
  Random random_{0};
  bool alive_ = false;  // the program has not left the model's bounds
  std::unique_ptr<contract::StateSet> states_;
  std::unique_ptr<contract::StateSet> copy_;
  std::string disagreement_;
};

}  // namespace kqtorture
