// Does the sequential engine find a kqueue that misreads the contract, and say so in few words?
//
// Usage: misreading_test LIBRARY PROGRAMS OPERATIONS. Passes when one of the first PROGRAMS
// generated programs draws a finding against the library, and what is left of it after shrinking
// has at most OPERATIONS operations, still fails, and finds nothing against the emulator.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

#include "engine/sequential.h"
#include "scenario/generate.h"
#include "scenario/parse.h"

using namespace kqtorture;

namespace {

using Status = SequentialResult::Status;

std::unique_ptr<SequentialEngine> engine_for(const Subject* subject, const std::string& error) {
  std::string why = error;
  auto engine = subject != nullptr ? SequentialEngine::create(*subject, &why) : nullptr;
  if (!engine) {
    fprintf(stderr, "misreading_test: %s\n", why.c_str());
    exit(2);
  }
  return engine;
}

// The clock decides nothing: programs in which something happens by itself are left out.
bool has_timers(const Program& program) {
  for (const Op& op : program.threads[0].ops) {
    for (const Change& change : op.changes) {
      if (change.filter == filter::kTimer) return true;
    }
  }
  return false;
}

int fail(const std::string& why) {
  fprintf(stderr, "misreading_test: %s\n", why.c_str());
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 4) {
    fprintf(stderr, "usage: misreading_test LIBRARY PROGRAMS OPERATIONS\n");
    return 2;
  }
  const uint64_t most_programs = strtoull(argv[2], nullptr, 10);
  const size_t most_ops = strtoull(argv[3], nullptr, 10);
  std::string error;
  const auto misread = Subject::open(argv[1], &error);
  const auto engine = engine_for(misread.get(), error);
  GenerateOptions options;
  options.inet = false;
  Program guilty;
  uint64_t seed = 0;
  for (;; seed++) {
    if (seed == most_programs) return fail("not found in " + std::to_string(seed) + " programs");
    guilty = generate(seed, options);
    if (!has_timers(guilty) && engine->run(guilty).status == Status::kFinding) break;
  }
  const Finding finding = engine->investigate(guilty);
  Program program;
  if (finding.verdict.empty() || parse(finding.reproducer, &program)) {
    return fail("program " + std::to_string(seed) + " failed once and not again");
  }
  printf("program %llu: %s (%s): %s\n%s", static_cast<unsigned long long>(seed),
         finding.verdict.c_str(), finding.rule.c_str(), finding.message.c_str(),
         finding.reproducer.c_str());
  if (engine->run(program).status != Status::kFinding) return fail("what is left does not fail");
  if (count_ops(program) > most_ops) {
    return fail(std::to_string(count_ops(program)) + " operations are left of it");
  }
  const auto emulator = Subject::open("emulator", &error);
  if (engine_for(emulator.get(), error)->run(program).status != Status::kClean) {
    return fail("the emulator does no better");
  }
  return 0;
}
