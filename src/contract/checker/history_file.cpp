// The binary form: one writer and one reader of the same sequence of numbers. Every number is a
// LEB128 varint, signed ones zigzag; times are differences from the time before in the same thread.
#include "contract/checker/history_file.h"

#include <bit>
#include <cstdio>
#include <cstring>
#include <memory>

namespace kqtorture::contract {
namespace {

constexpr char kMagic[8] = {'k', 'q', 'h', 'i', 's', 't', '2', '\n'};
// No run has more threads; a hostile count must not become an allocation.
constexpr uint64_t kMostThreads = 4096;
// A call is never shorter than this in the file: begin, kind, fd, fd2, error, value, amount.
constexpr size_t kShortestOp = 7;
constexpr size_t kShortestEvent = 6;

class Writer {
 public:
  void number(uint64_t value) {
    while (value >= 0x80) {
      bytes.push_back(static_cast<uint8_t>(value | 0x80));
      value >>= 7;
    }
    bytes.push_back(static_cast<uint8_t>(value));
  }
  void zigzag(int64_t value) {
    number((static_cast<uint64_t>(value) << 1) ^ static_cast<uint64_t>(value >> 63));
  }
  void event(const Event& event) {
    number(event.ident);
    zigzag(event.filter);
    number(event.flags);
    number(event.fflags);
    zigzag(event.data);
    number(event.udata);
  }
  std::vector<uint8_t> bytes;
};

// After a failure every number is 0 and `failed` stays set.
class Reader {
 public:
  explicit Reader(std::span<const uint8_t> bytes) : bytes_(bytes) {}

  uint64_t number() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      if (at_ == bytes_.size()) break;
      const uint8_t byte = bytes_[at_++];
      const uint64_t part = byte & 0x7f;
      if (shift == 63 && part > 1) break;
      value |= part << shift;
      if ((byte & 0x80) == 0) return value;
    }
    failed_ = true;
    at_ = bytes_.size();
    return 0;
  }
  int64_t zigzag() {
    const uint64_t value = number();
    return static_cast<int64_t>((value >> 1) ^ (~(value & 1) + 1));
  }
  template <typename T>
  T small() {
    return narrow<T>(number(), static_cast<T>(-1));
  }
  template <typename T>
  T small_zigzag() {
    const int64_t value = zigzag();
    if (value != static_cast<T>(value)) failed_ = true;
    return static_cast<T>(value);
  }
  Event event() {
    Event event;
    event.ident = number();
    event.filter = small_zigzag<int16_t>();
    event.flags = small<uint16_t>();
    event.fflags = small<uint32_t>();
    event.data = zigzag();
    event.udata = number();
    return event;
  }
  // A count of things that take at least `size` bytes each.
  uint64_t count(size_t size) {
    const uint64_t value = number();
    if (value > left() / size) failed_ = true;
    return failed_ ? 0 : value;
  }
  size_t left() const { return bytes_.size() - at_; }
  bool failed() const { return failed_; }

 private:
  template <typename T>
  T narrow(uint64_t value, T) {
    if (value != static_cast<T>(value)) failed_ = true;
    return static_cast<T>(value);
  }
  std::span<const uint8_t> bytes_;
  size_t at_ = 0;
  bool failed_ = false;
};

constexpr uint64_t kReturned = 1, kQuiescent = 2, kUnreadable = 4;

void write_thread(const ThreadLog& log, Writer* out) {
  out->number(log.ops.size());
  out->number(log.truncated == kUnreturned ? 0 : 1);
  if (log.truncated != kUnreturned) out->number(log.truncated);
  uint64_t last = 0;
  for (const HistoryOp& op : log.ops) {
    const uint64_t bits = (op.returned() ? kReturned : 0) | (op.quiescent ? kQuiescent : 0) |
                          (op.unreadable ? kUnreadable : 0);
    out->number(op.begin - last);
    out->number(static_cast<uint64_t>(op.kind) << 8 | static_cast<uint64_t>(op.timeout) << 4 |
                bits);
    if (op.returned()) out->number(op.end - op.begin);
    last = op.returned() ? op.end : op.begin;
    out->zigzag(op.fd);
    out->zigzag(op.fd2);
    out->zigzag(op.error);
    out->zigzag(op.value);
    out->zigzag(op.amount);
    if (op.kind != OpKind::kKevent) continue;
    out->zigzag(op.nchanges);
    out->zigzag(op.nevents);
    out->number(op.changes);
    out->number(op.seen);
    for (const Event& event : log.changes(op)) out->event(event);
    for (const Event& event : log.seen(op)) out->event(event);
  }
}

