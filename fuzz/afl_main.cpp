// A fuzz target as afl-fuzz runs it: many inputs in one process, which AFL++'s runtime stops
// between two and forks anew when one has ended it. Everything is set up in the forked process:
// threads do not survive a fork.
//
// What a target counts for libFuzzer (__libfuzzer_extra_counters) counts here as well: it is added
// to the map that afl-fuzz looks at. Without afl-fuzz the arguments are files, each an input.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "subject/executable.h"

extern "C" {
int LLVMFuzzerInitialize(int* argc, char*** argv) __attribute__((weak));
int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);

// Of the linker: the section, if there is one.
extern uint8_t __start___libfuzzer_extra_counters __attribute__((weak));
extern uint8_t __stop___libfuzzer_extra_counters __attribute__((weak));

// Of AFL++'s runtime, documented in its persistent mode. The first one asks for inputs in memory.
int __afl_sharedmem_fuzzing = 1;
extern unsigned char* __afl_area_ptr;
extern uint32_t __afl_map_size;
extern uint32_t* __afl_fuzz_len;
extern unsigned char* __afl_fuzz_ptr;
int __afl_persistent_loop(unsigned count);
}

namespace {

// What afl-fuzz looks for in the file to know that the loop is there.
volatile const char* persistent __attribute__((used)) = "##SIG_AFL_PERSISTENT##";

// After so many a process is replaced: what it may have leaked goes with it.
constexpr unsigned kInputs = 20'000;

void add_extra_counters() {
  if (&__start___libfuzzer_extra_counters == nullptr) return;
  const size_t size = __afl_map_size;
  uint8_t* const begin = &__start___libfuzzer_extra_counters;
  uint8_t* const end = &__stop___libfuzzer_extra_counters;
  for (uint8_t* counter = begin; counter != end; counter++) {
    if (*counter == 0) continue;
    unsigned char& place = __afl_area_ptr[static_cast<size_t>(counter - begin) % size];
    place = static_cast<unsigned char>(std::min(place + *counter, 255));
    *counter = 0;
  }
}

int run_files(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    std::ifstream stream(argv[i], std::ios::binary);
    const std::vector<uint8_t> bytes(std::istreambuf_iterator<char>(stream), {});
    if (!stream.good() && !stream.eof()) {
      std::fprintf(stderr, "%s: %s: cannot be read\n", argv[0], argv[i]);
      return 2;
    }
    LLVMFuzzerTestOneInput(bytes.data(), bytes.size());
  }
  std::printf("%d inputs, nothing found\n", argc - 1);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  // afl-fuzz supervises.
  setenv("KQ_WORKER", "0", 1);
#ifdef KQT_AFL_LIBKQ
  // The emulator is the one that afl-fuzz was told to preload.
  const std::string library = kqtorture::executable_directory() + "/../lib/afl/libkq.so";
  setenv("KQ_LIBKQ", library.c_str(), 0);
#endif
  int count = 1;
  char* name[] = {argv[0], nullptr};
  char** words = name;
  if (LLVMFuzzerInitialize != nullptr) LLVMFuzzerInitialize(&count, &words);
  if (argc > 1) return run_files(argc, argv);
  if (__afl_fuzz_ptr == nullptr) {
    std::fprintf(stderr, "%s: is run by afl-fuzz, or with files as arguments\n", argv[0]);
    return 2;
  }
  while (__afl_persistent_loop(kInputs) != 0) {
    // An exact copy, so that a sanitizer sees a read past the end.
    const std::vector<uint8_t> input(__afl_fuzz_ptr, __afl_fuzz_ptr + *__afl_fuzz_len);
    LLVMFuzzerTestOneInput(input.data(), input.size());
    add_extra_counters();
  }
  return 0;
}
