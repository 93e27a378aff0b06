// Which kqueue did a call mean, when numbers come and go?
//
// A kqueue lives from the call that made it until the last of its descriptors is closed, and its
// number may be another one's afterwards. Everything here is intervals: a call means a kqueue when
// it may have found it open, and where that may be said of two nobody says which it was.
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "contract/checker/call_outcome.h"
#include "contract/checker/history.h"

namespace kqtorture::contract::checking {

// A call that opens or closes descriptor numbers.
struct Binding {
  OpRef ref;
  const HistoryOp* op = nullptr;
};

class Kqueues {
 public:
  // `bindings` in order of their begin.
  void build(const std::vector<Binding>& bindings);

  struct Meaning {
    KqueueOpen open = KqueueOpen::kMaybe;
    // What its knotes are filed under; kqueues whose lives do not touch may share one.
    uint32_t identity = 0;
    bool dying = false;  // the call may overlap the end of the kqueue
    bool known = false;  // the number was a kqueue's at some time
  };
  // The kqueues that a call on this number may mean: none when it was surely not open as one.
  // The answer is valid until the next call.
  const std::vector<Meaning>& meanings(int32_t number, uint64_t begin, uint64_t end);

  // The identity that ends with this call, or -1.
  int64_t ended_by(OpRef ref) const;
  uint32_t identities() const { return identities_; }

 private:
  struct Window {
    uint64_t from = 0, surely_from = 0;                // the opening call
    uint64_t closing = kUnreturned, to = kUnreturned;  // the closing call
    uint32_t kqueue = 0;  // while they are told apart also of what is no kqueue
    OpRef closed_by;
    const HistoryOp* opened_by = nullptr;
    uint64_t reach = 0;  // the latest `to` of this window and those before it
  };
  struct Kqueue {
    int32_t number = 0;
    uint64_t from = 0;
    uint32_t identity = 0;
    uint64_t dying = kUnreturned, dead = kUnreturned;
  };
  void open_all(const std::vector<Binding>& bindings);
  void open(int32_t number, uint32_t kqueue, const HistoryOp& op);
  static void match_closes(std::vector<Window>* windows, std::vector<Binding> closes);
  void name_identities();
  void duplicate(const HistoryOp& op, Window* made) const;

  std::unordered_map<int32_t, std::vector<Window>> windows_;
  std::vector<Kqueue> kqueues_;
  std::unordered_map<uint64_t, uint32_t> ends_;
  std::unordered_map<int32_t, uint32_t> implicit_;  // identities of numbers never opened
  uint32_t identities_ = 0;
  std::vector<Meaning> answer_;
};

}  // namespace kqtorture::contract::checking
