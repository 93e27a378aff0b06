// Under which sanitizer was this compiled?
#pragma once

// For the preprocessor, where declarations depend on it.
#if defined(__SANITIZE_THREAD__)
#define KQ_THREAD_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define KQ_THREAD_SANITIZER 1
#endif
#endif
#ifndef KQ_THREAD_SANITIZER
#define KQ_THREAD_SANITIZER 0
#endif

#if defined(__SANITIZE_ADDRESS__)
#define KQ_ADDRESS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define KQ_ADDRESS_SANITIZER 1
#endif
#endif
#ifndef KQ_ADDRESS_SANITIZER
#define KQ_ADDRESS_SANITIZER 0
#endif

namespace kqtorture {

inline constexpr bool kThreadSanitizer = KQ_THREAD_SANITIZER != 0;
inline constexpr bool kAddressSanitizer = KQ_ADDRESS_SANITIZER != 0;

}  // namespace kqtorture
