// What the interposers have in common: how they are exported, and how they find what they replace.
#pragma once

#include <dlfcn.h>

#include <atomic>

#define KQ_EXPORT extern "C" __attribute__((visibility("default")))

namespace kq {

// The function of that name behind libkq's own, looked up once.
template <typename Function>
Function next_definition(std::atomic<void*>* cache, const char* name) {
  void* found = cache->load(std::memory_order_acquire);
  if (!found) {
    found = dlsym(RTLD_NEXT, name);
    cache->store(found, std::memory_order_release);
  }
  return reinterpret_cast<Function>(found);
}

}  // namespace kq
