// The command lines of the other programs. Each program takes the house's environment (KQ_SUBJECT,
// KQ_SEED, KQ_BUDGET, ...); what stands here is only what libFuzzer and Google Benchmark want said
// in their own words.
#include "cli/engines.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "report/files.h"
#include "report/hash.h"
#include "report/text.h"
#include "subject/executable.h"

namespace kqtorture {
namespace {

constexpr char kLitmus[] = "litmus";
// Of a library that is looked into: far above any kqueue's.
constexpr size_t kLargestLibrary = size_t{256} << 20;

std::string file_of(const std::string& path) {
  return std::filesystem::path(path).filename().string();
}

Engine engine(Engine::Kind kind, std::string name, std::string program) {
  Engine result{kind, std::move(name), std::move(program), ""};
  if (!is_program(result.program)) result.absent = "not built: " + file_of(result.program);
  return result;
}

Job job(const CampaignOptions& options, std::string name, std::string program) {
  Job result;
  result.name = std::move(name);
  result.program = std::move(program);
  result.variables = {{"KQ_SUBJECT", options.subject}, {"KQ_WORKER", std::nullopt}};
  result.out = options.out;
  result.log = options.out + "/logs/" + to_file_name(result.name) + ".log";
  return result;
}

// What stands in <fuzzer>.options beside a fuzzer, as OSS-Fuzz has it: sections of "name = value".
// libFuzzer itself does not read that file.
struct FuzzerOptions {
  std::vector<std::string> arguments;  // [libfuzzer]: for its command line
  // [kqtorture]: what a campaign has to know of the target.
  bool tests_a_kqueue = true;       // "tests = parser": it does not
  bool needs_instrumented = false;  // "subject = instrumented": one that tells of its steps
};

FuzzerOptions options_of(const std::string& program) {
  FuzzerOptions options;
  std::string text, ignored;
  if (!read_file(program + ".options", 65536, &text, &ignored)) return options;
  std::string section;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    line.erase(
        std::remove_if(line.begin(), line.end(), [](char c) { return c == ' ' || c == '\r'; }),
        line.end());
    if (line.empty() || line[0] == '#') continue;
    if (line[0] == '[') {
      section = line;
    } else if (section == "[kqtorture]") {
      options.tests_a_kqueue = options.tests_a_kqueue && line != "tests=parser";
      options.needs_instrumented = options.needs_instrumented || line == "subject=instrumented";
    } else if (section == "[libfuzzer]" && line.find('=') != std::string::npos &&
               line.compare(0, 5, "dict=") != 0) {
      options.arguments.push_back("-" + line);
    }
  }
  return options;
}

void fuzz(const Engine& fuzzer, const CampaignOptions& options, Job* job) {
  const std::string corpus = options.out + "/corpus/" + fuzzer.name;
  const std::string inputs = options.out + "/findings/inputs";
  make_directories(corpus);
  make_directories(inputs);
  job->arguments = options_of(fuzzer.program).arguments;
  const std::string dictionary = fuzzer.program + ".dict";
  if (std::filesystem::exists(dictionary)) job->arguments.push_back("-dict=" + dictionary);
  // libFuzzer's seed has 32 bits, and 0 means "draw one".
  const uint32_t seed = std::max<uint32_t>(1, static_cast<uint32_t>(job->seed));
  const long seconds = std::max(1L, std::lround(job->seconds));
  job->arguments.push_back("-seed=" + std::to_string(seed));
  job->arguments.push_back("-max_total_time=" + std::to_string(seconds));
  job->arguments.push_back("-artifact_prefix=" + inputs + "/" + fuzzer.name + "-");
  job->arguments.push_back("-print_final_stats=1");
  // What is new goes to the first folder; the seeds of the source are only read.
  job->arguments.push_back(corpus);
  for (const std::string& target : {fuzzer.name, "regressions/" + fuzzer.name}) {
    const std::string seeds = seed_corpus(target);
    if (!seeds.empty()) job->arguments.push_back(seeds);
  }
}

std::string with_decimals(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", value);
  return text;
}

// Programs of one thread have one turn in each; those with threads share the time.
void run_litmus(Job* job) {
  job->arguments = {"run", seed_corpus(kLitmus), "--budget", with_decimals(job->seconds)};
}

Engine litmus() {
  Engine result{Engine::Kind::kLitmus, kLitmus, executable_path(), ""};
  if (seed_corpus(kLitmus).empty()) result.absent = "no corpus/litmus beside this build";
  return result;
}

// Programs with threads, every switch of which is chosen.
void explore(Job* job) {
  run_litmus(job);
  job->arguments.erase(job->arguments.begin());
}

// Does the file call what -fsanitize=thread inserts? Its table of symbols says so in plain text.
bool is_instrumented(const std::string& path) {
  std::string bytes, ignored;
  return read_file(path, kLargestLibrary, &bytes, &ignored) &&
         bytes.find("__tsan_func_entry") != std::string::npos;
}

// An engine that chooses every switch of threads needs a subject that tells of its steps.
void need_instrumented(const CampaignOptions& options, Engine* engine) {
  if (!engine->absent.empty()) return;
  const char* chosen = std::getenv("KQ_LIBKQ");
  const std::string emulator =
      chosen != nullptr && *chosen != '\0' ? chosen : own_library("controlled/libkq.so");
  if (!is_instrumented(options.subject == "emulator" ? emulator : options.subject)) {
    engine->absent = "the subject was not compiled with -fsanitize=thread";
  }
}

Engine explorer(const CampaignOptions& options) {
  Engine result = engine(Engine::Kind::kExplore, "explore", own_program("kq_explore"));
  if (result.absent.empty() && seed_corpus(kLitmus).empty()) {
    result.absent = "no corpus/litmus beside this build";
  }
  need_instrumented(options, &result);
  return result;
}

// A minute and a half is enough for every word in every case, and a turn is a second or two: each
// takes the part of the words that corresponds to its time, so that it comes to most of the cases,
// and other words than the last. At least a hundredth: a case costs its preparations whatever the
// number of its words.
constexpr double kSecondsForTheSweep = 90;

void sweep(Job* job) {
  const double part = std::clamp(job->seconds / kSecondsForTheSweep, 0.01, 1.0);
  job->arguments = {"--sample", with_decimals(part), "--budget", with_decimals(job->seconds)};
}

// A round of 1,000 visits takes half a second; the usual ten thousand would be longer than a turn.
void race_webserver(Job* job) {
  job->arguments = {"torture", "--connections", "0", "--round", "1000"};
}

// A server is what libkq is held against. What it finds elsewhere the other engines find with a
// shorter explanation, and what a subject emulates of sockets is not what a server needs.
Engine webserver(const CampaignOptions& options) {
  Engine result = engine(Engine::Kind::kWebserver, "webserver", own_program("kq_webserver"));
  if (options.subject != "emulator") {
    result.absent = "raced on libkq only; scripts/webserver --subject runs it on another kqueue";
  }
  return result;
}

// Hundreds of measurements in a few seconds would measure their own start-up. A short run keeps a
// question of each kind, with lists of 64, and the claim of 2006; scripts/bench asks them all.
constexpr double kSecondsForEverything = 300;
constexpr char kShortRun[] =
    "claim_2006|delivery/.*/pipe/list:64/by:|registration/.*list:64/|user_trigger/list:64/|timers/";

void measure(const CampaignOptions& options, Job* job) {
  job->arguments = {"--benchmark_out=" + options.out + "/bench.json",
                    "--benchmark_out_format=json"};
  if (job->seconds < kSecondsForEverything) {
    job->arguments.push_back(std::string("--benchmark_filter=") + kShortRun);
  }
}

}  // namespace

