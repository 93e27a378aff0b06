// Start, end and failure of a fuzzing process.
#include "fuzz_session.h"

#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include <cstdio>
#include <string_view>

#include "report/files.h"
#include "report/hash.h"
#include "scratch_folder.h"
#include "subject/worker.h"

namespace kqtorture {

namespace {

FuzzSession* session = nullptr;

std::optional<SupervisorOptions::Meaning> meaning_of(int status) {
  switch (status) {
    case 77:
      return SupervisorOptions::Meaning{kExitFinding, "crash", "libFuzzer caught a deadly signal"};
    case 70:
      return SupervisorOptions::Meaning{kExitFinding, "hang", "the input took too long"};
    case 71:
      return SupervisorOptions::Meaning{kExitFinding, "crash", "out of memory"};
    case 72:
      return SupervisorOptions::Meaning{kExitUsage, "", ""};  // interrupted
    default:
      return std::nullopt;
  }
}

// Without a supervisor, libFuzzer's own exit codes (77 is "skipped" to the rest of the suite)
// become those of the suite. Before the user's arguments, so that those win.
void use_suite_exit_codes(int* argc, char*** argv) {
  static char options[][32] = {"-error_exitcode=1", "-timeout_exitcode=1"};
  const size_t count = sizeof options / sizeof options[0];
  auto** const extended =
      static_cast<char**>(calloc(static_cast<size_t>(*argc) + count + 1, sizeof(char*)));
  if (!extended || *argc < 1) return;
  extended[0] = (*argv)[0];
  for (size_t i = 0; i < count; i++) extended[1 + i] = options[i];
  for (int i = 1; i < *argc; i++) extended[static_cast<size_t>(i) + count] = (*argv)[i];
  *argv = extended;
  *argc += static_cast<int>(count);
}

// libFuzzer's own supervisors, which run no input: fork mode, merging, minimising. They wait for
// children, longer than a subject may stand still, and each child is supervised for itself.
bool only_starts_others(int argc, char** argv) {
  for (int i = 1; i < argc; i++) {
    const std::string_view argument = argv[i];
    for (const std::string_view flag : {"-fork=", "-jobs=", "-merge=", "-minimize_crash="}) {
      if (argument.substr(0, flag.size()) == flag && argument != std::string(flag) + "0") {
        return true;
      }
    }
  }
  return false;
}

std::string hash_of(const std::vector<uint8_t>& bytes) {
  const uint64_t hash = fnv1a({reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  char text[17];
  snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash));
  return text;
}

}  // namespace

void FuzzSession::start(const char* name, int* argc, char*** argv, bool cold) {
  SupervisorOptions options;
  options.program = name;
  options.map_exit_code = meaning_of;
  if (!only_starts_others(*argc, *argv)) {
    if (const std::optional<int> code = supervise(*argc, *argv, options)) exit(*code);
  }
  const char* const worker = getenv("KQ_WORKER");
  if (worker && std::string_view(worker) == "0") use_suite_exit_codes(argc, argv);
  // Writing to a closed pipe is part of the game.
  signal(SIGPIPE, SIG_IGN);
  note_activity("start");
  std::string error;
  std::unique_ptr<Subject> subject = Subject::open(Subject::default_spec(), &error);
  if (!subject) {
    fprintf(stderr, "%s: %s\n", name, error.c_str());
    announce_exit(kExitUsage);
    exit(kExitUsage);
  }
  // Whatever the subject opens once for the whole process is open now.
  const int kq = cold ? -1 : subject->kqueue();
  if (kq >= 0) subject->close(kq);
  session = new FuzzSession(name, std::move(subject));
#ifdef __linux__
  on_exit([](int status, void*) { at_exit(status); }, nullptr);
#else
  atexit([] { at_exit(kExitClean); });
#endif
  note_activity(name);
}

FuzzSession::FuzzSession(const char* name, std::unique_ptr<Subject> subject)
    : name_(name), subject_(std::move(subject)) {}

FuzzSession& FuzzSession::get() { return *session; }

void FuzzSession::at_exit(int status) {
  if (session->inside_input_) return;  // unannounced: a finding
  write_stats(session->stats_);
  announce_exit(status);
}

void FuzzSession::begin_input(const uint8_t* data, size_t size) {
  input_.assign(data, data + size);
  inside_input_ = true;
  stats_.executions++;
}

void FuzzSession::end_input() {
  inside_input_ = false;
  note_progress();
}

void FuzzSession::violation(Finding finding) {
  const std::string path = output_directory() + "/findings/inputs/" + name_ + "-" + hash_of(input_);
  std::string error;
  const std::string_view bytes(reinterpret_cast<const char*>(input_.data()), input_.size());
  const bool saved = write_file(path, bytes, &error);
  if (!saved) fprintf(stderr, "%s: %s\n", name_.c_str(), error.c_str());
  if (!finding.schedule.empty()) {
    finding.engine = "controlled";
  } else {
    finding.engine = name_;
    if (saved) finding.reproducer = path;
  }
  finding.subject = subject_->spec();
  finding.profile = subject_->profile();
  save_finding(finding);
  write_stats(stats_);
  ScratchFolder::remove_of_this_process();
  abort();
}

OpenDescriptors::OpenDescriptors() {
  pollfd items[2 * kRange];
  for (int i = 0; i < 2 * kRange; i++) {
    items[i] = {kStarts[i / kRange] + i % kRange, 0, 0};
  }
  poll(items, 2 * kRange, 0);
  for (int i = 0; i < 2 * kRange; i++) open_[i] = !(items[i].revents & POLLNVAL);
}

int OpenDescriptors::first_difference(const OpenDescriptors& other) const {
  for (int i = 0; i < 2 * kRange; i++) {
    if (open_[i] != other.open_[i]) return kStarts[i / kRange] + i % kRange;
  }
  return -1;
}

}  // namespace kqtorture
