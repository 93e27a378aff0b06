// Of one thread every answer has an expectation of its own. Of several, what is wrong is that their
// answers came together although some calls had ended before others began; so the program keeps
// that order, and asks for those answers. Whatever order explained them there would have explained
// what the finding saw, so an exported program accuses nobody by chance.
#include "cli/finding_in_c.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <optional>
#include <set>

#include "contract/host.h"
#include "contract/profile.h"
#include "engine/forbid.h"
#include "engine/foresee.h"
#include "report/text.h"
#include "scenario/print.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

// A line of the comment at the top that says more is cut off; nobody reads on.
constexpr size_t kLongestLine = 300;
constexpr size_t kMostLines = 60;

void add_lines(const std::string& text, const std::string& indent, CProgram* c) {
  size_t begin = 0;
  for (size_t lines = 0; begin < text.size() && lines < kMostLines; lines++) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    c->heading.push_back(indent + text.substr(begin, std::min(end - begin, kLongestLine)));
    begin = end + 1;
  }
}

void add_heading(const Finding& finding, const Program& program, CProgram* c) {
  if (!program.title.empty()) c->heading.push_back(program.title);
  c->heading.push_back("");
  if (!finding.verdict.empty()) {
    const std::string rule = finding.rule.empty() || finding.rule == "=>" ? "" : finding.rule;
    c->heading.push_back("Found: " + to_line(finding.verdict) +
                         (rule.empty() ? "" : " (rule " + to_line(rule) + " of the contract)"));
    add_lines(to_printable(finding.message), "  ", c);
    for (const std::string& line : finding.detail) {
      if (!line.starts_with(">> ") && !line.starts_with("   the ")) continue;
      c->heading.push_back("  " + to_line(line.substr(0, kLongestLine)));
    }
    for (const std::string& line : to_lines(finding.lanes)) {
      if (c->heading.size() >= kMostLines) break;
      c->heading.push_back("  " + to_line(line.substr(0, kLongestLine)));
    }
    c->heading.push_back("");
  }
  c->heading.push_back("Held to the contract of profile: " + to_line(finding.profile));
  c->heading.push_back("Seed: " + std::to_string(finding.seed));
  c->heading.push_back("");
  c->heading.push_back("On a BSD or macOS:  cc -pthread repro.c && ./a.out");
  c->heading.push_back(
      "With a library:     cc -pthread repro.c $(pkg-config --cflags --libs kq) && ./a.out");
  c->heading.push_back("Exit code: 0 it holds, 1 the bug is shown, 77 it cannot be tried here.");
  c->heading.push_back("");
  c->heading.push_back("The program, as kqtorture writes it (docs/litmus.md):");
  add_lines(print(program), "  ", c);
}

// Which operation of the program does each call of the picture show?
class Picture {
 public:
  Picture(const Lanes& lanes, const Program& program) : program_(program) {
    std::vector<const Lanes::Call*> begun;
    for (const Lanes::Call& call : lanes.calls) begun.push_back(&call);
    std::stable_sort(begun.begin(), begun.end(), [](const Lanes::Call* a, const Lanes::Call* b) {
      return a->begin < b->begin;
    });
    for (const Lanes::Call* call : begun) calls_.push_back({call, {}, {}, 0});
    for (uint32_t i = 0; i < program.threads.size(); i++) {
      if (program.threads[i].role == Role::kThread) {
        order_[++threads_].push_back(i);
      } else {
        order_[0].push_back(i);
      }
    }
  }

  // False when it is not one of this program.
  bool read(const Lanes& lanes, uint16_t flag_bits, CProgram* c) {
    for (Seen& seen : calls_) {
      if (seen.call->lane > threads_ || !find(&seen)) return false;
    }
    const auto guilty = std::find_if(calls_.begin(), calls_.end(),
                                     [](const Seen& seen) { return seen.call->guilty; });
    if (guilty == calls_.end() || !guilty->call->end || lanes.calls.empty()) return false;
    std::vector<CProgram::Answer> pattern;
    for (const Seen& seen : calls_) {
      if (!seen.call->end || *seen.call->end > *guilty->call->end) continue;
      if (!seen.answer) continue;
      Expectation answer = *seen.answer;
      for (ExpectedEvent& event : answer.events) event.fields = 0xf;
      pattern.push_back({seen.is, answer, flag_bits});
    }
    c->forbidden.push_back(std::move(pattern));
    add_edges(c);
    return true;
  }

 private:
  struct Seen {
    const Lanes::Call* call;
    CProgram::Call is;
    std::optional<Expectation> answer;
    uint32_t place;  // of the operation among those of its lane
  };

  bool find(Seen* seen) {
    const uint32_t lane = seen->call->lane;
    uint32_t place = 0;
    for (const uint32_t thread : order_[lane]) {
      for (uint32_t j = 0; j < program_.threads[thread].ops.size(); j++, place++) {
        if (place < next_[lane]) continue;
        const Op& op = program_.threads[thread].ops[j];
        if (!shows(seen, op)) continue;
        seen->is = {thread, j};
        seen->place = place;
        next_[lane] = place + 1;
        return true;
      }
    }
    return lane == 0 && is_probe(seen);
  }

