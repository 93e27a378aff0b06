// `kqtorture diff A B PROGRAM...`: one program on two kqueues, and the first operation that they
// answer differently.
//
// Nobody is judged: there is no contract here, so it also shows where two kqueues part in what the
// contract leaves open. Each subject runs in a process of its own, which a program may end: that,
// too, is an answer. Programs with threads are left out, their answers are chance's.
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/command_line.h"
#include "cli/programs.h"
#include "cli/run.h"
#include "engine/survey_tape.h"
#include "report/files.h"
#include "report/text.h"
#include "subject/child.h"
#include "subject/executable.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Lines = std::vector<std::string>;

// Every answer of a corpus of programs is some hundred kilobytes.
constexpr size_t kMostAnswerBytes = 64 << 20;
// After so many programs that end their process, the rest would say no more.
constexpr int kMostDeaths = 10;
// What is due at once is there by then, unless the machine is slow: both subjects get the same.
constexpr int64_t kDiffPatienceNs = 20'000'000;
// Operations shown before the one that differs.
constexpr size_t kContext = 6;

struct DiffArguments {
  std::string subjects[2];
  std::vector<std::string> paths;
  bool answer = false;  // in the process that runs one subject
  size_t from = 0;
  bool dangerous = false;
};

// How one subject went through one program.
struct Answered {
  enum class End : uint8_t { kNever, kDied, kSkipped, kDone } end = End::kNever;
  Lines lines;
  std::string why;  // of kSkipped
};

// How often a timer expired until it was looked at is the clock's answer, not the kqueue's.
std::string without_counts(std::string line) {
  size_t at = line.find("=> (");
  while (at != std::string::npos && (at = line.find(" TIMER ", at)) != std::string::npos) {
    const size_t end = line.find(')', at);
    const size_t data = line.find("data=", at);
    if (data < end && line.substr(at, data - at).find("ERROR") == std::string::npos) {
      const size_t digits = line.find_first_not_of("0123456789", data + 5);
      line.replace(data + 5, digits - data - 5, "N");
    }
    at = line.find(')', at);
  }
  return line;
}

int answer_here(const DiffArguments& arguments, const std::vector<Scenario>& scenarios) {
  std::string error;
  note_activity("open");
  const auto subject = Subject::open(Subject::default_spec(), &error);
  if (!subject) return usage_error(error);
  for (size_t i = arguments.from; i < scenarios.size(); i++) {
    const Program& program = scenarios[i].program;
    note_activity(to_file_name(scenarios[i].name).c_str());
    std::printf("%s\n", nlohmann::json{{"begin", i}}.dump().c_str());
    std::fflush(stdout);
    std::string why_not = is_sequential(program) ? "" : "it has several threads";
    if (why_not.empty() && !arguments.dangerous) why_not = danger_here(*subject, program);
    Lines lines;
    SurveyTape tape;
    if (why_not.empty()) {
      record_probe(*subject, program, kDiffPatienceNs, &tape, &lines, &why_not);
    }
    for (std::string& line : lines) line = to_utf8(without_counts(line));
    const nlohmann::json done = {{"end", i}, {"lines", lines}, {"skipped", to_utf8(why_not)}};
    std::printf("%s\n", done.dump().c_str());
    std::fflush(stdout);
    note_progress();
  }
  return kExitClean;
}

class Side {
 public:
  Side(const std::string& subject, const DiffArguments& arguments, size_t programs)
      : subject_(subject), arguments_(arguments), answers_(programs) {}

  // kExitUsage when the subject cannot be had.
  int ask() {
    CommonOptions common;
    common.subject = subject_;
    export_subject(common);
    size_t from = 0;
    for (int deaths = 0; deaths <= kMostDeaths && from < answers_.size(); deaths++) {
      const int code = ask_from(from);
      if (code == kExitUsage) return code;
      size_t next = from;
      while (next < answers_.size() && answers_[next].end != Answered::End::kNever) next++;
      if (next == from) break;  // not even loaded
      from = next;
    }
    return kExitClean;
  }

  const std::vector<Answered>& answers() const { return answers_; }

 private:
  int ask_from(size_t from) {
    std::string path = (std::filesystem::temp_directory_path() / "kqtorture-diff-XXXXXX").string();
    const int fd = mkstemp(path.data());
    if (fd < 0) return usage_error(path + ": " + std::strerror(errno));
    std::vector<std::string> command = {executable_path(), "diff", "--answer", "--from",
                                        std::to_string(from)};
    if (arguments_.dangerous) command.push_back("--dangerous");
    command.insert(command.end(), {subject_, subject_});
    command.insert(command.end(), arguments_.paths.begin(), arguments_.paths.end());
    SpawnOptions spawn;
    spawn.environment = environment_with({{"KQ_WORKER", std::nullopt}});
    spawn.no_input = true;
    spawn.output = fd;
    Child child;
    const int failure = watch_signals() ? child.start(command[0], command, spawn) : errno;
    close(fd);
    int code = kExitUsage;
    if (failure != 0) {
      usage_error(std::string("diff: ") + std::strerror(failure));
    } else {
      while (!child.wait_until(Child::Clock::now() + std::chrono::hours(1))) {
        if (const int number = pending_signal()) {
          child.end(number);
          unlink(path.c_str());
          die_of(number);
        }
      }
      code = WIFEXITED(child.status()) ? WEXITSTATUS(child.status()) : kExitFinding;
      read_answers(path);
    }
    unlink(path.c_str());
    return code;
  }

