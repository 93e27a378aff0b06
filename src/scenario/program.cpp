// The few facts about a program that are worth a function.
// They are kept out of the header because parser, engines and reports share them.
#include "scenario/program.h"

#include <csignal>

#include "subject/subject.h"

namespace kqtorture {

int ends_of(ObjectKind kind) {
  switch (kind) {
    case ObjectKind::kPipe:
    case ObjectKind::kSocketpair:
    case ObjectKind::kDgrampair:
    case ObjectKind::kTcp:
      return 2;
    case ObjectKind::kUser:
    case ObjectKind::kTimer:
    case ObjectKind::kSignal:
    case ObjectKind::kChild:
      return 0;
    default:
      return 1;
  }
}

char end_letter(ObjectKind kind, int end) {
  if (kind == ObjectKind::kPipe) return end == 0 ? 'r' : 'w';
  return end == 0 ? 'a' : 'b';
}

namespace {
constexpr std::string_view kSignalNames[kSignalWords] = {
    "USR1", "USR2", "URG", "WINCH", "RT1", "RT2",  "RT3",  "RT4",
    "RT5",  "RT6",  "RT7", "RT8",   "RT9", "RT10", "RT11", "RT12"};
constexpr int kSignalNumbers[] = {SIGUSR1, SIGUSR2, SIGURG, SIGWINCH};
constexpr int kPlainSignals = 4;
// The first real-time signals are left to whoever runs programs (engine/watch.cpp).
[[maybe_unused]] constexpr int kOthersRealtime = 8;
}  // namespace

std::string_view signal_word(int64_t value) {
  return kSignalNames[static_cast<size_t>(value % kHandled) % kSignalWords];
}

int signal_of(int64_t value) {
  const int word = static_cast<int>(value % kHandled) % kSignalWords;
  if (word < kPlainSignals) return kSignalNumbers[word];
#if defined(SIGRTMIN)
  return SIGRTMIN + kOthersRealtime + word - kPlainSignals;
#else
  return -1;
#endif
}

int64_t signal_of_word(std::string_view word) {
  for (int i = 0; i < kSignalWords; i++) {
    if (kSignalNames[i] == word) return i;
  }
  return -1;
}

uint64_t udata_of_name(std::string_view name) {
  uint64_t packed = 0;
  for (size_t i = 0; i < name.size() && i < sizeof packed; i++) {
    packed |= uint64_t{static_cast<unsigned char>(name[i])} << (8 * i);
  }
  return packed;
}

std::string name_of_udata(uint64_t udata) {
  std::string name;
  for (; udata != 0; udata >>= 8) {
    const char c = static_cast<char>(udata & 0xff);
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
    const bool digit = c >= '0' && c <= '9';
    if (!letter && (!digit || name.empty())) return {};
    name += c;
  }
  return name;
}

void normalize(Op* op) {
  if (op->kind != OpKind::kKevent) {
    Op plain;
    plain.kind = op->kind;
    plain.target = op->target;
    plain.other = op->other;
    plain.amount = op->amount;
    plain.expect = std::move(op->expect);
    *op = std::move(plain);
  }
  using enum OpKind;
  const OpKind kind = op->kind;
  const bool uses_other = kind == kTrigger || kind == kDup || kind == kDup2 || kind == kConnect ||
                          kind == kAccept || kind == kRename;
  const bool uses_amount = kind == kWrite || kind == kRead || kind == kShutdown || kind == kSleep ||
                           kind == kSeek || kind == kTruncate || kind == kExit || kind == kKill;
  if (!has_target(kind)) op->target = Ref{};
  if (!uses_other) op->other = Ref{};
  if (!uses_amount) op->amount = 0;
  if (!op->count_given) op->count = 0;
  if (op->wait != Wait::kExplicit) op->seconds = op->nanoseconds = 0;
}

void normalize(Program* program) {
  for (Thread& thread : program->threads) {
    for (Op& op : thread.ops) normalize(&op);
  }
}

size_t count_ops(const Program& program) {
  size_t count = 0;
  for (const Thread& thread : program.threads) count += thread.ops.size();
  return count;
}

void erase_object(Program* program, uint8_t index) {
  constexpr uint8_t kNoObject = Ref::kNumber - 1;
  program->objects.erase(program->objects.begin() + index);
  each_ref(program, [&](Ref* ref) {
    if (ref->object == Ref::kNumber || ref->object < index) return;
    ref->object = ref->object == index ? kNoObject : static_cast<uint8_t>(ref->object - 1);
  });
}

void erase_unused_objects(Program* program) {
  std::vector<bool> used(program->objects.size());
  each_ref(program, [&](const Ref* ref) {
    if (ref->object < used.size()) used[ref->object] = true;
  });
  for (size_t i = used.size(); i-- > 0;) {
    if (!used[i]) erase_object(program, static_cast<uint8_t>(i));
  }
}

size_t count_changes(const Program& program) {
  size_t count = 0;
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) count += op.changes.size();
  }
  return count;
}

size_t count_threads(const Program& program) {
  size_t count = 0;
  for (const Thread& thread : program.threads) count += thread.role == Role::kThread;
  return count;
}

bool is_sequential(const Program& program) { return count_threads(program) <= 1; }

bool is_descriptor_filter(int16_t filter) {
  return filter == filter::kRead || filter == filter::kWrite || filter == filter::kVnode ||
         filter == filter::kProcdesc || filter == filter::kEmpty;
}

}  // namespace kqtorture
