// Two open tables, by word and by object, emptied by counting rounds.
#include "sched/race_detector.h"

#include <algorithm>

namespace kqtorture::sched {
namespace {

constexpr size_t kFirstSize = 1024;

size_t slot(uintptr_t address, size_t size) {
  return (address * 0x9e3779b97f4a7c15u >> 20) & (size - 1);
}

}  // namespace

RaceDetector::RaceDetector() : words_(kFirstSize), objects_(kFirstSize) {}

void RaceDetector::reset() {
  if (++round_ == 0) begin_again();
  word_count_ = object_count_ = more_count_ = 0;
  clocks_ = {};
  for (uint32_t i = 0; i < kThreads; i++) clocks_[i][i] = 1;
}

// Rounds have wrapped: what is left of old ones must not be taken for new.
void RaceDetector::begin_again() {
  for (Word& entry : words_) entry.round = 0;
  for (Object& entry : objects_) entry.round = 0;
  round_ = 1;
}

void RaceDetector::fork(uint32_t parent, uint32_t child) {
  join(child, parent);
  clocks_[parent][parent]++;
}

void RaceDetector::join(uint32_t parent, uint32_t child) {
  Clock& into = clocks_[parent];
  for (uint32_t i = 0; i < kThreads; i++) into[i] = std::max(into[i], clocks_[child][i]);
}

RaceDetector::Object* RaceDetector::object_of(uintptr_t object, bool make) {
  for (size_t i = slot(object, objects_.size());; i = (i + 1) & (objects_.size() - 1)) {
    Object& entry = objects_[i];
    if (entry.round == round_ && entry.object == object) return &entry;
    if (entry.round == round_) continue;
    if (!make) return nullptr;
    if (++object_count_ * 2 > objects_.size()) {
      grow_objects();
      object_count_--;
      return object_of(object, make);
    }
    entry.object = object;
    entry.round = round_;
    entry.clock = {};
    return &entry;
  }
}

void RaceDetector::grow_objects() {
  std::vector<Object> old(objects_.size() * 2);
  old.swap(objects_);
  for (const Object& entry : old) {
    if (entry.round != round_) continue;
    size_t i = slot(entry.object, objects_.size());
    while (objects_[i].round == round_) i = (i + 1) & (objects_.size() - 1);
    objects_[i] = entry;
  }
}

void RaceDetector::acquire(uint32_t thread, uintptr_t object) {
  const Object* entry = object_of(object, false);
  if (entry == nullptr) return;
  Clock& into = clocks_[thread];
  for (uint32_t i = 0; i < kThreads; i++) into[i] = std::max(into[i], entry->clock[i]);
}

void RaceDetector::release(uint32_t thread, uintptr_t object) {
  Object* entry = object_of(object, true);
  const Clock& from = clocks_[thread];
  for (uint32_t i = 0; i < kThreads; i++) entry->clock[i] = std::max(entry->clock[i], from[i]);
  clocks_[thread][thread]++;
}

void RaceDetector::release_store(uint32_t thread, uintptr_t object) {
  object_of(object, true)->clock = clocks_[thread];
  clocks_[thread][thread]++;
}

RaceDetector::Word& RaceDetector::word_of(uintptr_t word) {
  for (size_t i = slot(word, words_.size());; i = (i + 1) & (words_.size() - 1)) {
    Word& entry = words_[i];
    if (entry.round == round_ && entry.word == word) return entry;
    if (entry.round == round_) continue;
    if (++word_count_ * 2 > words_.size()) {
      grow_words();
      word_count_--;
      return word_of(word);
    }
    entry.word = word;
    entry.round = round_;
    entry.count = entry.more = 0;
    return entry;
  }
}

void RaceDetector::grow_words() {
  std::vector<Word> old(words_.size() * 2);
  old.swap(words_);
  for (const Word& entry : old) {
    if (entry.round != round_) continue;
    size_t i = slot(entry.word, words_.size());
    while (words_[i].round == round_) i = (i + 1) & (words_.size() - 1);
    words_[i] = entry;
  }
}

void RaceDetector::remember(Word* word, const Cell& cell) {
  if (word->more != 0) {
    more_[word->more - 1].push_back(cell);
  } else if (word->count < kCells) {
    word->cells[word->count] = cell;
  } else if (more_count_ < UINT16_MAX) {
    if (more_count_ == more_.size()) more_.emplace_back();
    std::vector<Cell>& cells = more_[more_count_++];
    cells.assign(word->cells, word->cells + kCells);
    cells.push_back(cell);
    word->more = static_cast<uint16_t>(more_count_);
  } else {
    return;  // a race the less is found
  }
  word->count++;
}

std::optional<RaceDetector::Race> RaceDetector::access(uintptr_t address, const Access& now) {
  Word& word = word_of(address & ~uintptr_t{7});
  const Clock& clock = clocks_[now.thread];
  const auto bytes = static_cast<uint8_t>(((1u << now.size) - 1) << (address & 7));
  const Cell cell{clock[now.thread], now.stack, now.site,  static_cast<uint8_t>(now.thread), bytes,
                  now.size,          now.write, now.atomic};
  std::optional<Race> race;
  Cell* const cells = word.more != 0 ? more_[word.more - 1].data() : word.cells;
  size_t kept = 0;
  for (size_t i = 0; i < word.count; i++) {
    Cell old = cells[i];
    if ((old.bytes & bytes) != 0) {
      if (ordered(old, clock)) {
        if (takes_over(cell, old)) old.bytes &= static_cast<uint8_t>(~bytes);
      } else if (!race && (old.write || now.write) && !(old.atomic && now.atomic)) {
        race =
            Race{address, {old.thread, old.stack, old.size, old.write, old.atomic, old.site}, now};
      }
    }
    if (old.bytes != 0) cells[kept++] = old;
  }
  word.count = static_cast<uint16_t>(kept);
  if (word.more != 0) more_[word.more - 1].resize(kept);
  remember(&word, cell);
  return race;
}

}  // namespace kqtorture::sched
