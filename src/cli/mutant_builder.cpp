#include "cli/mutant_builder.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>

#include "cli/programs.h"
#include "report/files.h"
#include "report/hash.h"
#include "report/text.h"
#include "subject/child.h"

namespace kqtorture {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestSource = size_t{1} << 20;
constexpr char kRecipe[] = "kq_recipe.json";

uint64_t add_to_hash(uint64_t hash, const std::string& text) {
  return fnv1a("\xff", fnv1a(text, hash));
}

std::string hexadecimal_of(uint64_t hash) {
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

// For a shell.
std::string quoted(const std::string& word) {
  std::string text = "'";
  for (const char c : word) text += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return text + "'";
}

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const std::string& word : words) text += ' ' + quoted(word);
  return text;
}

std::string object_of(const std::string& source) { return source + ".o"; }

bool is_header(const std::string& file) { return fs::path(file).extension() == ".h"; }

}  // namespace

bool read_recipe(Recipe* recipe, std::string* error) {
  const std::string path = own_library(kRecipe);
  std::string text;
  if (!read_file(path, kLargestSource, &text, error)) return false;
  try {
    const auto json = nlohmann::json::parse(text);
    const auto list = [&](const char* name) {
      auto words = json.at(name).get<std::vector<std::string>>();
      std::erase(words, "");
      return words;
    };
    recipe->compiler = json.at("compiler");
    recipe->patch_program = json.at("patch");
    recipe->source = json.at("source");
    recipe->sources = list("sources");
    recipe->flags = list("flags");
    recipe->controlled_flags = list("controlled_flags");
    recipe->link_flags = list("link_flags");
  } catch (const nlohmann::json::exception& problem) {
    *error = path + ": " + to_line(problem.what());
    return false;
  }
  return true;
}