  bool shows(Seen* seen, const Op& op) const {
    seen->answer = answer_in(program_, op, seen->call->text);
    Op plain = op;
    plain.expect = {};
    const bool answers = seen->call->end && op.kind != OpKind::kSleep && op.kind != OpKind::kAwait;
    return seen->answer || (!answers && seen->call->text == print_op(program_, plain));
  }

  bool is_probe(Seen* seen) const {
    for (uint32_t i = 0; i < program_.objects.size(); i++) {
      if (program_.objects[i].kind != ObjectKind::kKqueue) continue;
      Op op;
      op.target.object = static_cast<uint8_t>(i);
      op.room = limit::kRoom;
      if (!shows(seen, op)) continue;
      seen->is = {CProgram::Call::kProbe, i};
      return true;
    }
    return false;
  }

  // Of each call those that had ended, the latest of each thread; not those that an earlier call of
  // its own thread waits for already.
  void add_edges(CProgram* c) const {
    std::map<std::pair<uint32_t, uint32_t>, uint32_t> waited;  // by lanes: the place after it
    for (const Seen& after : calls_) {
      const uint32_t lane = after.call->lane;
      if (lane == 0) continue;
      for (uint32_t other = 1; other <= threads_; other++) {
        const Seen* before = nullptr;
        for (const Seen& seen : calls_) {
          const bool ended = seen.call->end && *seen.call->end < after.call->begin;
          if (seen.call->lane == other && other != lane && ended) before = &seen;
        }
        if (before == nullptr || before->place < waited[{lane, other}]) continue;
        waited[{lane, other}] = before->place + 1;
        c->edges.push_back({before->is, after.is});
      }
    }
  }

  const Program& program_;
  std::vector<Seen> calls_;
  uint32_t threads_ = 0;
  std::map<uint32_t, std::vector<uint32_t>> order_;  // by lane: its sections
  std::map<uint32_t, uint32_t> next_;                // by lane: how far it was followed
};

struct Guilty {
  CProgram::Call call;
  std::string line;
};

// The operation that the detail of a program of one thread marks.
std::optional<Guilty> guilty_of(const Finding& finding, const Program& program) {
  size_t line = 0;
  for (uint32_t i = 0; i < program.threads.size(); i++) {
    for (uint32_t j = 0; j < program.threads[i].ops.size(); j++, line++) {
      if (line >= finding.detail.size()) return {};
      if (finding.detail[line].starts_with(">> ")) return Guilty{{i, j}, finding.detail[line]};
    }
  }
  return {};
}

// Where the model does not follow: what was answered, up to the guilty call, is what is wrong.
void forbid_what_was_seen(const Finding& finding, const Program& program, CProgram* c) {
  std::vector<CProgram::Answer> pattern;
  size_t line = 0;
  for (uint32_t i = 0; i < program.threads.size(); i++) {
    for (uint32_t j = 0; j < program.threads[i].ops.size(); j++, line++) {
      const Op& op = program.threads[i].ops[j];
      const auto answer = answer_in(program, op, finding.detail[line]);
      const bool guilty = finding.detail[line].starts_with(">> ");
      // An errno of 0 is written as a return value of 0 is.
      if (guilty && (!answer || *answer == c->foreseen[i][j].expect)) return;
      if (answer) {
        pattern.push_back({{i, j}, *answer});
        for (ExpectedEvent& event : pattern.back().answer.events) event.fields = 0xf;
      }
      if (!guilty) continue;
      c->forbidden.push_back(std::move(pattern));
      return;
    }
  }
}

// Some platforms echo what a change asked for in its events, and leave in the entry of an error
// what was there.
constexpr uint16_t kEchoed = flag::kAdd | flag::kDelete | flag::kEnable | flag::kDisable;
// Bits that mean the same everywhere. The others are output of some systems (0x0800 to 0x2000) or
// something else there (0x0100, 0x0200); one that must be set is asked for all the same.
constexpr uint16_t kSameEverywhere =
    flag::kOneshot | flag::kClear | flag::kReceipt | flag::kDispatch | flag::kError | flag::kEof;

// What is asked of every answer is what all platforms have in common. Should that be what is wrong,
// the finding's own answer is looked for as well.
void ignore_what_is_echoed(Foreseen* said) {
  said->bits.resize(said->expect.events.size());
  for (size_t i = 0; i < said->bits.size(); i++) {
    const bool error = (said->expect.events[i].event.flags & flag::kError) != 0;
    const auto set = static_cast<uint16_t>(said->expect.events[i].event.flags & ~kEchoed);
    said->bits[i].flags &= error ? flag::kError : static_cast<uint16_t>(kSameEverywhere | set);
    // The units that a timer was set with, on some.
    if (said->expect.events[i].event.filter == filter::kTimer) said->bits[i].fflags = 0;
  }
}

