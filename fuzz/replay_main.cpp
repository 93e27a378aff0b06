// Runs the inputs of a fuzz target without libFuzzer, with any compiler: files and directories, or
// inputs that the target's own mutator makes from a seed.
//
// Every fuzz target shares this main(): it needs nothing but libFuzzer's entry points.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "report/stats.h"
#include "scenario/random.h"
#include "subject/worker.h"

extern "C" int LLVMFuzzerInitialize(int* argc, char*** argv) __attribute__((weak));
extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size,
                                          unsigned int seed) __attribute__((weak));

namespace {

namespace fs = std::filesystem;
using kqtorture::kExitUsage;

// An input longer than this is not one of ours; libFuzzer's own limit is 4096 by default.
constexpr size_t kMaxBytes = 1 << 20;
constexpr size_t kGeneratedBytes = 4096;
// Programs that mutation started from, kept so that the next ones are more than one step away.
constexpr size_t kPool = 64;

constexpr char kHelp[] =
    "usage: %s [--generate N] [--seed S] [FILE or DIRECTORY]...\n"
    "Runs each file, and each file below each directory, as one input of this fuzz target.\n"
    "  --generate N  then N inputs more, made by the target's mutator from the seed\n"
    "  --seed S      the seed (default: KQ_SEED, else a fresh one, printed)\n"
    "Environment: KQ_SUBJECT and KQ_PROFILE choose the kqueue under test, KQ_OUT takes findings,\n"
    "KQ_STATS the numbers, KQ_WORKER=0 runs in one process for a debugger.\n"
    "Exit code: 0 nothing found, 1 finding, 2 usage or environment.\n";

struct Options {
  std::vector<std::string> paths;
  uint64_t generate = 0;
  uint64_t seed = 0;
  bool has_seed = false;
};

bool parse_number(const char* text, uint64_t* number) {
  char* end = nullptr;
  *number = strtoull(text, &end, 0);
  return *text >= '0' && *text <= '9' && *end == '\0';
}

// Returns the exit code when there is nothing to run, else -1.
int parse(int argc, char** argv, Options* options) {
  for (int i = 1; i < argc; i++) {
    const std::string argument = argv[i];
    if (argument == "--help" || argument == "-h") {
      printf(kHelp, argv[0]);
      return 0;
    }
    const bool generate = argument == "--generate";
    if (generate || argument == "--seed") {
      uint64_t* const number = generate ? &options->generate : &options->seed;
      if (i + 1 >= argc || !parse_number(argv[++i], number)) {
        fprintf(stderr, "%s: %s needs a number\n", argv[0], argument.c_str());
        return kExitUsage;
      }
      options->has_seed |= !generate;
    } else if (argument.size() > 1 && argument[0] == '-') {
      fprintf(stderr, "%s: unknown option %s (see --help)\n", argv[0], argument.c_str());
      return kExitUsage;
    } else {
      options->paths.push_back(argument);
    }
  }
  if (options->paths.empty() && options->generate == 0) {
    fprintf(stderr, "%s: no inputs given (see --help)\n", argv[0]);
    return kExitUsage;
  }
  return -1;
}

// The regular files named or below what is named, sorted; false when something is missing.
bool collect(const char* program, const std::vector<std::string>& paths,
             std::vector<fs::path>* files) {
  for (const std::string& path : paths) {
    std::error_code error;
    const fs::file_status status = fs::status(path, error);
    if (fs::is_regular_file(status)) {
      files->push_back(path);
      continue;
    }
    if (!fs::is_directory(status)) {
      fprintf(stderr, "%s: %s: no such file or directory\n", program, path.c_str());
      return false;
    }
    std::vector<fs::path> below;
    for (const fs::directory_entry& entry : fs::recursive_directory_iterator(path, error)) {
      if (entry.is_regular_file(error)) below.push_back(entry.path());
    }
    std::sort(below.begin(), below.end());
    files->insert(files->end(), below.begin(), below.end());
  }
  return true;
}

bool replay(const char* program, const fs::path& file, const char* target) {
  std::ifstream stream(file, std::ios::binary);
  std::vector<uint8_t> bytes(std::istreambuf_iterator<char>(stream), {});
  if (!stream.good() && !stream.eof()) {
    fprintf(stderr, "%s: %s: cannot be read\n", program, file.c_str());
    return false;
  }
  bytes.resize(std::min(bytes.size(), kMaxBytes));
  kqtorture::note_activity((std::string(target) + " " + file.string()).c_str());
  // An exact copy, so that AddressSanitizer sees a read past the end.
  LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  return true;
}

void generate(uint64_t count, uint64_t seed, const char* target) {
  kqtorture::Random random(seed);
  std::vector<std::vector<uint8_t>> pool(kPool);
  for (uint64_t i = 0; i < count; i++) {
    std::vector<uint8_t>& entry = random.element(pool);
    std::vector<uint8_t> bytes = random.chance(1, 16) ? std::vector<uint8_t>() : entry;
    const size_t size = bytes.size();
    bytes.resize(kGeneratedBytes);
    bytes.resize(LLVMFuzzerCustomMutator(bytes.data(), size, bytes.size(),
                                         static_cast<unsigned int>(random.next())));
    if (i % 1024 == 0) {
      kqtorture::note_activity((std::string(target) + " input " + std::to_string(i)).c_str());
    }
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
    entry = std::move(bytes);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  // Before the subject is loaded: a typing error needs no worker.
  const int done = parse(argc, argv, &options);
  if (done >= 0) return done;
  std::vector<fs::path> files;
  if (!collect(argv[0], options.paths, &files)) return kExitUsage;
  if (files.empty() && options.generate == 0) {
    fprintf(stderr, "%s: nothing to replay\n", argv[0]);
    return kExitUsage;
  }
  if (options.generate > 0 && !LLVMFuzzerCustomMutator) {
    fprintf(stderr, "%s: this target has no mutator\n", argv[0]);
    return kExitUsage;
  }
  if (LLVMFuzzerInitialize) LLVMFuzzerInitialize(&argc, &argv);
  const std::string target = fs::path(argv[0]).stem().string();
  const auto start = std::chrono::steady_clock::now();
  for (const fs::path& file : files) {
    if (!replay(argv[0], file, target.c_str())) return kExitUsage;
  }
  if (options.generate > 0) {
    if (!options.has_seed) options.seed = kqtorture::seed_from_environment();
    kqtorture::note_seed(options.seed);
    fprintf(stderr, "%s: seed %llu\n", target.c_str(),
            static_cast<unsigned long long>(options.seed));
    generate(options.generate, options.seed, target.c_str());
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  const uint64_t inputs = files.size() + options.generate;
  printf("%s: %llu inputs, nothing found, %.0f inputs/s\n", target.c_str(),
         static_cast<unsigned long long>(inputs), static_cast<double>(inputs) / spent.count());
  return 0;
}
