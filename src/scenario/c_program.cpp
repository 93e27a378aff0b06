// The text is put together from top to bottom: what was seen, headers, what is common to all such
// programs, the objects, the threads, and what is looked for.
#include "scenario/c_program.h"

#include <algorithm>
#include <cerrno>
#include <string_view>

#include "scenario/c_operations.h"
#include "scenario/c_runtime.h"
#include "scenario/c_words.h"
#include "scenario/print.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

// What a race is tried by default: some ten seconds where it is not met.
constexpr int kRounds = 10000;
// Where threads are left asleep for a fifth of a second in each.
constexpr int kQuietRounds = 200;

std::string in_quotes(std::string_view text) { return '"' + to_c_string(text) + '"'; }

class CPrinter {
 public:
  explicit CPrinter(const CProgram& what)
      : what_(what), program_(what.program), operations_(what.program) {
    threaded_ = !is_sequential(program_);
    for (size_t i = 0; i < program_.threads.size(); i++) {
      for (size_t j = 0; j < program_.threads[i].ops.size(); j++) {
        calls_.push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(j)});
      }
    }
    for (const auto& pattern : what.forbidden) {
      for (const CProgram::Answer& answer : pattern) {
        const bool probe = answer.call.thread == CProgram::Call::kProbe;
        if (probe && index_of(answer.call) == calls_.size()) calls_.push_back(answer.call);
        // Whoever sleeps is to be left asleep long enough to be sure of it.
        quiet_ = quiet_ || probe || is_interruption(answer.answer);
      }
    }
  }

  std::string print() {
    std::string body = threads() + (threaded_ ? round() : "") + main();
    std::string rest =
        timeouts(body) + c_functions(body) + "\n" + operations_.declarations() + body;
    std::string text = heading();
    text += c_headers();
    text += other_names();
    const std::set<std::string>& used = operations_.used();
    std::string have, names;
    for (const std::string& name : used) {
      // What every kqueue has.
      static const std::set<std::string> kCommon = {
          "EVFILT_READ", "EVFILT_WRITE", "EV_ADD",   "EV_DELETE", "EV_ENABLE", "EV_DISABLE",
          "EV_ONESHOT",  "EV_CLEAR",     "EV_ERROR", "EV_EOF",    "NOTE_FFNOP"};
      if (kCommon.contains(name)) continue;
      have += (have.empty() ? "\n#if defined(" : " && defined(") + name + ")";
      names += (names.empty() ? "" : ", ") + name;
    }
    if (!have.empty()) text += have + "\n";
    text += "\n" + constants() + rest;
    if (!have.empty()) {
      text += "\n#else\nint main(void)\n{\n  puts(\"cannot here: <sys/event.h> has not all of " +
              names + "\");\n  return 77;\n}\n#endif\n";
    }
    return text;
  }

 private:
  static bool is_interruption(const Expectation& answer) {
    return answer.kind == ExpectKind::kErrno && answer.value == EINTR;
  }

  size_t index_of(const CProgram::Call& call) const {
    return static_cast<size_t>(std::find(calls_.begin(), calls_.end(), call) - calls_.begin());
  }
  const Op& op_of(const CProgram::Call& call) const {
    return program_.threads[call.thread].ops[call.op];
  }
  // Of a probe: the call that it is.
  Op probe_of(const CProgram::Call& call) const {
    Op op;
    op.target.object = static_cast<uint8_t>(call.op);
    op.room = limit::kRoom;
    return op;
  }
  Op any_op(const CProgram::Call& call) const {
    return call.thread == CProgram::Call::kProbe ? probe_of(call) : op_of(call);
  }

  std::string heading() const {
    std::string text = "/*\n";
    for (const std::string& line : what_.heading) {
      text += line.empty() ? " *\n" : " * " + to_c_comment(line) + "\n";
    }
    return text + " */\n";
  }

  std::string constants() {
    std::string text = "enum { CALLS = " + std::to_string(calls_.size()) +
                       ", ROOM = " + std::to_string(room()) +
                       " }; /* entries of an event list */\n";
    text += "#define ALL 0xffffffffUL\n";
    if (threaded_ || what_.ends || what_.rounds > 0) {
      text +=
          "enum { CAME_TO_ITS_END = 42, STANDS_STILL = " + std::string(what_.ends ? "1" : "77") +
          " };\n";
    }
    if (threaded_) {
      text += "enum { THREADS = " + std::to_string(count_threads(program_)) +
              ", QUIET = " + (quiet_ ? "1000" : "20") + " };\n";
      text += "static void probe_all(void);\n";
    }
    text +=
        "static const struct {\n  const char *thread, *text;\n  int room;\n} calls[CALLS] = {\n";
    for (const CProgram::Call& call : calls_) {
      Op op = any_op(call);
      op.expect = {};
      text += "  {" + in_quotes(name_of(call)) + ", " + in_quotes(print_op(program_, op)) + ", " +
              std::to_string(COperations::readable(op)) + "},\n";
    }
    return text + "};\n";
  }

  int room() const {
    int room = operations_.room();
    for (const CProgram::Call& call : calls_) {
      if (call.thread == CProgram::Call::kProbe) room = limit::kRoom;
    }
    return room;
  }

  std::string name_of(const CProgram::Call& call) const {
    if (call.thread == CProgram::Call::kProbe) return "main";
    const Thread& thread = program_.threads[call.thread];
    return thread.role == Role::kThread ? std::string(thread.name.view()) : "main";
  }

  static std::string timeouts(const std::string& body) {
    std::string text;
    if (body.find("&no_wait") != std::string::npos) {
      text += "static const struct timespec no_wait = {0, 0};\n";
    }
    if (body.find("&a_while") != std::string::npos) {
      text += "static const struct timespec a_while = {0, 2000000};\n";
    }
    return text;
  }

  std::string function_of(const Thread& thread) const {
    if (thread.role == Role::kSetup) return "setup";
    if (thread.role == Role::kFinally) return "finally";
    return "thread_of_" + std::string(thread.name.view());
  }

  std::string threads() {
    std::string text = "\nstatic void make_objects(void)\n{\n" + operations_.making() + "}\n";
    int lane = 0;
    for (uint32_t i = 0; i < program_.threads.size(); i++) {
      const Thread& thread = program_.threads[i];
      const bool beside = threaded_ && thread.role == Role::kThread;
      text += beside ? "\nstatic void *" + function_of(thread) + "(void *seed)\n{\n  meet(seed);\n"
                     : "\nstatic void " + function_of(thread) + "(void)\n{\n";
      for (uint32_t j = 0; j < thread.ops.size(); j++)
        text += operation({i, j}, beside ? lane : -1);
      if (beside) {
        text += "  atomic_store(&thread[" + std::to_string(lane) + "].finished, 1);\n";
        text += "  return NULL;\n";
        lane++;
      }
      text += "}\n";
    }
    return text;
  }

  // What has another name on some platforms, or none where it is what they do anyway.
  std::string other_names() const {
    bool milliseconds = false, absolute = false;
    for (const Thread& thread : program_.threads) {
      for (const Op& op : thread.ops) {
        for (const Change& change : op.changes) {
          if (change.filter != filter::kTimer) continue;
          milliseconds = milliseconds || (change.fflags & note::kMseconds) != 0;
          absolute = absolute || (change.fflags & note::kAbstime) != 0;
        }
      }
    }
    std::string text;
    if (milliseconds) text += "#ifndef NOTE_MSECONDS\n#define NOTE_MSECONDS 0\n#endif\n";
    if (absolute) {
      text += "#if !defined(NOTE_ABSTIME) && defined(NOTE_ABSOLUTE)\n";
      text += "#define NOTE_ABSTIME NOTE_ABSOLUTE\n#endif\n";
    }
    return text;
  }

  // lane: of a thread that runs beside others, else -1.
  std::string operation(const CProgram::Call& call, int lane) {
    const Op& op = op_of(call);
    const auto index = static_cast<int>(index_of(call));
    const std::string number = std::to_string(index);
    const Foreseen* const foreseen = foreseen_of(call);
    std::string text = "\n  /* " + to_c_comment(print_op(program_, op)) + " */\n";
    for (const CProgram::Edge& edge : what_.edges) {
      if (edge.after == call) {
        text += "  await_call(" + std::to_string(index_of(edge.before)) + ");\n";
      }
    }
    const bool waits = lane >= 0 || (foreseen != nullptr && foreseen->returns && !threaded_);
    const bool marked = lane >= 0 && op.kind == OpKind::kKevent &&
                        (op.wait == Wait::kForever || op.wait == Wait::kExplicit);
    const std::string mark = "  atomic_store(&thread[" + std::to_string(lane) + "].waits, ";
    if (lane >= 0) text += "  jitter();\n";
    if (marked) text += mark + "1);\n";
    text += operations_.statements(op, index, waits, lane < 0);
    if (marked) text += mark + "0);\n";
    if (threaded_) return text;
    text += "  show_answer(" + number + ");\n";
    if (foreseen == nullptr || foreseen->expect.kind == ExpectKind::kNothingSaid) return text;
    Op said = op;
    said.expect = foreseen->expect;
    const std::string condition = operations_.condition(index, op, *foreseen);
    return text + "  must(" + condition + ",\n       " + in_quotes(print_op(program_, said)) +
           ");\n";
  }

  const Foreseen* foreseen_of(const CProgram::Call& call) const {
    if (call.thread >= what_.foreseen.size()) return nullptr;
    const auto& thread = what_.foreseen[call.thread];
    return call.op < thread.size() ? &thread[call.op] : nullptr;
  }

  std::string patterns() {
    std::string text;
    for (const auto& pattern : what_.forbidden) {
      std::string condition;
      for (const CProgram::Answer& answer : pattern) {
        if (!condition.empty()) condition += " &&\n      ";
        Foreseen exactly;
        exactly.expect = answer.answer;
        exactly.bits.resize(answer.answer.events.size(), {answer.flag_bits, 0xffffffff});
        condition += operations_.condition(static_cast<int>(index_of(answer.call)),
                                           any_op(answer.call), exactly);
      }
      text += "  if (" + condition + ")\n    wrongs++;\n";
    }
    if (text.empty()) return text;
    return "  /* Answers that no legal order of these calls explains when they come together. "
           "*/\n" +
           text;
  }

  std::string round() {
    std::string text = "\nstatic void probe_all(void)\n{\n";
    for (size_t i = 0; i < calls_.size(); i++) {
      if (calls_[i].thread != CProgram::Call::kProbe) continue;
      text += "  if (!atomic_load(&answers[" + std::to_string(i) + "].done)) {\n";
      text +=
          operations_.statements(probe_of(calls_[i]), static_cast<int>(i), false, false) + "  }\n";
    }
    text += "}\n\nstatic int run_once(uint64_t seed, int last)\n{\n";
    text += "  static void *(*const bodies[THREADS])(void *) = {";
    std::string names;
    for (const Thread& thread : program_.threads) {
      if (thread.role != Role::kThread) continue;
      names += (names.empty() ? "" : ", ") + function_of(thread);
    }
    text += names + "};\n  static uint64_t seeds[THREADS];\n  int i;\n";
    text += "  signal(SIGPIPE, SIG_IGN);\n  interruptible();\n  make_objects();\n";
    text += section(Role::kSetup);
    text += "  for (i = 0; i < THREADS; i++) {\n";
    text += "    seeds[i] = (seed * 64 + (uint64_t)i + 1) * UINT64_C(0x9e3779b97f4a7c15) | 1;\n";
    text += "    errno = pthread_create(&thread[i].id, NULL, bodies[i], &seeds[i]);\n";
    text += "    if (errno != 0) cannot(\"a thread\");\n  }\n  see_through();\n";
    text += section(Role::kFinally) + patterns();
    text += "  if (wrongs != 0 || last) show_run();\n";
    text += cleaning() + "  fflush(stdout);\n";
    return text + "  return wrongs != 0 ? 1 : CAME_TO_ITS_END;\n}\n";
  }

  std::string section(Role role) const {
    for (const Thread& thread : program_.threads) {
      if (thread.role == role) return "  " + function_of(thread) + "();\n";
    }
    return "";
  }

  std::string cleaning() const {
    for (const Object& object : program_.objects) {
      const bool named = object.kind == ObjectKind::kDirectory ||
                         object.kind == ObjectKind::kUnixListener ||
                         (object.kind == ObjectKind::kFile && operations_.names_files());
      if (named) return "  remove_folder();\n";
    }
    return "";
  }

  std::string sequence() const {
    std::string text;
    for (const Thread& thread : program_.threads) text += "  " + function_of(thread) + "();\n";
    return text;
  }

  std::string main() {
    if (threaded_) {
      return rounds(quiet_ ? kQuietRounds : kRounds, "run_once(seed + round, round == rounds)");
    }
    std::string run = "  signal(SIGPIPE, SIG_IGN);\n  interruptible();\n  make_objects();\n";
    run += sequence() + patterns() + cleaning();
    const std::string verdict =
        "  puts(wrongs != 0 ? \"SHOWN: not what the contract says\" : \"holds\");\n";
    if (what_.rounds > 0) {
      // What holds is not shown: the process ends without writing it.
      return "\nstatic int run_once(int last)\n{\n" + run +
             "  if (wrongs != 0 || last) fflush(stdout);\n"
             "  return wrongs != 0 ? 1 : CAME_TO_ITS_END;\n}\n" +
             rounds(what_.rounds, "run_once(round == rounds)");
    }
    if (!what_.ends) {
      return "\nint main(void)\n{\n" + run + verdict + "  return wrongs != 0;\n}\n";
    }
    std::string text = "\nint main(void)\n{\n  pid_t process;\n  int end;\n  fflush(stdout);\n";
    text += "  process = fork();\n  if (process == 0) {\n";
    text += run + "  fflush(stdout);\n    _exit(wrongs != 0 ? 1 : CAME_TO_ITS_END);\n  }\n";
    text += "  end = end_of(process);\n";
    return text + "  puts(end == 0 ? \"holds\" : \"SHOWN\");\n  return end == 2 ? 1 : end;\n}\n";
  }

  std::string rounds(uint32_t most, const std::string& call) const {
    std::string text = "\n/* Each round in a process of its own. Arguments: how many";
    if (threaded_) text += ", and the seed of the delays";
    text += R"(. */
int main(int argc, char **argv)
{
  const unsigned long rounds = argc > 1 ? strtoul(argv[1], NULL, 0) : )";
    text += std::to_string(most) + ";\n";
    if (threaded_) {
      text += "  const unsigned long long seed = argc > 2 ? strtoull(argv[2], NULL, 0) : ";
      text += std::to_string(what_.seed) + "ULL;\n";
    }
    text += "  unsigned long round;\n";
    text += threaded_ ? "  printf(\"%lu rounds, seed %llu\\n\", rounds, seed);\n"
                      : "  static char output[1 << 16];\n"
                        "  setvbuf(stdout, output, _IOFBF, sizeof output);\n"
                        "  printf(\"%lu rounds\\n\", rounds);\n";
    text += R"(  for (round = 1; round <= rounds; round++) {
    pid_t process;
    int end;
    fflush(stdout);
    process = fork();
    if (process < 0) cannot("fork");
    if (process == 0) _exit()" +
            call + R"();
    end = end_of(process);
    if (end == 77) return 77;
    if (end == 0) continue;
    printf("SHOWN in round %lu\n", round);
    return 1;
  }
  puts("holds: not seen");
  return 0;
}
)";
    return text;
  }

  const CProgram& what_;
  const Program& program_;
  COperations operations_;
  bool threaded_ = false;
  bool quiet_ = false;
  std::vector<CProgram::Call> calls_;
};

}  // namespace

std::string print_c(const CProgram& program) { return CPrinter(program).print(); }

}  // namespace kqtorture
