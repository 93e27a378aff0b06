// The real program is copied, because it finds the others relative to where it lies.
#include "tree.h"

#include <filesystem>
#include <sstream>

namespace kqtorture::testing {
namespace {

// What the scripts share. Findings are written as the real programs do: complete or not at all.
constexpr char kPrelude[] = R"(#!/bin/sh
canary=no
case "$KQ_SUBJECT" in *libkq_canary.so) canary=yes ;; esac
work() {
  printf '{"operations":%s,"deliveries":%s,"executions":%s}' "$1" "$2" "$3" > "$KQ_STATS"
}
found() {
  mkdir -p "$KQ_OUT/findings"
  printf '{"verdict":"%s","engine":"stress","message":"m","scenario":"%s"}' "$2" "$1" \
    > "$KQ_OUT/findings/.tmp"
  mv "$KQ_OUT/findings/.tmp" "$KQ_OUT/findings/$1.json"
}
note() { printf '%s\n' "$*" >> "@NOTES@"; }
)";

}  // namespace

Tree::Tree() {
  std::filesystem::create_directories(path("build/release/bin"));
  std::filesystem::copy_file(KQT_PROGRAM, program_path());
  write_text(path("build/release/lib/libkq_canary.so"), "");
#if defined(KQT_LIBKQ)
  std::filesystem::create_symlink(KQT_LIBKQ, path("build/release/lib/libkq.so"));
#endif
}

void Tree::program(const std::string& preset, const std::string& program, const std::string& body) {
  std::string prelude = kPrelude;
  const std::string placeholder = "@NOTES@";
  prelude.replace(prelude.find(placeholder), placeholder.size(), path("notes"));
  write_text(path("build/" + preset + "/bin/" + program), prelude + body + "\n", true);
}

void Tree::healthy_programs() {
  program("release", "kq_stress",
          "if [ $canary = yes ]; then found double duplicate; exit 1; fi\n"
          "sleep $KQ_BUDGET; work 1000 100 10; exit 0");
  program("release", "kq_bench", "work 50 5 1; exit 0");
}

Ran Tree::kqtorture(const std::vector<std::string>& arguments, Variables variables) const {
  std::vector<std::string> command = {program_path()};
  command.insert(command.end(), arguments.begin(), arguments.end());
  variables.emplace("KQ_OUT", out());
  return run(command, variables);
}

nlohmann::json Tree::results() const {
  return nlohmann::json::parse(read_text(out() + "/results.json"), nullptr, false);
}

nlohmann::json Tree::engine(const std::string& name) const {
  const nlohmann::json all = results();
  if (!all.is_object()) return nullptr;
  for (const auto& engine : all["engines"]) {
    if (engine["name"] == name) return engine;
  }
  return nullptr;
}

std::vector<std::string> Tree::notes() const {
  std::istringstream text(read_text(path("notes")));
  std::vector<std::string> lines;
  for (std::string line; std::getline(text, line);) lines.push_back(line);
  return lines;
}

std::string working_subject() { return std::string(KQT_OBJECTS) + "/virtual_kernel.so"; }

}  // namespace kqtorture::testing