MutantBuilder::MutantBuilder(Recipe recipe, std::string folder)
    : recipe_(std::move(recipe)), folder_(std::move(folder)) {
  base_ = add_to_hash(fnv1a(""), recipe_.compiler + joined(recipe_.flags) + "|" +
                                     joined(recipe_.controlled_flags) + "|" +
                                     joined(recipe_.link_flags));
  std::vector<std::string> files;
  std::error_code failure;
  for (const auto& entry : fs::recursive_directory_iterator(recipe_.source, failure)) {
    if (entry.is_regular_file(failure)) files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  for (const std::string& file : files) {
    std::string text, ignored;
    read_file(file, kLargestSource, &text, &ignored);
    base_ = add_to_hash(add_to_hash(base_, file), text);
  }
}

std::string MutantBuilder::hash_of(const Mutant& mutant) const {
  // What its header says does not matter.
  const size_t begin = mutant.patch.find("\n--- ");
  return hexadecimal_of(
      add_to_hash(base_, begin == mutant.patch.npos ? mutant.patch : mutant.patch.substr(begin)));
}

std::string MutantBuilder::objects(bool controlled) const {
  return folder_ + "/objects/" + hexadecimal_of(base_) + (controlled ? "-controlled" : "-plain");
}

std::string MutantBuilder::result_of(const Mutant& mutant, bool controlled) const {
  const std::string name = mutant.sound() ? "libkq" : mutant.name;
  return folder_ + "/" + name + "-" + hash_of(mutant) + (controlled ? ".controlled.so" : ".so");
}

std::string MutantBuilder::objects_script(bool controlled) const {
  const std::string folder = objects(controlled);
  const auto& flags = controlled ? recipe_.controlled_flags : recipe_.flags;
  std::string text = "rm -rf " + quoted(folder + ".new") + " && mkdir -p " +
                     quoted(folder + ".new") + " && cd " + quoted(folder + ".new") + "\n";
  for (const std::string& source : recipe_.sources) {
    text += quoted(recipe_.compiler) + joined(flags) + " -I " +
            quoted(recipe_.source + "/include") + " -c " + quoted(recipe_.source + "/" + source) +
            " -o " + quoted(object_of(source)) + "\n";
  }
  return text + "mv " + quoted(folder + ".new") + " " + quoted(folder) + "\n";
}

std::string MutantBuilder::mutant_script(const Mutant& mutant, bool controlled) const {
  const std::string result = result_of(mutant, controlled);
  const std::string work = result + ".work";
  const auto& flags = controlled ? recipe_.controlled_flags : recipe_.flags;
  bool all = false;
  for (const std::string& file : mutant.changed) all = all || is_header(file);
  const std::vector<std::string>& compiled = all ? recipe_.sources : mutant.changed;
  const std::string source = work + "/src/kqueue";
  std::string text = "rm -rf " + quoted(work) + " && mkdir -p " + quoted(work + "/src") +
                     " && cp -r " + quoted(recipe_.source) + " " + quoted(source) + " && cd " +
                     quoted(work) + "\n";
  if (!mutant.sound()) {
    text += quoted(recipe_.patch_program) + " -p1 -s -f --fuzz=0 -i " +
            quoted(fs::absolute(mutant.path).string()) + "\n";
  }
  std::string linked;
  for (const std::string& file : recipe_.sources) {
    const bool changed = std::find(compiled.begin(), compiled.end(), file) != compiled.end();
    if (!changed) {
      linked += ' ' + quoted(objects(controlled) + "/" + object_of(file));
      continue;
    }
    linked += ' ' + quoted(object_of(file));
    text += quoted(recipe_.compiler) + joined(flags) + " -I " + quoted(source + "/include") +
            " -c " + quoted(source + "/" + file) + " -o " + quoted(object_of(file)) + "\n";
  }
  text += quoted(recipe_.compiler) + " -shared -o mutant.so" + linked + joined(recipe_.link_flags) +
          "\n";
  return text + "mv mutant.so " + quoted(result) + "\nrm -rf " + quoted(work) + "\n";
}

bool MutantBuilder::run(const std::vector<Task>& tasks, size_t jobs,
                        const std::function<void(size_t, size_t)>& watch,
                        std::vector<bool>* succeeded, std::string* error) const {
  succeeded->assign(tasks.size(), false);
  std::vector<std::pair<size_t, std::unique_ptr<Child>>> running;
  size_t next = 0, done = 0;
  while (done < tasks.size()) {
    while (next < tasks.size() && running.size() < jobs) {
      const Task& task = tasks[next];
      const int log = open(task.log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
      SpawnOptions options;
      options.environment = environment_with({});
      options.output = log;
      options.no_input = true;
      auto child = std::make_unique<Child>();
      const int failure =
          log < 0 ? errno : child->start("/bin/sh", {"sh", "-e", "-c", task.script}, options);
      if (log >= 0) close(log);
      if (failure != 0) {
        *error = task.log + ": " + std::strerror(failure);
        return false;
      }
      running.emplace_back(next++, std::move(child));
    }
    for (auto at = running.begin(); at != running.end();) {
      if (!at->second->wait_until(Child::Clock::now() + std::chrono::milliseconds(20))) {
        if (const int number = pending_signal()) {
          for (auto& [index, child] : running) child->end(number);
          *error = "interrupted";
          return false;
        }
        ++at;
        continue;
      }
      const int status = at->second->status();
      (*succeeded)[at->first] = WIFEXITED(status) && WEXITSTATUS(status) == 0;
      at = running.erase(at);
      watch(++done, tasks.size());
    }
  }
  return true;
}

bool MutantBuilder::build(const std::vector<Mutant>& mutants, size_t jobs, Twins twins,
                          const std::function<void(size_t, size_t)>& watch,
                          std::vector<BuiltMutant>* built, std::string* error) {
  if (!make_directories(folder_ + "/objects")) {
    *error = folder_ + ": " + std::strerror(errno);
    return false;
  }
  std::vector<bool> succeeded;
  std::vector<Task> tasks;
  for (const bool controlled : {false, true}) {
    const std::string folder = objects(controlled);
    if (controlled && twins == Twins::kPlain) continue;
    if (access(folder.c_str(), F_OK) == 0) continue;
    tasks.push_back({0, objects_script(controlled), folder + ".log", folder});
  }
  if (!run(
          tasks, jobs, [](size_t, size_t) {}, &succeeded, error))
    return false;
  for (size_t i = 0; i < tasks.size(); i++) {
    if (succeeded[i]) continue;
    *error = "libkq does not compile, see " + tasks[i].log;
    return false;
  }
  tasks.clear();
  built->assign(mutants.size(), {});
  for (size_t i = 0; i < mutants.size(); i++) {
    for (const bool controlled : {false, true}) {
      const std::string result = result_of(mutants[i], controlled);
      (controlled ? (*built)[i].controlled : (*built)[i].plain) = result;
      if (controlled && twins == Twins::kPlain) continue;
      if (access(result.c_str(), F_OK) == 0) continue;
      tasks.push_back({i, mutant_script(mutants[i], controlled), result + ".log", result});
    }
  }
  if (!run(tasks, jobs, watch, &succeeded, error)) return false;
  for (size_t i = 0; i < tasks.size(); i++) {
    if (succeeded[i]) {
      unlink(tasks[i].log.c_str());
    } else {
      (*built)[tasks[i].mutant].failure = "does not apply or compile, see " + tasks[i].log;
    }
  }
  return true;
}

}  // namespace kqtorture
