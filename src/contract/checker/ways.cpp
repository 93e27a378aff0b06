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
  hashes_.clear();
  table_.clear();
}

uint64_t Ways::hash(const uint64_t* row) const {
  // Four at a time: a multiplication takes longer than it keeps the next one waiting.
  constexpr uint64_t kFactor = 0xff51afd7ed558ccd;
  uint64_t h[4] = {0x9e3779b97f4a7c15, 1, 2, 3};
  const auto mix = [](uint64_t state, uint64_t word) {
    state = (state ^ word) * kFactor;
    return state ^ state >> 32;
  };
  size_t i = 0;
  for (; i + 4 <= row_; i += 4) {
    for (size_t lane = 0; lane < 4; ++lane) h[lane] = mix(h[lane], row[i + lane]);
  }
  for (; i < row_; ++i) h[i % 4] = mix(h[i % 4], row[i]);
  return mix(mix(mix(h[0], h[1]), h[2]), h[3]);
}

void Ways::insert(size_t index) {
  const size_t mask = table_.size() - 1;
  size_t at = hashes_[index] & mask;
  while (table_[at] != 0) at = (at + 1) & mask;
  table_[at] = static_cast<uint32_t>(index + 1);
}

void Ways::index_all() {
  size_t size = 4 * kFew;
  while (size < 4 * count_) size *= 2;
  for (size_t i = hashes_.size(); i < count_; ++i) hashes_.push_back(hash(row(i)));
  table_.assign(size, 0);
  for (size_t i = 0; i < count_; ++i) insert(i);
}

size_t Ways::find(const uint64_t* candidate) const {
  const size_t bytes = row_bytes();
  if (table_.empty()) {
    for (size_t i = 0; i < count_; ++i) {
      if (std::memcmp(row(i), candidate, bytes) == 0) return i;
    }
    return count_;
  }
  return find_hashed(candidate, hash(candidate));
}

size_t Ways::find_hashed(const uint64_t* candidate, uint64_t hashed) const {
  const size_t mask = table_.size() - 1;
  for (size_t at = hashed & mask; table_[at] != 0; at = (at + 1) & mask) {
    const size_t index = table_[at] - 1;
    if (hashes_[index] != hashed) continue;
    if (std::memcmp(row(index), candidate, row_bytes()) == 0) return index;
  }
  return count_;
}

bool Ways::add(const uint64_t* candidate) {
  const size_t bytes = row_bytes();
  const uint64_t hashed = table_.empty() ? 0 : hash(candidate);
  const size_t found = table_.empty() ? find(candidate) : find_hashed(candidate, hashed);
  if (found != count_) return false;
  if (!table_.empty()) hashes_.push_back(hashed);
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
  hashes_.clear();
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
    if (!hashes_.empty()) hashes_[kept] = hashes_[i];
    ++kept;
  }
  count_ = kept;
  if (!hashes_.empty()) hashes_.resize(kept);
  table_.clear();
  if (count_ > kFew) index_all();
}

void Ways::swap(Ways* other) {
  std::swap(row_, other->row_);
  std::swap(count_, other->count_);
  words_.swap(other->words_);
  hashes_.swap(other->hashes_);
  table_.swap(other->table_);
}

}  // namespace kqtorture::contract::checking
