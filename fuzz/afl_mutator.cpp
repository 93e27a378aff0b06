// A fuzz target's own mutator as a library that afl-fuzz loads (AFL_CUSTOM_MUTATOR_LIBRARY):
// AFL++'s interface around libFuzzer's. Linked with the source that has the mutator in it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "scenario/random.h"

extern "C" {
size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned int seed);
size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1, const uint8_t* data2,
                                 size_t size2, uint8_t* out, size_t max_out_size, unsigned int seed)
    __attribute__((weak));
}

namespace {

// libFuzzer's own limit, which the mutators were made for; afl-fuzz's is a megabyte.
constexpr size_t kMostBytes = 4096;

struct Mutator {
  explicit Mutator(unsigned seed) : random(seed) {}
  kqtorture::Random random;
  std::vector<uint8_t> out = std::vector<uint8_t>(kMostBytes);
};

// LLVMFuzzerMutate has no argument for it.
kqtorture::Random* bytes_random = nullptr;

}  // namespace

// What mutators ask libFuzzer for now and then: bytes that mean nothing to anybody.
extern "C" __attribute__((visibility("default"))) size_t LLVMFuzzerMutate(uint8_t* data,
                                                                          size_t size,
                                                                          size_t max_size) {
  kqtorture::Random& random = *bytes_random;
  const size_t at = random.below(size + 1);
  if (size == 0 || (at == size && size < max_size)) {
    if (max_size == 0) return 0;
    data[size] = static_cast<uint8_t>(random.next());
    return size + 1;
  }
  const size_t place = std::min(at, size - 1);
  switch (random.below(4)) {
    case 0:
      data[place] ^= static_cast<uint8_t>(1 << random.below(8));
      return size;
    case 1:
      data[place] = static_cast<uint8_t>(random.next());
      return size;
    case 2:
      std::copy(data + place + 1, data + size, data + place);
      return size - 1;
    default:
      if (size == max_size) return size;
      std::copy_backward(data + place, data + size, data + size + 1);
      data[place] = static_cast<uint8_t>(random.next());
      return size + 1;
  }
}

extern "C" {

__attribute__((visibility("default"))) void* afl_custom_init(void*, unsigned int seed) {
  return std::make_unique<Mutator>(seed).release();
}

__attribute__((visibility("default"))) size_t afl_custom_fuzz(void* state, uint8_t* buffer,
                                                              size_t size, uint8_t** out,
                                                              uint8_t* other, size_t other_size,
                                                              size_t max_size) {
  auto& mutator = *static_cast<Mutator*>(state);
  bytes_random = &mutator.random;
  const size_t most = std::min(max_size, kMostBytes);
  const auto seed = static_cast<unsigned int>(mutator.random.next());
  *out = mutator.out.data();
  if (LLVMFuzzerCustomCrossOver != nullptr && other != nullptr && mutator.random.chance(1, 8)) {
    const size_t crossed =
        LLVMFuzzerCustomCrossOver(buffer, size, other, other_size, *out, most, seed);
    if (crossed > 0) return crossed;
  }
  size = std::min(size, most);
  std::copy(buffer, buffer + size, *out);
  return LLVMFuzzerCustomMutator(*out, size, most, seed);
}

__attribute__((visibility("default"))) void afl_custom_deinit(void* state) {
  delete static_cast<Mutator*>(state);
}

}  // extern "C"