void read_op(Reader* in, uint64_t* last, History::Thread* thread) {
  HistoryOp op;
  op.begin = *last + in->number();
  const uint64_t word = in->number();
  op.kind = static_cast<OpKind>(word >> 8 & 0xff);
  op.timeout = static_cast<Timeout>(word >> 4 & 0xf);
  op.quiescent = (word & kQuiescent) != 0;
  op.unreadable = (word & kUnreadable) != 0;
  op.end = (word & kReturned) != 0 ? op.begin + in->number() : kUnreturned;
  *last = op.returned() ? op.end : op.begin;
  op.fd = in->small_zigzag<int32_t>();
  op.fd2 = in->small_zigzag<int32_t>();
  op.error = in->small_zigzag<int32_t>();
  op.value = in->zigzag();
  op.amount = in->zigzag();
  std::vector<Event> events;
  size_t changes = 0;
  if (op.kind == OpKind::kKevent) {
    op.nchanges = in->small_zigzag<int32_t>();
    op.nevents = in->small_zigzag<int32_t>();
    changes = in->count(kShortestEvent);
    const size_t seen = in->count(kShortestEvent);
    if (changes > kLongestList || seen > kLongestList) changes = op.seen = 0;
    for (size_t i = 0; i < changes + seen && !in->failed(); ++i) events.push_back(in->event());
  }
  if (in->failed() || events.size() < changes) return;
  const std::span<const Event> all = events;
  thread->add(op, all.first(changes), all.subspan(changes));
}

}  // namespace

std::vector<uint8_t> to_bytes(const HistoryView& view) {
  Writer out;
  out.bytes.assign(kMagic, kMagic + sizeof kMagic);
  out.number(std::bit_cast<uint64_t>(view.ns_per_tick));
  out.number(view.threads.size());
  for (const ThreadLog& log : view.threads) write_thread(log, &out);
  return std::move(out.bytes);
}

std::optional<History> history_from_bytes(std::span<const uint8_t> bytes, std::string* error) {
  if (bytes.size() < sizeof kMagic || std::memcmp(bytes.data(), kMagic, sizeof kMagic) != 0) {
    *error = "this is no history: it does not begin with the word kqhist2";
    return std::nullopt;
  }
  Reader in(bytes.subspan(sizeof kMagic));
  History history;
  history.ns_per_tick = std::bit_cast<double>(in.number());
  const uint64_t threads = in.number();
  if (threads > kMostThreads) {
    *error = "the history names " + std::to_string(threads) + " threads, more than " +
             std::to_string(kMostThreads);
    return std::nullopt;
  }
  for (uint64_t t = 0; t < threads && !in.failed(); ++t) {
    History::Thread& thread = history.threads.emplace_back();
    const uint64_t ops = in.count(kShortestOp);
    if (in.number() != 0) thread.truncated = in.number();
    uint64_t last = 0;
    for (uint64_t i = 0; i < ops && !in.failed(); ++i) read_op(&in, &last, &thread);
  }
  if (in.failed()) {
    *error = "the history is cut short or garbled";
    return std::nullopt;
  }
  if (in.left() != 0) {
    *error = "the history is followed by " + std::to_string(in.left()) + " bytes of something else";
    return std::nullopt;
  }
  const std::string what = malformed(history.view());
  if (!what.empty()) {
    *error = "the history is malformed: " + what;
    return std::nullopt;
  }
  return history;
}

namespace {

struct Closer {
  void operator()(std::FILE* file) const { std::fclose(file); }
};
using File = std::unique_ptr<std::FILE, Closer>;

std::string why(const char* what, const std::string& path) {
  return std::string("cannot ") + what + " " + path + ": " + std::strerror(errno);
}

}  // namespace

bool write_history(const HistoryView& view, const std::string& path, std::string* error) {
  const std::vector<uint8_t> bytes = to_bytes(view);
  const std::string unfinished = path + ".part";
  File file(std::fopen(unfinished.c_str(), "wb"));
  bool written = file && std::fwrite(bytes.data(), 1, bytes.size(), file.get()) == bytes.size();
  if (written) written = std::fclose(file.release()) == 0;
  if (written) written = std::rename(unfinished.c_str(), path.c_str()) == 0;
  if (written) return true;
  *error = why("write", path);
  std::remove(unfinished.c_str());
  return false;
}

std::optional<History> read_history(const std::string& path, std::string* error) {
  const File file(std::fopen(path.c_str(), "rb"));
  if (!file) {
    *error = why("read", path);
    return std::nullopt;
  }
  std::vector<uint8_t> bytes;
  uint8_t chunk[1 << 16];
  while (const size_t got = std::fread(chunk, 1, sizeof chunk, file.get())) {
    bytes.insert(bytes.end(), chunk, chunk + got);
    if (bytes.size() > kLargestHistoryFile) {
      *error = path + " is larger than " + std::to_string(kLargestHistoryFile >> 20) + " MiB";
      return std::nullopt;
    }
  }
  if (std::ferror(file.get()) != 0) {
    *error = why("read", path);
    return std::nullopt;
  }
  return history_from_bytes(bytes, error);
}

}  // namespace kqtorture::contract
