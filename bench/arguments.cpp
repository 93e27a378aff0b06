#include "arguments.h"

#include <regex.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

#include "report/stats.h"
#include "subject/subject.h"

namespace kqtorture::bench {

const char kUsage[] =
    "kq_bench: what a kqueue costs, beside others in the same process.\n"
    "\n"
    "  --subject SUBJECT   emulator, native, or the path of a shared object ($KQ_SUBJECT)\n"
    "  --peer PATH         a second kqueue, a shared object, measured beside the subject\n"
    "  --budget SECONDS    how long all of it may take, roughly ($KQ_BUDGET; default 20)\n"
    "  --histograms DIR    write the histograms of the latencies there, as .hgrm\n"
    "\n"
    "and the flags of Google Benchmark:\n"
    "  --benchmark_filter=REGEX, --benchmark_list_tests, --benchmark_repetitions=N,\n"
    "  --benchmark_enable_random_interleaving=true,\n"
    "  --benchmark_min_time=SECONDS (of each measurement), --benchmark_out=FILE,\n"
    "  --benchmark_out_format=json|console, --benchmark_format=json|console\n"
    "\n"
    "scripts/bench adds repetitions, statistics, tables and charts.\n"
    "Exit: 0 measured, 1 the subject answered wrongly (a finding), 2 usage or environment.\n";

namespace {

// Takes "--name value" and "--name=value".
bool take(int argc, char** argv, int* i, const char* name, std::string* value) {
  const size_t length = std::strlen(name);
  if (std::strncmp(argv[*i], name, length) != 0) return false;
  if (argv[*i][length] == '=') {
    *value = argv[*i] + length + 1;
    return true;
  }
  if (argv[*i][length] != '\0' || *i + 1 >= argc) return false;
  *value = argv[++*i];
  return true;
}

// What Google Benchmark is going to do is needed to divide the budget.
void look_at(const char* flag, Arguments* result) {
  const auto value_of = [flag](const char* name) -> const char* {
    const size_t length = std::strlen(name);
    return std::strncmp(flag, name, length) == 0 ? flag + length : nullptr;
  };
  result->min_time_given |= std::strstr(flag, "min_time") != nullptr;
  result->list |= value_of("--benchmark_list_tests") != nullptr;
  if (const char* filter = value_of("--benchmark_filter=")) result->filter = filter;
  if (const char* count = value_of("--benchmark_repetitions=")) {
    result->repetitions = std::max(1, std::atoi(count));
  }
  result->rest.push_back(flag);
}

}  // namespace

Arguments parse(int argc, char** argv) {
  Arguments result;
  result.subject = Subject::default_spec();
  result.budget =
      static_cast<double>(budget_from_environment(std::chrono::seconds(20)).count()) / 1000;
  for (int i = 1; i < argc; ++i) {
    std::string value;
    if (std::strcmp(argv[i], "--help") == 0 || std::strcmp(argv[i], "-h") == 0) {
      result.help = true;
    } else if (take(argc, argv, &i, "--subject", &result.subject) ||
               take(argc, argv, &i, "--peer", &result.peer) ||
               take(argc, argv, &i, "--histograms", &result.histograms)) {
      continue;
    } else if (take(argc, argv, &i, "--budget", &value)) {
      char* end = nullptr;
      result.budget = std::strtod(value.c_str(), &end);
      if (value.empty() || *end != '\0' || !(result.budget > 0)) {
        result.error = "--budget: '" + value + "' is not a positive number of seconds";
      }
    } else if (std::strncmp(argv[i], "--benchmark_", 12) == 0) {
      look_at(argv[i], &result);
    } else {
      result.error = std::string("unknown argument '") + argv[i] + "' (see --help)";
    }
  }
  return result;
}

int count_selected(const std::vector<std::string>& names, const std::string& filter) {
  const bool inverted = !filter.empty() && filter[0] == '-';
  regex_t regex;
  if (regcomp(&regex, filter.c_str() + (inverted ? 1 : 0), REG_EXTENDED | REG_NOSUB) != 0) {
    return static_cast<int>(names.size());
  }
  int count = 0;
  for (const std::string& name : names) {
    count += (regexec(&regex, name.c_str(), 0, nullptr, 0) == 0) != inverted;
  }
  regfree(&regex);
  return count;
}

}  // namespace kqtorture::bench
