#include "cli/mutant.h"

#include <algorithm>
#include <filesystem>
#include <string_view>

#include "report/files.h"
#include "report/text.h"

namespace kqtorture {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLargestPatch = 65536;
constexpr std::string_view kOld = "--- a/src/kqueue/", kNew = "+++ b/src/kqueue/";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  if (begin == text.npos) return {};
  return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

void append(std::string_view text, std::string* to) {
  if (text.empty()) return;
  if (!to->empty()) *to += ' ';
  *to += text;
}

// The field a line of the header begins, or null.
std::string* field_of(std::string_view line, Mutant* mutant, std::string_view* rest) {
  const struct {
    std::string_view name;
    std::string* text;
  } fields[] = {{"origin:", &mutant->origin},
                {"platform:", &mutant->platform},
                {"rule:", &mutant->rule},
                {"kind:", &mutant->kind},
                {"equivalent:", &mutant->equivalent}};
  for (const auto& field : fields) {
    if (line.substr(0, field.name.size()) != field.name) continue;
    *rest = line.substr(field.name.size());
    return field.text;
  }
  return nullptr;
}

int depth_of(const std::string& kind) {
  const size_t at = kind.find("depth ");
  if (at == kind.npos || at + 6 >= kind.size()) return 0;
  const char digit = kind[at + 6];
  return digit >= '2' && digit <= '9' ? digit - '0' : 0;
}

// Nothing but what lies in src/kqueue can be planted, and nothing beside it may be written to.
bool is_plain(std::string_view file) {
  return !file.empty() && file.find("..") == file.npos && file[0] != '/' &&
         file.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_./") == file.npos;
}

bool read_header(Mutant* mutant, std::string* error) {
  std::string* field = &mutant->story;
  bool in_header = true;
  const std::string_view all = mutant->patch;
  for (size_t begin = 0; begin < all.size();) {
    const size_t end = std::min(all.find('\n', begin), all.size());
    const std::string_view line = all.substr(begin, end - begin);
    begin = end + 1;
    const bool names_old = line.substr(0, 4) == "--- ";
    if (names_old || line.substr(0, 4) == "+++ ") {
      in_header = false;
      const std::string_view prefix = names_old ? kOld : kNew;
      if (line.substr(0, prefix.size()) != prefix || !is_plain(line.substr(prefix.size()))) {
        *error = mutant->path + ": changes something beside src/kqueue: " + to_line(line);
        return false;
      }
      if (!names_old) mutant->changed.emplace_back(line.substr(prefix.size()));
    } else if (in_header) {
      std::string_view rest = line;
      if (std::string* next = field_of(line, mutant, &rest)) {
        field = next;
      } else if (trimmed(line).empty()) {
        continue;
      }
      append(trimmed(rest), field);
    }
  }
  mutant->depth = depth_of(mutant->kind);
  const char* lacks = mutant->changed.empty()  ? "a change of src/kqueue"
                      : mutant->origin.empty() ? "a line \"origin:\""
                      : mutant->rule.empty()   ? "a line \"rule:\""
                      : mutant->kind.empty()   ? "a line \"kind:\""
                                               : nullptr;
  if (lacks != nullptr) *error = mutant->path + ": has not " + lacks;
  return lacks == nullptr;
}

bool list_patches(const std::string& path, std::vector<std::string>* files, std::string* error) {
  std::error_code failure;
  if (!fs::is_directory(path, failure)) {
    files->push_back(path);
    return true;
  }
  fs::recursive_directory_iterator entry(path, failure);
  for (; !failure && entry != fs::recursive_directory_iterator(); entry.increment(failure)) {
    if (entry->path().extension() == ".patch") files->push_back(entry->path().string());
  }
  if (failure) *error = path + ": " + failure.message();
  return !failure;
}

}  // namespace

bool read_mutants(const std::vector<std::string>& paths, std::vector<Mutant>* mutants,
                  std::string* error) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    if (!list_patches(path, &files, error)) return false;
  }
  for (const std::string& file : files) {
    Mutant mutant;
    mutant.path = file;
    mutant.name = fs::path(file).stem().string();
    if (!read_file(file, kLargestPatch, &mutant.patch, error)) return false;
    if (mutant.patch.empty()) {
      *error = file + ": is empty";
      return false;
    }
    if (to_file_name(mutant.name) != mutant.name) {
      *error = file + ": not a name for a mutant";
      return false;
    }
    if (!read_header(&mutant, error)) return false;
    mutants->push_back(std::move(mutant));
  }
  const auto by_name = [](const Mutant& a, const Mutant& b) { return a.name < b.name; };
  std::stable_sort(mutants->begin(), mutants->end(), by_name);
  for (size_t i = 1; i < mutants->size(); i++) {
    if ((*mutants)[i].name != (*mutants)[i - 1].name) continue;
    *error = (*mutants)[i].path + ": has the name of " + (*mutants)[i - 1].path;
    return false;
  }
  if (mutants->empty()) *error = "no mutants: no *.patch in what was named";
  return !mutants->empty();
}

}  // namespace kqtorture