// A call on a kqueue that has been closed fails, with EBADF or, on one platform, ENOENT (2.9).
void accept_either_errno_of_closed_kqueues(const Program& program, CProgram* c) {
  std::set<uint8_t> closed;
  for (size_t i = 0; i < program.threads.size(); i++) {
    for (size_t j = 0; j < program.threads[i].ops.size(); j++) {
      const Op& op = program.threads[i].ops[j];
      if (op.kind == OpKind::kClose) closed.insert(op.target.object);
      if (op.kind == OpKind::kReopen) closed.erase(op.target.object);
      if (op.kind != OpKind::kKevent || !closed.contains(op.target.object)) continue;
      Foreseen& said = c->foreseen[i][j];
      if (said.expect.kind != ExpectKind::kErrno) continue;
      if (said.expect.value == EBADF) said.errno_or = ENOENT;
      if (said.expect.value == ENOENT) said.errno_or = EBADF;
    }
  }
}

// What the program itself says of an answer, beside what the model says of it.
void take_own_words(const Expectation& own, Foreseen* said) {
  if (own.kind == ExpectKind::kNothingSaid) return;
  if (said->expect.kind == ExpectKind::kNothingSaid) {
    said->expect = own;
    return;
  }
  // Where they are at odds `run` refuses one of them; nobody exports that.
  if (own.events.size() != said->expect.events.size()) return;
  for (size_t i = 0; i < own.events.size(); i++) {
    const ExpectedEvent& event = own.events[i];
    ExpectedEvent& merged = said->expect.events[i];
    if (event.event.ident != merged.event.ident || event.event.filter != merged.event.filter)
      return;
    // Of the flags those that it names; which others are left open the model knows better.
    if (event.fields & ExpectedEvent::kFlags) said->bits[i].flags |= event.event.flags;
    if (event.fields & ExpectedEvent::kFflags) said->bits[i].fflags = 0xffffffff;
    Change words = event.event;
    if (!(event.fields & ExpectedEvent::kFlags)) words.flags = merged.event.flags;
    if (!(event.fields & ExpectedEvent::kFflags)) words.fflags = merged.event.fflags;
    if (!(event.fields & ExpectedEvent::kData)) words.data = merged.event.data;
    if (!(event.fields & ExpectedEvent::kUdata)) words.udata = merged.event.udata;
    merged = {words, static_cast<uint8_t>(merged.fields | event.fields)};
  }
}

// It says so of one profile only (docs/litmus.md).
void take_own_words(const Program& program, const contract::Profile& profile, CProgram* c) {
  if (program.profile.empty() && std::string_view(profile.name) != "strict-2006") return;
  for (size_t i = 0; i < program.threads.size(); i++) {
    for (size_t j = 0; j < program.threads[i].ops.size(); j++) {
      take_own_words(program.threads[i].ops[j].expect, &c->foreseen[i][j]);
    }
  }
}

bool sequential(const Finding& finding, const contract::Profile& profile, CProgram* c,
                std::string* error) {
  const Program& program = c->program;
  if (!foresee(program, profile, *contract::find_host("linux"), &c->foreseen, error)) return false;
  take_own_words(program, profile, c);
  for (auto& thread : c->foreseen) {
    for (Foreseen& said : thread) ignore_what_is_echoed(&said);
  }
  accept_either_errno_of_closed_kqueues(program, c);
  const auto guilty = guilty_of(finding, program);
  if (!guilty) return true;
  Foreseen& said = c->foreseen[guilty->call.thread][guilty->call.op];
  const Op& op = program.threads[guilty->call.thread].ops[guilty->call.op];
  if (finding.rule == "=>") {
    said.expect = op.expect;
    said.bits.clear();
    said.any_order = false;
    ignore_what_is_echoed(&said);
  }
  // Should what was wrong be beyond what the model binds.
  forbid_what_was_seen(finding, program, c);
  return true;
}

bool ends_the_process(const Finding& finding) {
  return finding.verdict == "crash" || finding.verdict == "hang" || finding.verdict == "exit" ||
         finding.verdict == "deadlock";
}

}  // namespace

bool to_c_program(const Finding& finding, const Program& program, CProgram* c, std::string* error) {
  c->program = program;
  c->seed = finding.seed;
  c->ends = ends_the_process(finding);
  add_heading(finding, program, c);
  const contract::Profile* const profile = contract::find_profile(finding.profile);
  if (profile == nullptr) {
    *error = "no profile is called " + to_line(finding.profile);
    return false;
  }
  if (is_sequential(program) && finding.engine != "free-running" &&
      finding.engine != "controlled") {
    return sequential(finding, *profile, c, error);
  }
  if (c->ends) return true;
  const auto flag_bits = static_cast<uint16_t>(profile->echo_actions ? ~kEchoed : 0xffff);
  if (finding.verdict.empty()) {
    if (!forbid(program, *profile, *contract::find_host("linux"), &c->forbidden, error))
      return false;
    for (auto& pattern : c->forbidden) {
      for (CProgram::Answer& answer : pattern) answer.flag_bits = flag_bits;
    }
    return true;
  }
  if (Picture(finding.lanes, program).read(finding.lanes, flag_bits, c)) return true;
  *error = finding.verdict == "race"
               ? "a race for the subject's memory does not show in the answers of calls"
               : "what was wrong is not in the answers of calls; see `kqtorture explain`";
  return false;
}

}  // namespace kqtorture