  void read_answers(const std::string& path) {
    std::string text, error;
    if (!read_file(path, kMostAnswerBytes, &text, &error)) return;
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) {
      const auto said = nlohmann::json::parse(line, nullptr, false);
      if (!said.is_object()) {
        refusal_ += line + "\n";  // what it said on stderr
        continue;
      }
      const size_t index = said.value("begin", said.value("end", answers_.size()));
      if (index >= answers_.size()) continue;
      Answered& answered = answers_[index];
      answered.end = Answered::End::kDied;  // until it says more
      if (!said.contains("end")) continue;
      answered.why = said.value("skipped", "");
      answered.lines = said.value("lines", Lines());
      answered.end = answered.why.empty() ? Answered::End::kDone : Answered::End::kSkipped;
    }
    if (!refusal_.empty()) std::fputs(to_printable(refusal_).c_str(), stderr);
    refusal_.clear();
  }

  const std::string subject_;
  const DiffArguments& arguments_;
  std::vector<Answered> answers_;
  std::string refusal_;
};

// Empty when both answered alike.
std::string difference(const DiffArguments& arguments, const Answered& a, const Answered& b) {
  using End = Answered::End;
  const Answered* both[] = {&a, &b};
  std::string text;
  if (a.end != End::kDone || b.end != End::kDone) {
    if (a.end == b.end) return "";
    for (int i = 0; i < 2; i++) {
      text += "  " + arguments.subjects[i] + ": " +
              (both[i]->end == End::kDied   ? "the process ended or hung"
               : both[i]->end == End::kDone ? "it ran to its end"
                                            : "not run: " + both[i]->why) +
              "\n";
    }
    return text;
  }
  size_t same = 0;
  while (same < a.lines.size() && same < b.lines.size() && a.lines[same] == b.lines[same]) same++;
  if (same == a.lines.size() && same == b.lines.size()) return "";
  for (size_t i = same > kContext ? same - kContext : 0; i < same; i++) {
    text += "    " + a.lines[i] + "\n";
  }
  for (int i = 0; i < 2; i++) {
    const Lines& lines = both[i]->lines;
    text += ">>  " + (same < lines.size() ? lines[same] : std::string("(nothing more)")) + "   # " +
            arguments.subjects[i] + "\n";
  }
  return text;
}

int diff(const CommandLine& line, const DiffArguments& arguments) {
  std::vector<Scenario> scenarios;
  if (!load_scenarios(arguments.paths, &scenarios)) return kExitUsage;
  if (arguments.answer) {
    SupervisorOptions options;
    options.program = "diff";
    options.look_interval = std::chrono::seconds(3);
    if (const auto code = supervise(line.argc(), line.argv(), options)) return *code;
    const int code = answer_here(arguments, scenarios);
    std::fflush(nullptr);
    announce_exit(code);
    return code;
  }
  Side sides[] = {{arguments.subjects[0], arguments, scenarios.size()},
                  {arguments.subjects[1], arguments, scenarios.size()}};
  for (Side& side : sides) {
    if (side.ask() == kExitUsage) return kExitUsage;
  }
  size_t differing = 0, compared = 0;
  for (size_t i = 0; i < scenarios.size(); i++) {
    const Answered &a = sides[0].answers()[i], &b = sides[1].answers()[i];
    compared += a.end == Answered::End::kDone && b.end == Answered::End::kDone;
    const std::string text = difference(arguments, a, b);
    if (text.empty()) continue;
    differing++;
    std::printf("differs   %s\n%s", to_printable(scenarios[i].name).c_str(),
                to_printable(text).c_str());
  }
  std::printf("%zu programs, %zu compared: %zu differ\n", scenarios.size(), compared, differing);
  if (differing > 0) return kExitFinding;
  return compared > 0 ? kExitClean : kExitSkipped;
}

}  // namespace

void register_diff(CommandLine* line) {
  static DiffArguments arguments;
  CLI::App* subcommand =
      line->add("diff", "One program on two kqueues: the first answer that differs",
                [line] { return diff(*line, arguments); });
  const std::string what = "a kqueue: emulator, native, or a shared object's path";
  subcommand->add_option("a", arguments.subjects[0], what)->required();
  subcommand->add_option("b", arguments.subjects[1], what)->required();
  subcommand->add_option("scenario", arguments.paths, "a litmus file, or a directory of them")
      ->required();
  subcommand->add_flag("--dangerous", arguments.dangerous, kDangerousHelp);
  subcommand->add_flag("--answer", arguments.answer)->group("");
  subcommand->add_option("--from", arguments.from)->group("");
}

}  // namespace kqtorture
