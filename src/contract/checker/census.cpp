// Union-find over descriptor numbers, and a table of knotes.
#include "contract/checker/census.h"

#include <algorithm>

namespace kqtorture::contract::checking {
namespace {

// Numbers below this are looked up in an array: descriptors are, idents of other filters need not.
constexpr uint64_t kSmall = 1 << 16;
// Writes up to this are one instant, and ring once (I9, scope).
constexpr int64_t kOneInstant = 512;

uint64_t as_number(int64_t fd) { return static_cast<uint64_t>(fd); }

}  // namespace

bool names_descriptor(int16_t number) {
  switch (number) {
    case filter::kRead:
    case filter::kWrite:
    case filter::kVnode:
    case filter::kProcdesc:
    case filter::kEmpty:
      return true;
    default:
      return false;
  }
}

Census::Census(const HistoryView& history, const Profile& profile, const Host& host)
    : history_(history), profile_(profile), host_(host), small_numbers_(kSmall, kNone) {
  table_.assign(1024, 0);
  walk_objects(history);
  walk_knotes(history);
  for (const std::unique_ptr<Component>& component : components_) component->start();
}

uint32_t Census::node_of(uint64_t number) {
  uint32_t* known = nullptr;
  if (number < kSmall) {
    known = &small_numbers_[number];
  } else {
    known = &large_numbers_.try_emplace(number, kNone).first->second;
  }
  if (*known == kNone) {
    *known = static_cast<uint32_t>(numbers_.size());
    NumberNode node;
    node.number = number;
    node.parent = *known;
    numbers_.push_back(node);
  }
  return *known;
}

uint32_t Census::known_node(uint64_t number) const {
  if (number < kSmall) return small_numbers_[number];
  const auto found = large_numbers_.find(number);
  return found == large_numbers_.end() ? kNone : found->second;
}

Census::Place Census::number(uint64_t number) const {
  const uint32_t node = known_node(number);
  return node == kNone ? Place{} : numbers_[node].place;
}

bool Census::closed_meanwhile(uint32_t thread, const HistoryOp& op) {
  const uint32_t node = known_node(as_number(op.fd));
  return node != kNone && closings_[node].meet(thread, op);
}

uint32_t Census::root(uint32_t node) {
  while (numbers_[node].parent != node) {
    numbers_[node].parent = numbers_[numbers_[node].parent].parent;
    node = numbers_[node].parent;
  }
  return node;
}

void Census::unite(uint32_t a, uint32_t b) {
  a = root(a);
  b = root(b);
  if (a != b) numbers_[std::max(a, b)].parent = std::min(a, b);
}

// Is every byte accounted for?
void Census::note_transfer(const HistoryOp& op, uint32_t node) {
  const bool write = op.kind == OpKind::kWrite;
  if (!op.returned()) {
    if (!write || op.amount > kOneInstant) numbers_[node].inexact = true;
    return;
  }
  if (write && op.value >= 0 && (op.value != op.amount || op.amount > kOneInstant)) {
    // An eventfd takes 8 bytes for any amount.
    if (op.value != 8) numbers_[node].inexact = true;
  }
}

void Census::walk_object_call(const Binding& binding, std::vector<Binding>* bindings) {
  const HistoryOp& op = *binding.op;
  const bool failed = op.returned() && op.value < 0;
  if (!op.returned() && opens(op.kind) > 0) {
    unnamed_from_ = std::min(unnamed_from_, op.begin);
  }
  if (opens(op.kind) == 2) {
    if (op.returned() && !failed) {
      unite(node_of(as_number(op.fd)), node_of(as_number(op.fd2)));
      bindings->push_back(binding);
    }
    return;
  }
  if (opens(op.kind) == 1) {
    if (!op.returned() || failed) return;
    const uint32_t made = node_of(as_number(op.value));
    if (op.kind == OpKind::kDup) unite(made, node_of(as_number(op.fd)));
    bindings->push_back(binding);
    return;
  }
  switch (op.kind) {
    case OpKind::kDup2:
      if (failed) return;
      unite(node_of(as_number(op.fd)), node_of(as_number(op.fd2)));
      bindings->push_back(binding);
      break;
    case OpKind::kClose:
      if (failed) return;
      node_of(as_number(op.fd));
      bindings->push_back(binding);
      break;
    case OpKind::kRead:
    case OpKind::kWrite:
      note_transfer(op, node_of(as_number(op.fd)));
      break;
    case OpKind::kShutdown:
    case OpKind::kSeek:
    case OpKind::kTruncate:
      node_of(as_number(op.fd));
      break;
    default:
      break;
  }
}

void Census::walk_objects(const HistoryView& history) {
  std::vector<Binding> bindings;
  for (uint32_t t = 0; t < history.threads.size(); ++t) {
    const ThreadLog& log = history.threads[t];
    for (uint32_t i = 0; i < log.ops.size(); ++i) {
      const HistoryOp& op = log.ops[i];
      if (op.kind != OpKind::kKevent) {
        walk_object_call({{t, i}, &op}, &bindings);
        continue;
      }
      if (op.quiescent) quiet_times_.push_back(op.begin);
      for (const Event& event : log.changes(op)) {
        if (!names_descriptor(event.filter)) continue;
        constexpr uint16_t kOnce = flag::kOneshot | flag::kClear | flag::kForceOneshot;
        NumberNode& node = numbers_[node_of(event.ident)];
        if ((event.flags & kOnce) != 0) node.edges = true;
      }
      for (const Event& event : log.seen(op)) {
        if (names_descriptor(event.filter)) node_of(event.ident);
      }
    }
  }
  std::sort(quiet_times_.begin(), quiet_times_.end());
  std::stable_sort(bindings.begin(), bindings.end(),
                   [](const Binding& a, const Binding& b) { return a.op->begin < b.op->begin; });
  bind(bindings);
  kqueues_.build(bindings);
}

void Census::bind(const std::vector<Binding>& bindings) {
  for (const Binding& binding : bindings) {
    const HistoryOp& op = *binding.op;
    // What the first call says of the time before it: who opens a number found it closed, who
    // closes it found it open, and dup2 may have found either.
    const auto note = [&](int64_t fd, bool created, Open before) {
      NumberNode& node = numbers_[node_of(as_number(fd))];
      if (!node.seen_binding) node.initially = before;
      node.seen_binding = true;
      node.created = node.created || created;
    };
    if (opens(op.kind) == 2) {
      note(op.fd, true, Open::kClosed);
      note(op.fd2, true, Open::kClosed);
    } else if (opens(op.kind) == 1) {
      note(op.value, true, Open::kClosed);
    } else if (op.kind == OpKind::kDup2) {
      note(op.fd2, true, Open::kWild);
    } else {
      note(op.fd, false, Open::kOpen);
    }
  }
  // A component per root, numbers in the order in which they were met.
  std::vector<uint32_t> component(numbers_.size(), kNone);
  for (uint32_t i = 0; i < numbers_.size(); ++i) {
    const uint32_t at = root(i);
    if (component[at] == kNone) component[at] = new_component();
    NumberNode& node = numbers_[i];
    Layout& layout = components_[component[at]]->layout();
    // A number that the history never opens may be opened by whoever is not recorded.
    const Open initially = node.created ? node.initially : Open::kWild;
    node.place = {component[at], layout.add_number(node.number, initially)};
    layout.exact = layout.exact && !node.inexact;
    layout.edges = layout.edges || node.edges;
  }
  closings_.resize(numbers_.size());
  for (const Binding& binding : bindings) {
    const OpKind kind = binding.op->kind;
    if (kind != OpKind::kClose && kind != OpKind::kDup2) continue;
    const int64_t closed = kind == OpKind::kClose ? binding.op->fd : binding.op->fd2;
    const bool onto_itself = kind == OpKind::kDup2 && binding.op->fd == closed;
    if (!onto_itself) closings_[node_of(as_number(closed))].add(binding.ref.thread, *binding.op);
    const Place place = number(as_number(binding.op->fd));
    components_[place.component]->layout().closer(binding.ref.thread);
  }
}

uint32_t Census::new_component() {
  components_.push_back(std::make_unique<Component>(profile_, host_, history_.ns_per_tick));
  return static_cast<uint32_t>(components_.size() - 1);
}

size_t Census::slot(uint32_t kqueue, int16_t filter, uint64_t ident) const {
  uint64_t h = ident * 0x9e3779b97f4a7c15 + kqueue;
  h = (h ^ (h >> 31) ^ static_cast<uint16_t>(filter)) * 0xff51afd7ed558ccd;
  size_t at = (h >> 20) & (table_.size() - 1);
  while (table_[at] != 0) {
    const KnoteNode& node = knotes_[table_[at] - 1];
    if (node.ident == ident && node.filter == filter && node.kqueue == kqueue) break;
    at = (at + 1) & (table_.size() - 1);
  }
  return at;
}

uint32_t Census::knote(uint32_t kqueue, int16_t filter, uint64_t ident) const {
  const uint32_t found = table_[slot(kqueue, filter, ident)];
  return found == 0 ? kNone : found - 1;
}

void Census::grow() {
  std::vector<uint32_t> old(table_.size() * 2, 0);
  old.swap(table_);
  for (uint32_t i = 0; i < knotes_.size(); ++i) {
    table_[slot(knotes_[i].kqueue, knotes_[i].filter, knotes_[i].ident)] = i + 1;
  }
}

uint32_t Census::knote_of(uint32_t kqueue, const Event& event) {
  size_t at = slot(kqueue, event.filter, event.ident);
  if (table_[at] != 0) return table_[at] - 1;
  if (knotes_.size() * 2 > table_.size()) {
    grow();
    at = slot(kqueue, event.filter, event.ident);
  }
  KnoteNode node;
  node.kqueue = kqueue;
  node.filter = event.filter;
  node.ident = event.ident;
  uint16_t number = kNoIndex;
  if (names_descriptor(event.filter)) {
    const Place& place = numbers_[node_of(event.ident)].place;
    node.place.component = place.component;
    number = place.index;
  } else {
    node.place.component = new_component();
  }
  Layout& layout = components_[node.place.component]->layout();
  node.place.index = layout.add_cell(event.ident, kqueue, event.filter, number);
  knotes_.push_back(node);
  const uint32_t knote = static_cast<uint32_t>(knotes_.size() - 1);
  table_[at] = knote + 1;
  if (by_kqueue_.size() <= kqueue) by_kqueue_.resize(kqueue + 1);
  by_kqueue_[kqueue].push_back(knote);
  return knote;
}

void Census::walk_knotes(const HistoryView& history) {
  for (const ThreadLog& log : history.threads) {
    std::vector<uint32_t>& routes = routes_.emplace_back(log.events.size(), kNone);
    for (const HistoryOp& op : log.ops) {
      if (op.kind != OpKind::kKevent || op.changes + op.seen == 0) continue;
      const std::vector<Kqueues::Meaning>& meanings = kqueues_.meanings(op.fd, op.begin, op.end);
      for (const Kqueues::Meaning& meaning : meanings) {
        for (uint32_t e = op.first; e < op.first + op.changes + op.seen; ++e) {
          const uint32_t knote = knote_of(meaning.identity, log.events[e]);
          if (meanings.size() == 1) routes[e] = knote;
        }
      }
    }
  }
  by_kqueue_.resize(kqueues_.identities() + 1);
}

}  // namespace kqtorture::contract::checking
