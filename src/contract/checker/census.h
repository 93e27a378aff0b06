// Which objects, numbers and knotes are there, and which of them have to do with each other?
//
// One walk over the history before it is judged. Descriptor numbers that pairs, dup, dup2 and reuse
// connect are one component, with all knotes on them; a USER or TIMER knote is one by itself. What
// has no bearing on each other is then judged apart, which is what makes long histories affordable.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <unordered_map>
#include <vector>

#include "contract/checker/closings.h"
#include "contract/checker/component.h"
#include "contract/checker/history.h"
#include "contract/checker/kqueues.h"

namespace kqtorture::contract::checking {

class Census {
 public:
  Census(const HistoryView& history, const Profile& profile, const Host& host);

  static constexpr uint32_t kNone = UINT32_MAX;
  struct Place {
    uint32_t component = kNone;
    uint16_t index = kNoIndex;  // of the cell, or of the number, in the component
  };

  std::vector<std::unique_ptr<Component>>& components() { return components_; }
  Kqueues& kqueues() { return kqueues_; }

  // kNone when nothing of the history names it.
  Place number(uint64_t number) const;
  // Was the number closed by another thread while this read() or write() of it was under way? Asked
  // in the order of begins.
  bool closed_meanwhile(uint32_t thread, const HistoryOp& op);
  // Of an event of a call that means one kqueue; an index into knotes(), or kNone.
  uint32_t route(uint32_t thread, uint32_t event) const { return routes_[thread][event]; }
  uint32_t knote(uint32_t kqueue, int16_t filter, uint64_t ident) const;
  const Place& place(uint32_t knote) const { return knotes_[knote].place; }
  // The knotes that the history names of a kqueue.
  std::span<const uint32_t> knotes_of(uint32_t kqueue) const {
    if (kqueue >= by_kqueue_.size()) return {};
    return by_kqueue_[kqueue];
  }
  // Times of quiescent probes, in order.
  const std::vector<uint64_t>& quiet_times() const { return quiet_times_; }
  // The first call that may open a number and has not said which: nothing after it is certain.
  uint64_t unnamed_from() const { return unnamed_from_; }

 private:
  struct NumberNode {
    uint64_t number = 0;
    uint32_t parent = 0;
    bool seen_binding = false;  // a call that opens or closes it was recorded
    bool created = false;
    Open initially = Open::kWild;
    bool inexact = false;
    bool edges = false;
    Place place;
  };
  struct KnoteNode {
    uint32_t kqueue = 0;
    int16_t filter = 0;
    uint64_t ident = 0;
    Place place;
  };

  uint32_t node_of(uint64_t number);
  uint32_t known_node(uint64_t number) const;
  uint32_t root(uint32_t node);
  void unite(uint32_t a, uint32_t b);
  void walk_objects(const HistoryView& history);
  void walk_object_call(const Binding& binding, std::vector<Binding>* bindings);
  void note_transfer(const HistoryOp& op, uint32_t node);
  void bind(const std::vector<Binding>& bindings);
  void walk_knotes(const HistoryView& history);
  uint32_t knote_of(uint32_t kqueue, const Event& event);
  uint32_t new_component();
  size_t slot(uint32_t kqueue, int16_t filter, uint64_t ident) const;
  void grow();

  const HistoryView& history_;
  const Profile& profile_;
  const Host& host_;
  std::vector<std::unique_ptr<Component>> components_;
  Kqueues kqueues_;
  std::vector<NumberNode> numbers_;
  std::vector<Closings> closings_;       // of each of them
  std::vector<uint32_t> small_numbers_;  // node of numbers below kSmall
  std::unordered_map<uint64_t, uint32_t> large_numbers_;
  std::vector<KnoteNode> knotes_;
  std::vector<uint32_t> table_;  // knote + 1, or 0
  std::vector<std::vector<uint32_t>> by_kqueue_;
  std::vector<std::vector<uint32_t>> routes_;
  std::vector<uint64_t> quiet_times_;
  uint64_t unnamed_from_ = kUnreturned;
};

// Filters whose ident is a descriptor number.
bool names_descriptor(int16_t number);

}  // namespace kqtorture::contract::checking
