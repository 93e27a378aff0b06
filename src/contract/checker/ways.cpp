// A hash table of rows, as plain as it can be: linear probing, half full at most, never deleted
// from.
#include "contract/checker/ways.h"

#include <algorithm>

namespace kqtorture::contract::checking {

void Ways::reset(size_t world_bytes) {
  row_ = 1 + world_bytes / sizeof(uint64_t);
  words_.clear();
  clear();
}

void Ways::clear() {
  count_ = 0;
  table_.clear();
}

uint64_t Ways::hash(const uint64_t* row) const {
  uint64_t h = 0x9e3779b97f4a7c15;
  for (size_t i = 0; i < row_; ++i) {
    h = (h ^ row[i]) * 0xff51afd7ed558ccd;
    h ^= h >> 32;
  }
  return h;
}

void Ways::insert(size_t index) {
  const size_t mask = table_.size() - 1;
  size_t at = hash(row(index)) & mask;
  while (table_[at] != 0) at = (at + 1) & mask;
  table_[at] = static_cast<uint32_t>(index + 1);
}

void Ways::index_all() {
  size_t size = 4 * kFew;
  while (size < 4 * count_) size *= 2;
  table_.assign(size, 0);
  for (size_t i = 0; i < count_; ++i) insert(i);
}

bool Ways::add(const uint64_t* candidate) {
  const size_t bytes = row_bytes();
  if (table_.empty()) {
    for (size_t i = 0; i < count_; ++i) {
      if (std::memcmp(row(i), candidate, bytes) == 0) return false;
    }
  } else {
    const size_t mask = table_.size() - 1;
    for (size_t at = hash(candidate) & mask; table_[at] != 0; at = (at + 1) & mask) {
      if (std::memcmp(row(table_[at] - 1), candidate, bytes) == 0) return false;
    }
  }
  if (words_.size() < (count_ + 1) * row_) words_.resize(std::max((count_ + 1) * 2, kFew) * row_);
  std::memcpy(&words_[count_ * row_], candidate, bytes);
  ++count_;
  if (table_.empty() ? count_ > kFew : count_ * 2 > table_.size()) {
    index_all();
  } else if (!table_.empty()) {
    insert(count_ - 1);
  }
  return true;
}

void Ways::unify() {
  table_.clear();
  if (count_ < 2) return;
  const size_t all = count_;
  count_ = 0;
  std::vector<uint64_t> row_copy(row_);
  for (size_t i = 0; i < all; ++i) {
    std::memcpy(row_copy.data(), row(i), row_bytes());
    add(row_copy.data());
  }
}

void Ways::keep_only(const std::vector<uint8_t>& keep) {
  size_t kept = 0;
  for (size_t i = 0; i < count_; ++i) {
    if (keep[i] == 0) continue;
    if (kept != i) std::memmove(&words_[kept * row_], &words_[i * row_], row_bytes());
    ++kept;
  }
  count_ = kept;
  table_.clear();
  if (count_ > kFew) index_all();
}

void Ways::swap(Ways* other) {
  std::swap(row_, other->row_);
  std::swap(count_, other->count_);
  words_.swap(other->words_);
  table_.swap(other->table_);
}

}  // namespace kqtorture::contract::checking
