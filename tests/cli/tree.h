// A build tree with the real kqtorture in it and scripts in place of the other programs.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "run.h"

namespace kqtorture::testing {

class Tree {
 public:
  // The canary's library exists; no other program does.
  Tree();

  // A shell script as build/<preset>/bin/<program>. Its body can call
  //   work OPERATIONS DELIVERIES EXECUTIONS   to report work as KQ_STATS wants it
  //   found NAME VERDICT                      to save a finding
  //   note TEXT                               to leave a line for notes()
  // and use $canary, which is "yes" when the subject is the canary.
  void program(const std::string& preset, const std::string& program, const std::string& body);
  // A kq_stress that works, finds the canary guilty and the subject innocent; a kq_bench that
  // works.
  void healthy_programs();

  // Runs kqtorture; KQ_OUT is out().
  Ran kqtorture(const std::vector<std::string>& arguments, Variables variables = {}) const;
  std::string program_path() const { return path("build/release/bin/kqtorture"); }

  std::string path(const std::string& relative) const { return directory_.path() + "/" + relative; }
  std::string out() const { return path("out"); }
  nlohmann::json results() const;
  nlohmann::json engine(const std::string& name) const;  // of results(); null when absent
  std::vector<std::string> notes() const;

 private:
  TemporaryDirectory directory_;
};

// A subject that opens and whose kqueue() works.
std::string working_subject();

}  // namespace kqtorture::testing
