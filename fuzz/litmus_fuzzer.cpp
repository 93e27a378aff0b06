// Does the litmus parser survive anything, say where it gives up, and mean what it prints?
//
// An input is text. Whatever is accepted must print, parse back to the same program and print the
// same again; its mutants and children must too. Whatever is refused must be refused in one line,
// with a place inside the text.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "fuzz_session.h"
#include "scenario/mutate.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "scenario/validate.h"

using namespace kqtorture;

namespace {

constexpr char kName[] = "litmus_fuzzer";

[[noreturn]] void report(const std::string& message, std::string text) {
  Finding finding;
  finding.verdict = "wrong-answer";
  finding.scenario = "parser";
  finding.message = message;
  finding.detail.push_back(std::move(text));
  FuzzSession::get().violation(std::move(finding));
}

void check_complaint(const ParseError& error, std::string_view text) {
  const auto lines = std::count(text.begin(), text.end(), '\n') + 1;
  if (error.line < 1 || error.line > lines) report("the complaint's line is not in the text", "");
  if (error.column < 1 || error.column > static_cast<int>(text.size()) + 1) {
    report("the complaint's column is not in the text", "");
  }
  if (error.reason.empty()) report("the complaint has no reason", "");
  for (const char c : error.reason) {
    if (c < 0x20 || c > 0x7e) report("the complaint could move a terminal", error.reason);
  }
}

void check_round_trip(const Program& program) {
  if (const auto problem = validate(program)) {
    report("an accepted program is not valid", problem->reason);
  }
  const std::string text = print(program);
  Program again;
  if (const auto error = parse(text, &again)) report(error->text("printed"), text);
  if (!(again == program)) report("a printed program parses to another one", text);
  if (print(again) != text) report("a program prints differently the second time", text);
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) {
  FuzzSession::start(kName, argc, argv);
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  FuzzSession& session = FuzzSession::get();
  session.begin_input(data, size);
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Program program;
  if (const auto error = parse(text, &program)) {
    check_complaint(*error, text);
  } else {
    check_round_trip(program);
    session.stats().operations += count_ops(program);
    // A seed that depends on the text alone.
    const uint64_t seed = size * 31 + (size ? data[size / 2] : 0);
    Program mutant = program;
    mutate(&mutant, seed);
    check_round_trip(mutant);
    check_round_trip(cross_over(program, mutant, seed));
  }
  session.end_input();
  return 0;
}
