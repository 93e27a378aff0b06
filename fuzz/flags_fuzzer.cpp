// Does kevent() keep its contract call by call, whatever it is given?
//
// One input is a short program of kevent() calls and operations on the descriptors they watch
// (flags_program.h): every flag bit, filter, fflags and ident, bad pointers, negative and huge
// counts, aliased lists, lists around the border of the chunks of 8, descriptors closed behind the
// subject's back. Each call is judged by the contract's model (flags_model.h), exactly and for
// every platform, and by the few rules that need no model (flags_judge.h). Nothing here blocks for
// good, and afterwards the process has exactly the descriptors it had before.
#include <algorithm>

#include "flags_mutator.h"
#include "flags_run.h"
#include "fuzz_session.h"

using namespace kqtorture;

namespace {

constexpr char kName[] = "flags_fuzzer";

[[noreturn]] void report(const flags::Violation& violation, std::vector<std::string> history) {
  Finding finding;
  finding.verdict = violation.verdict;
  finding.rule = violation.rule;
  finding.scenario = "raw-kevents";
  finding.message = violation.message;
  finding.detail = std::move(history);
  FuzzSession::get().violation(std::move(finding));
}

flags::ModelJudge* model() {
  static const auto judge = flags::make_model_judge(FuzzSession::get().subject());
  return judge.get();
}

// Only the seed counts: libFuzzer prints it, and passes on what it draws from it.
size_t store(const flags::Program& program, uint8_t* data, size_t max_size) {
  const std::vector<uint8_t> bytes = flags::encode(program);
  const size_t size = std::min(bytes.size(), max_size);
  std::copy_n(bytes.begin(), size, data);
  return size;
}

}  // namespace

extern "C" size_t LLVMFuzzerMutate(uint8_t* data, size_t size, size_t max_size)
    __attribute__((weak));

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  FuzzSession::start(kName, argc, argv);
  return 0;
}

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) {
  Random random(seed);
  if (LLVMFuzzerMutate && random.chance(1, 8)) return LLVMFuzzerMutate(data, size, max_size);
  flags::Program program = flags::decode(data, size);
  flags::mutate(program, random);
  return store(program, data, max_size);
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1,
                                            const uint8_t* data2, size_t size2, uint8_t* out,
                                            size_t max_out_size, unsigned int seed) {
  Random random(seed);
  return store(flags::cross(flags::decode(data1, size1), flags::decode(data2, size2), random), out,
               max_out_size);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const flags::Memory memory;
  static std::vector<flags::Record> records;
  FuzzSession& session = FuzzSession::get();
  session.begin_input(data, size);
  const OpenDescriptors before;
  {
    flags::Run run(session.subject(), memory, records, model());
    const auto violation = run.run(flags::decode(data, size));
    session.stats().operations += run.calls();
    session.stats().deliveries += run.deliveries();
    if (model() != nullptr) session.stats().extra["followed"] += model()->follows();
    if (violation) report(*violation, run.history());
    if (flags::has_host_descriptors(session.subject())) {
      const int number = before.first_difference(OpenDescriptors());
      if (number >= 0) {
        report({"wrong-answer", "",
                "descriptor " + std::to_string(number) +
                    " is open before or after the input, but not both"},
               run.history());
      }
    }
  }
  session.end_input();
  return 0;
}
