// Does a kqueue answer every sequential program as its contract says, call by call?
//
// An input is a litmus program (docs/litmus.md) as text, so that a corpus, a crash file and a
// finding are all the same thing and can be read. The mutator works on the parsed program, never on
// bytes: every input is a valid program, and mutation moves between programs that mean something.
// The model judges each call; what it refuses is shrunk before it is reported.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "engine/sequential.h"
#include "fuzz_session.h"
#include "model_check.h"
#include "scenario/generate.h"
#include "scenario/mutate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/random.h"

using namespace kqtorture;

namespace {

constexpr char kName[] = "changelist_fuzzer";
// Programs of about ten operations are what most faults need; a few more let mutation breathe.
constexpr size_t kMostOps = 24;

std::string_view view(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// What the mutator printed last is what libFuzzer runs next, so it need not be parsed again.
class LastProgram {
 public:
  // False when the bytes are no program.
  bool get(const uint8_t* data, size_t size, Program* program) {
    if (size > 0 && view(data, size) == text_) {
      *program = program_;
      return true;
    }
    return !parse(view(data, size), program) && is_sequential(*program);
  }

  size_t put(const Program& program, uint8_t* data, size_t max_size) {
    program_ = program;
    text_.clear();
    print_to(program_, &text_);
    // A program does not survive being cut; one that does not fit is not made.
    if (text_.size() > max_size) text_.clear();
    memcpy(data, text_.data(), text_.size());
    return text_.size();
  }

 private:
  Program program_;
  std::string text_;
};

LastProgram& last_program() {
  static LastProgram last;
  return last;
}

ModelCheck& model_check() {
  static ModelCheck check;
  return check;
}

SequentialEngine& engine() {
  static const std::unique_ptr<SequentialEngine> engine = [] {
    std::string error;
    auto created = SequentialEngine::create(FuzzSession::get().subject(), &error);
    if (!created) {
      fprintf(stderr, "%s: %s\n", kName, error.c_str());
      _Exit(2);
    }
    created->set_witness([](const contract::Op& op, const contract::Outcome& outcome) {
      model_check().see(op, outcome);
    });
    return created;
  }();
  return *engine;
}

[[noreturn]] void report(const Program& program, const SequentialResult& seen) {
  FuzzSession& session = FuzzSession::get();
  Finding finding = engine().investigate(program);
  if (finding.verdict.empty()) {
    // Seen once and not again: reported as it came, for a kqueue that is wrong now and then.
    finding.verdict = seen.verdict;
    finding.rule = seen.rule;
    finding.scenario = "program";
    finding.message = seen.message + " (once, and not again)";
  } else {
    // The saved input is the shrunk program.
    const std::string& text = finding.reproducer;
    session.begin_input(reinterpret_cast<const uint8_t*>(text.data()), text.size());
  }
  session.violation(std::move(finding));
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  FuzzSession::start(kName, argc, argv);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  Random random(seed);
  Program program;
  if (random.chance(1, 64) || !last_program().get(data, size, &program)) {
    program = generate(random.next());
  } else {
    mutate(&program, random.next(), kMostOps);
  }
  return last_program().put(program, data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_out_size, unsigned int seed) {
  Program first, second;
  if (parse(view(data1, size1), &first) || parse(view(data2, size2), &second)) return 0;
  if (!is_sequential(first) || !is_sequential(second)) return 0;
  return last_program().put(cross_over(first, second, seed), out, max_out_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzSession& session = FuzzSession::get();
  Program program;
  if (!last_program().get(data, size, &program)) return 0;
  SequentialEngine& judge = engine();
  const uint64_t calls = judge.calls();
  const uint64_t deliveries = judge.deliveries();
  session.begin_input(data, size);
  model_check().begin(view(data, size));
  const SequentialResult result = judge.run(program);
  if (result.status == SequentialResult::Status::kFinding) report(program, result);
  if (!model_check().disagreement().empty()) {
    Finding finding;
    finding.verdict = "wrong-answer";
    finding.scenario = "program";
    finding.message = "the model disagrees with itself: " + model_check().disagreement();
    session.violation(std::move(finding));
  }
  session.stats().operations += judge.calls() - calls;
  session.stats().deliveries += judge.deliveries() - deliveries;
  session.end_input();
  return 0;
}
