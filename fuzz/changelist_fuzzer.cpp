// Does a kqueue answer every sequential program as its contract says, call by call?
//
// An input is a litmus program (docs/litmus.md) as text, so that a corpus, a crash file and a
// finding are all the same thing and can be read. The mutator works on the parsed program, never on
// bytes: every input is a valid program, and mutation moves between programs that mean something.
// The model judges each call; what it refuses is shrunk before it is reported.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
// Programs of about ten operations are what most faults need, and thousands of those a second find
// more than a few hundred long ones.
constexpr size_t kMostOps = 12;

std::string_view view(const uint8_t* data, size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

// Texts and what they mean. libFuzzer runs what the mutator printed last, and mutates again and
// again what it keeps, so few inputs need be parsed.
class Programs {
 public:
  // False when the bytes are no program.
  bool get(const uint8_t* data, size_t size, Program* program) {
    const std::string_view text = view(data, size);
    Entry& entry = entry_of(text);
    if (text.empty() || entry.text != text) {
      if (parse(text, &entry.program) || !is_sequential(entry.program)) {
        entry.text.clear();
        return false;
      }
      entry.text = text;
    }
    *program = entry.program;
    return true;
  }

  size_t put(const Program& program, uint8_t* data, size_t max_size) {
    text_.clear();
    print_to(program, &text_);
    // A program does not survive being cut; one that does not fit is not made.
    if (text_.size() > max_size) return 0;
    Entry& entry = entry_of(text_);
    entry.text = text_;
    entry.program = program;
    memcpy(data, text_.data(), text_.size());
    return text_.size();
  }

 private:
  struct Entry {
    std::string text;
    Program program;
  };
  // Whoever comes to the same place later takes it.
  Entry& entry_of(std::string_view text) {
    return entries_[std::hash<std::string_view>{}(text) % entries_.size()];
  }

  std::vector<Entry> entries_ = std::vector<Entry>(4096);
  std::string text_;
};

Programs& programs() {
  static Programs all;
  return all;
}

// Some objects cost a hundred times what the others do: to close a kqueue that watches a file is to
// wait for a grace period of the kernel (inotify), and a connection is two handshakes. They stay
// rare, or every second would be theirs.
bool affordable(const Program& program, Random* random) {
  bool file = false, inet = false;
  for (const Object& object : program.objects) {
    file = file || object.kind == ObjectKind::kFile;
    inet = inet || object.kind == ObjectKind::kTcp || object.kind == ObjectKind::kListener;
  }
  return (!file || random->chance(1, 256)) && (!inet || random->chance(1, 16));
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
  if (random.chance(1, 64) || !programs().get(data, size, &program)) {
    program = generate(random.next());
  } else {
    mutate(&program, random.next(), kMostOps);
  }
  while (!affordable(program, &random)) program = generate(random.next());
  return programs().put(program, data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_out_size, unsigned int seed) {
  Program first, second;
  if (!programs().get(data1, size1, &first) || !programs().get(data2, size2, &second)) return 0;
  Random random(seed);
  Program child = cross_over(first, second, random.next(), kMostOps);
  while (!affordable(child, &random)) child = generate(random.next());
  return programs().put(child, out, max_out_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzSession& session = FuzzSession::get();
  Program program;
  if (size <= 1) {
    // Where libFuzzer starts from when it is given nothing, and nothing would be reached by that.
    program = generate(size);
  } else if (!programs().get(data, size, &program)) {
    return 0;
  }
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
