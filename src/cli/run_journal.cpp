// Lines are appended with one write() each, so a worker that dies leaves whole lines or, at the
// very end, a part of one, which is ignored.
#include "cli/run_journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "report/text.h"

namespace kqtorture {
namespace {

// Names the descriptor to the worker. Internal, as KQ_WORKER is.
constexpr char kVariable[] = "KQ_RUN_JOURNAL";

using Kind = RunJournal::Kind;

std::string to_json_line(const RunJournal::Entry& entry) {
  nlohmann::json object = {{"kind", static_cast<int>(entry.kind)},
                           {"scenario", entry.scenario},
                           {"round", entry.round},
                           {"note", to_utf8(entry.note)}};
  if (entry.kind == Kind::kResult) {
    object.update({{"word", entry.word},
                   {"verdict", to_utf8(entry.verdict)},
                   {"rule", to_utf8(entry.rule)},
                   {"finding", to_utf8(entry.finding)},
                   {"iterations", entry.iterations},
                   {"operations", entry.operations},
                   {"deliveries", entry.deliveries}});
  }
  return object.dump();
}

RunJournal::Entry entry_of(const nlohmann::json& object) {
  RunJournal::Entry entry;
  entry.kind = static_cast<Kind>(object.at("kind").get<int>());
  entry.scenario = object.at("scenario").get<uint64_t>();
  entry.round = object.at("round").get<uint64_t>();
  entry.note = object.at("note").get<std::string>();
  if (entry.kind != Kind::kResult) return entry;
  entry.word = object.at("word").get<std::string>();
  entry.verdict = object.at("verdict").get<std::string>();
  entry.rule = object.at("rule").get<std::string>();
  entry.finding = object.at("finding").get<std::string>();
  entry.iterations = object.at("iterations").get<uint64_t>();
  entry.operations = object.at("operations").get<uint64_t>();
  entry.deliveries = object.at("deliveries").get<uint64_t>();
  return entry;
}

}  // namespace

std::unique_ptr<RunJournal> RunJournal::create() {
  const char* directory = std::getenv("TMPDIR");
  std::string path = std::string(directory != nullptr ? directory : "/tmp") + "/kqtorture-XXXXXX";
  const int fd = mkstemp(path.data());
  if (fd < 0) return nullptr;
  unlink(path.c_str());
  fcntl(fd, F_SETFL, O_APPEND);
  setenv(kVariable, std::to_string(fd).c_str(), 1);
  std::unique_ptr<RunJournal> journal(new RunJournal(fd));
  journal->append(std::to_string(std::chrono::steady_clock::now().time_since_epoch().count()));
  return journal;
}

std::unique_ptr<RunJournal> RunJournal::inherited() {
  const char* text = std::getenv(kVariable);
  if (text == nullptr) return nullptr;
  const int fd = std::atoi(text);
  unsetenv(kVariable);
  if (fd <= STDERR_FILENO || fcntl(fd, F_GETFD) < 0) return nullptr;
  fcntl(fd, F_SETFD, FD_CLOEXEC);
  return std::unique_ptr<RunJournal>(new RunJournal(fd));
}

RunJournal::~RunJournal() { close(fd_); }

void RunJournal::append(const std::string& line) {
  const std::string text = line + "\n";
  (void)!write(fd_, text.data(), text.size());
}

std::vector<std::string> RunJournal::lines() const {
  std::string text(static_cast<size_t>(lseek(fd_, 0, SEEK_END)), '\0');
  const ssize_t got = pread(fd_, text.data(), text.size(), 0);
  text.resize(got < 0 ? 0 : static_cast<size_t>(got));
  std::vector<std::string> lines;
  for (size_t begin = 0, end; (end = text.find('\n', begin)) != std::string::npos;
       begin = end + 1) {
    lines.push_back(text.substr(begin, end - begin));
  }
  return lines;
}

void RunJournal::add(const Entry& entry) { append(to_json_line(entry)); }

std::vector<RunJournal::Entry> RunJournal::read() const {
  std::vector<Entry> entries;
  for (const std::string& line : lines()) {
    const auto object = nlohmann::json::parse(line, nullptr, false);
    if (object.is_object()) entries.push_back(entry_of(object));
  }
  return entries;
}

std::chrono::steady_clock::time_point RunJournal::began() const {
  const auto all = lines();
  if (all.empty()) return std::chrono::steady_clock::now();
  return std::chrono::steady_clock::time_point(
      std::chrono::steady_clock::duration(std::atoll(all[0].c_str())));
}

}  // namespace kqtorture
