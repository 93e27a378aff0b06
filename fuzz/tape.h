// Bytes in, numbers out: how a fuzz input becomes a program, and how a program becomes an input
// again.
//
// An input is hostile by design, so the reader never fails and never looks past the end: what is
// missing reads as zero. Fixed-size fields in a fixed order, because libFuzzer's own mutations
// (insert, erase, splice) then mostly yield another sensible program.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace kqtorture {

class TapeReader {
 public:
  TapeReader(const uint8_t* data, size_t size) : data_(data), left_(size) {}

  bool at_end() const { return left_ == 0; }
  uint8_t u8() {
    if (left_ == 0) return 0;
    left_--;
    return *data_++;
  }
  // 0 to n - 1, n > 0.
  uint8_t below(uint8_t n) { return static_cast<uint8_t>(u8() % n); }
  uint16_t u16() {
    const uint16_t low = u8();
    return static_cast<uint16_t>(low | u8() << 8);
  }
  uint32_t u32() {
    const uint32_t low = u16();
    return low | static_cast<uint32_t>(u16()) << 16;
  }

 private:
  const uint8_t* data_;
  size_t left_;
};

class TapeWriter {
 public:
  void u8(uint8_t value) { bytes_.push_back(value); }
  void u16(uint16_t value) {
    u8(static_cast<uint8_t>(value));
    u8(static_cast<uint8_t>(value >> 8));
  }
  void u32(uint32_t value) {
    u16(static_cast<uint16_t>(value));
    u16(static_cast<uint16_t>(value >> 16));
  }
  const std::vector<uint8_t>& bytes() const { return bytes_; }

 private:
  std::vector<uint8_t> bytes_;
};

}  // namespace kqtorture
