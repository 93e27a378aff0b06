// addr2line (binutils) is a process of its own, as with the sanitizers: nothing that reads debug
// information is loaded beside a subject. It is asked at most once for each address.
#include "sched/symbolize.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>

extern char** environ;

namespace kqtorture::sched {
namespace {

struct Place {
  std::string file;
  uintptr_t offset = 0;
  std::string symbol;
};

std::string hex(uintptr_t value) {
  char text[32];
  std::snprintf(text, sizeof text, "0x%lx", static_cast<unsigned long>(value));
  return text;
}

std::string base_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

Place place_of(uintptr_t address) {
  Place place;
  Dl_info info;
  link_map* map = nullptr;
  if (dladdr1(reinterpret_cast<void*>(address), &info, reinterpret_cast<void**>(&map),
              RTLD_DL_LINKMAP) == 0 ||
      map == nullptr) {
    return place;
  }
  const bool program = map->l_name == nullptr || *map->l_name == '\0';
  place.file = program ? "/proc/self/exe" : map->l_name;
  place.offset = address - map->l_addr;
  if (program) {
    char path[4096];
    const ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size > 0) place.file.assign(path, static_cast<size_t>(size));
  }
  if (info.dli_sname != nullptr) {
    place.symbol = std::string(info.dli_sname) + "+" +
                   hex(address - reinterpret_cast<uintptr_t>(info.dli_saddr));
  }
  return place;
}

std::string where(const Place& place) { return base_name(place.file) + "+" + hex(place.offset); }

std::string without_tool(const Place& place) {
  if (place.file.empty()) return "?";
  return place.symbol.empty() ? where(place) : place.symbol + " (" + where(place) + ")";
}

// The output of addr2line for the offsets in the file, by lines; empty when it cannot be run.
std::vector<std::string> ask(const std::string& file, const std::vector<uintptr_t>& offsets) {
  std::vector<std::string> words = {"addr2line", "-C", "-f", "-s", "-e", file};
  for (const uintptr_t offset : offsets) words.push_back(hex(offset));
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return {};
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t child = -1;
  const int error =
      posix_spawnp(&child, arguments[0], &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  ::close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t size; error == 0 && (size = ::read(ends[0], buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(size));
  }
  ::close(ends[0]);
  if (error != 0) return {};
  int status;
  waitpid(child, &status, 0);
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    const size_t end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::map<uintptr_t, std::string>& known() {
  static std::map<uintptr_t, std::string> names;
  return names;
}

}  // namespace

std::vector<std::string> symbolize(const std::vector<uintptr_t>& addresses) {
  std::map<std::string, std::vector<uintptr_t>> by_file;
  std::map<uintptr_t, Place> places;
  for (const uintptr_t address : addresses) {
    if (known().count(address) != 0 || places.count(address) != 0) continue;
    const Place place = place_of(address);
    places[address] = place;
    known()[address] = without_tool(place);
    if (!place.file.empty()) by_file[place.file].push_back(address);
  }
  for (const auto& [file, wanted] : by_file) {
    std::vector<uintptr_t> offsets;
    for (const uintptr_t address : wanted) offsets.push_back(places[address].offset);
    const std::vector<std::string> lines = ask(file, offsets);
    if (lines.size() != 2 * wanted.size()) continue;
    for (size_t i = 0; i < wanted.size(); i++) {
      const std::string& function = lines[2 * i];
      if (function.rfind("??", 0) == 0) continue;
      const std::string line = lines[2 * i + 1].substr(0, lines[2 * i + 1].find(' '));
      const Place& place = places[wanted[i]];
      if (line.rfind("??", 0) != 0) {
        known()[wanted[i]] = function + " " + line;  // without "(discriminator 1)"
      } else if (place.symbol.empty()) {
        known()[wanted[i]] = function + " (" + where(place) + ")";
      }
    }
  }
  std::vector<std::string> names;
  for (const uintptr_t address : addresses) names.push_back(known()[address]);
  return names;
}

std::string symbolize(uintptr_t address) { return symbolize(std::vector{address})[0]; }

}  // namespace kqtorture::sched