std::vector<Engine> turn_takers(const CampaignOptions& options) {
  std::vector<Engine> engines = {engine(Engine::Kind::kStress, "stress", own_program("kq_stress"))};
  engines.push_back(litmus());
  engines.push_back(explorer(options));
  engines.push_back(engine(Engine::Kind::kSweep, "sweep", own_program("kq_sweep")));
  engines.push_back(webserver(options));
  const auto fuzzers = preset_programs_ending("fuzz", "_fuzzer");
  for (const std::string& program : fuzzers) {
    const FuzzerOptions about = options_of(program);
    if (!about.tests_a_kqueue) continue;
    engines.push_back(engine(Engine::Kind::kFuzzer, file_of(program), program));
    if (about.needs_instrumented) need_instrumented(options, &engines.back());
  }
  if (fuzzers.empty()) {
    engines.push_back({Engine::Kind::kFuzzer, "fuzzers", "", "not built: preset fuzz"});
  }
  // ThreadSanitizer sees into what was compiled with it, which is our own library only.
  if (options.subject == "emulator") {
    Engine tsan =
        engine(Engine::Kind::kStress, "stress (tsan)", preset_program("tsan", "kq_stress"));
    if (!tsan.absent.empty()) tsan.absent = "not built: preset tsan";
    engines.push_back(tsan);
  }
  return engines;
}

Engine bench(const CampaignOptions&) {
  return engine(Engine::Kind::kBench, "bench", own_program("kq_bench"));
}

Job turn(const Engine& engine, const CampaignOptions& options, uint64_t seed, double seconds) {
  Job result = job(options, engine.name, engine.program);
  result.seed = seed;
  result.seconds = seconds;
  if (engine.kind == Engine::Kind::kLitmus) run_litmus(&result);
  if (engine.kind == Engine::Kind::kExplore) explore(&result);
  if (engine.kind == Engine::Kind::kFuzzer) fuzz(engine, options, &result);
  if (engine.kind == Engine::Kind::kSweep) sweep(&result);
  if (engine.kind == Engine::Kind::kWebserver) race_webserver(&result);
  if (engine.kind == Engine::Kind::kBench) measure(options, &result);
  return result;
}

Job subject_check(const CampaignOptions& options) {
  Job result = job(options, "subject check", executable_path());
  result.arguments = {"check"};
  result.seed = options.seed;
  return result;
}

std::string canary_library() { return own_library("libkq_canary.so"); }

Job canary(const CampaignOptions& options, uint64_t seed, double seconds) {
  CampaignOptions apart = options;
  apart.subject = canary_library();
  apart.out = options.out + "/canary";
  Job result = job(apart, "canary", own_program("kq_stress"));
  // What was said about the subject is not about the canary.
  result.variables["KQ_LAYOUT"] = std::nullopt;
  result.variables["KQ_PROFILE"] = std::nullopt;
  result.arguments = {"--gtest_fail_fast"};
  result.seed = seed;
  result.seconds = seconds;
  return result;
}

// FNV-1a over the name, mixed with the numbers by the finaliser of SplitMix64: neighbouring turns
// and engines get unrelated seeds, and each can be derived again from what was printed.
uint64_t derive_seed(uint64_t seed, const std::string& name, uint64_t turn) {
  uint64_t value = seed + fnv1a(name) + turn * 0x9E3779B97F4A7C15u;
  value = (value ^ (value >> 30)) * 0xBF58476D1CE4E5B9u;
  value = (value ^ (value >> 27)) * 0x94D049BB133111EBu;
  return value ^ (value >> 31);
}

}  // namespace kqtorture
