// All explanations that are still possible, without repetition.
//
// A way is a world and the set of points that were placed to come to it, one bit each. Two ways
// that placed the same points and came to the same world have the same future: one is kept (Lowe's
// memoisation). Rows of equal size in one array, found by hash once there are more than a few.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

namespace kqtorture::contract::checking {

class Ways {
 public:
  // Forgets all; rows are the set and a world of `world_bytes`, a multiple of 8.
  void reset(size_t world_bytes);
  void clear();

  size_t count() const { return count_; }
  uint64_t placed(size_t index) const { return words_[index * row_]; }
  void set_placed(size_t index, uint64_t placed) { words_[index * row_] = placed; }
  uint8_t* world(size_t index) { return reinterpret_cast<uint8_t*>(&words_[index * row_ + 1]); }
  const uint64_t* row(size_t index) const { return &words_[index * row_]; }
  size_t row_bytes() const { return row_ * sizeof(uint64_t); }
  size_t row_words() const { return row_; }

  // Adds a row unless it is there; true when it is new. `row` may not point into this.
  bool add(const uint64_t* row);
  // Where the row is, or count().
  size_t find(const uint64_t* row) const;
  // After rows were changed in place: drops repetitions.
  void unify();
  // Keeps the rows for which `keep` is 1.
  void keep_only(const std::vector<uint8_t>& keep);
  void swap(Ways* other);

 private:
  // Below this, comparing is cheaper than hashing.
  static constexpr size_t kFew = 8;
  uint64_t hash(const uint64_t* row) const;
  size_t find_hashed(const uint64_t* row, uint64_t hash) const;
  void index_all();
  void insert(size_t index);

  size_t row_ = 1;  // in words
  size_t count_ = 0;
  std::vector<uint64_t> words_;
  std::vector<uint64_t> hashes_;  // of the rows, while there is a table
  std::vector<uint32_t> table_;   // index + 1, or 0; empty while there are few
};

}  // namespace kqtorture::contract::checking
