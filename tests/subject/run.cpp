// Output goes through a file rather than a pipe: a program that leaves a child behind must not keep
// the test waiting for the pipe's end.
#include "run.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

extern char** environ;

namespace kqtorture::testing {
namespace {

// What an outer run was told must not reach the programs under test.
constexpr const char* kRemoved[] = {"KQ_SUBJECT", "KQ_PROFILE", "KQ_HOST",   "KQ_LAYOUT",
                                    "KQ_LIBKQ",   "KQ_SEED",    "KQ_BUDGET", "KQ_STATS",
                                    "KQ_OUT",     "KQ_WORKER"};

std::vector<std::string> environment(Variables variables) {
  for (const char* name : kRemoved) variables.emplace(name, std::nullopt);
  std::vector<std::string> result;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    if (variables.count(text.substr(0, text.find('='))) == 0) result.push_back(text);
  }
  for (const auto& [name, value] : variables) {
    if (value) result.push_back(name + "=" + *value);
  }
  return result;
}

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& string : strings) result.push_back(const_cast<char*>(string.c_str()));
  result.push_back(nullptr);
  return result;
}

}  // namespace

Ran run(const std::vector<std::string>& command, const Variables& variables) {
  const TemporaryDirectory directory;
  const std::string file = directory.path() + "/output";
  const auto strings = environment(variables);
  const auto argv = pointers(command);
  const auto envp = pointers(strings);
  const int output = open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  const pid_t pid = fork();
  if (pid == 0) {
    dup2(output, STDOUT_FILENO);
    dup2(output, STDERR_FILENO);
    execve(argv[0], argv.data(), envp.data());
    _exit(126);
  }
  close(output);
  Ran ran;
  int status = 0;
  if (pid > 0 && waitpid(pid, &status, 0) == pid) {
    ran.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  ran.output = read_text(file);
  return ran;
}

TemporaryDirectory::TemporaryDirectory() {
  const char* base = std::getenv("TMPDIR");
  std::string name = std::string(base != nullptr ? base : "/tmp") + "/kqtorture-test-XXXXXX";
  if (mkdtemp(name.data()) != nullptr) path_ = name;
}

TemporaryDirectory::~TemporaryDirectory() {
  std::error_code ignored;
  if (!path_.empty()) std::filesystem::remove_all(path_, ignored);
}

std::string read_text(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

void write_text(const std::string& path, const std::string& text, bool executable) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary) << text;
  if (executable) chmod(path.c_str(), 0755);
}

std::vector<std::string> files_in(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end; !error && it != end;
       it.increment(error)) {
    if (it->is_regular_file()) names.push_back(it->path().filename().string());
  }
  return names;
}

}  // namespace kqtorture::testing
