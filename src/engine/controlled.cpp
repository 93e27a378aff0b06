// What thread 0 does in one schedule. It runs on a thread of the runtime, as the others do.
#include "engine/controlled.h"

#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>

#include "scenario/print.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;

// Interruptions of waits in a row without a call returning, after which a wait cannot be ended.
constexpr int kMostInterruptions = 100;
// Descriptors of the runs begin here, wherever those that the process was started with end.
constexpr int kFirstDescriptor = 64;
// Histories remembered as clean. Each is 8 bytes and a node of the set.
constexpr size_t kMostRemembered = size_t{1} << 20;

bool uses_time(const Program& program) {
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      if (op.kind == OpKind::kSleep || op.kind == OpKind::kAwait) return true;
      if (op.wait == Wait::kDue || op.wait == Wait::kExplicit) return true;
      for (const Change& change : op.changes) {
        if (change.filter == filter::kTimer) return true;
      }
    }
  }
  return false;
}

// A signal that the program does not raise comes, and a process that is not its child ends, when
// others say so. Numbers that stand for no object are nobody's.
bool watches_others(const Program& program) {
  const auto foreign = [&](const Change& change) {
    const bool signal = change.filter == filter::kSignal, process = change.filter == filter::kProc;
    if ((!signal && !process) || change.ident.object == Ref::kNumber) return false;
    const ObjectKind kind = program.objects[change.ident.object].kind;
    return (change.flags & flag::kAdd) != 0 &&
           kind != (signal ? ObjectKind::kSignal : ObjectKind::kChild);
  };
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      if (std::any_of(op.changes.begin(), op.changes.end(), foreign)) return true;
    }
  }
  return false;
}

// A lock is held by a thread, which will not let go of it; a condition somebody may announce.
bool is_lock(const char* what) {
  for (const char* lock : {"a mutex", "a rwlock", "a thread", "an initialisation", "a barrier"}) {
    if (std::strcmp(what, lock) == 0) return true;
  }
  return false;
}

}  // namespace

bool ControlledEngine::start(sched::Engine engine, std::string* why_not) {
  return sched::Runtime::get().start(engine, why_not);
}

void ControlledEngine::level_descriptors() {
  const int filler = open("/dev/null", O_RDONLY | O_CLOEXEC);
  for (int fd = filler; fd >= 0 && fd < kFirstDescriptor;) {
    fd = fcntl(filler, F_DUPFD_CLOEXEC, 0);
    if (fd >= kFirstDescriptor) close(fd);
  }
  for (int fd = kFirstDescriptor; fd < 4 * kFirstDescriptor; fd++) close(fd);
}

std::unique_ptr<ControlledEngine> ControlledEngine::create(const Subject& subject,
                                                           std::string* error) {
  const contract::Profile* profile = contract::find_profile(subject.profile());
  if (profile == nullptr) {
    *error = "no profile is called " + subject.profile();
    return nullptr;
  }
  sched::Runtime& runtime = sched::Runtime::get();
  if (!runtime.adopt(reinterpret_cast<const void*>(subject.calls().kqueue), error)) {
    *error = "subject " + subject.spec() + " cannot be controlled: " + *error;
    return nullptr;
  }
  return std::unique_ptr<ControlledEngine>(
      new ControlledEngine(subject, *profile, host_of(subject), runtime.instrumented()));
}

ControlledEngine::ControlledEngine(const Subject& subject, const contract::Profile& profile,
                                   const contract::Host& host, bool instrumented)
    : subject_(subject), profile_(profile), host_(host), instrumented_(instrumented), body_([this] {
        body();
      }) {
  std::signal(SIGPIPE, SIG_IGN);
  ScriptedChild::host_syscall = sched::Runtime::real_syscall();
}

ControlledEngine::~ControlledEngine() = default;

bool ControlledEngine::load(const Program& program, std::string* why_not) {
  if (!program.profile.empty() && program.profile != profile_.name) {
    *why_not = "it is about profile " + program.profile;
    return false;
  }
  if (watches_others(program)) {
    *why_not = "signals and processes that are not its own are not under control";
    return false;
  }
  program_ = &program;
  times_matter_ = uses_time(program);
  clean_.clear();
  logs_.clear();
  run_ = std::make_unique<ThreadedRun>(subject_, program);
  run_->world().keep_nothing();
  const size_t lanes = run_->threads().size() + 1;
  for (uint32_t lane = 0; lane < lanes; lane++) {
    auto log = std::make_unique<ControlledLog>(lane, !instrumented_, &run_->world(), &fingerprint_);
    logs_.push_back(log.get());
    run_->add(std::move(log));
  }
  threads_.assign(lanes - 1, UINT32_MAX);
  handles_.assign(lanes - 1, {});
  names_.clear();
  for (size_t lane = 0; lane < lanes; lane++) names_.push_back(run_->name_of(lane));
  return true;
}

const ControlledResult& ControlledEngine::run(sched::Strategy* strategy, const Options& options) {
  options_ = options;
  result_.status = Status::kClean;
  result_.verdict.clear();
  result_.rule.clear();
  result_.message.clear();
  result_.detail.clear();
  result_.lanes = {};
  result_.operations = result_.deliveries = 0;
  result_.judged = result_.undecided = false;
  fingerprint_.reset(times_matter_);
  signals_ = 0;
  progress_ = 0;
  sched::Options how;
  how.most_steps = options.most_steps;
  how.record = options.record;
  how.races = options.races;
  result_.schedule = sched::Runtime::get().run(body_, strategy, how);
  result_.trace = Fingerprint::mixed(result_.schedule.trace, fingerprint_.value());
  if (const auto& fault = result_.schedule.fault) {
    result_.status = Status::kFinding;
    result_.verdict = fault->verdict;
    result_.message = fault->message;
    result_.detail = fault->detail;
    draw({UINT32_MAX, 0});
  }
  if (options.record && !result_.lanes.empty()) take_switches();
  // What it holds is the subject's, which is not to be called again.
  if (result_.schedule.dirty) (void)run_.release();
  return result_;
}

void ControlledEngine::body() {
  std::string why_not;
  if (!run_->begin(&why_not)) {
    run_->world().end();
    result_.status = Status::kSkipped;
    result_.message = why_not;
    return;
  }
  run_->section(Role::kSetup);
  sched::Runtime& runtime = sched::Runtime::get();
  for (size_t i = 0; i < threads_.size(); i++) {
    threads_[i] = runtime.spawn([this, i] {
      handles_[i] = pthread_self();
      for (const Op& op : run_->threads()[i]->ops) run_->operate(i + 1, op);
    });
  }
  see_through();
  run_->section(Role::kFinally);
  judge();
  run_->world().end();
}

size_t ControlledEngine::lane_of(uint32_t thread) const {
  const auto found = std::find(threads_.begin(), threads_.end(), thread);
  return found == threads_.end() ? 0 : 1 + static_cast<size_t>(found - threads_.begin());
}

std::string ControlledEngine::name_of(uint32_t thread) const {
  const size_t lane = lane_of(thread);
  if (lane == 0 && thread != 0) return "a thread of the subject";
  return lane == 0 ? names_[0] : "thread " + names_[lane];
}

// Waits until all threads have finished, ending waits that nothing will end.
void ControlledEngine::see_through() {
  sched::Runtime& runtime = sched::Runtime::get();
  while (!runtime.join()) {
    if (stuck(runtime.waiting())) {
      give_up();
      judge();
      runtime.abandon();
    }
  }
}

// True when the wait can be ended by nothing that a test may do.
bool ControlledEngine::stuck(const std::vector<sched::Waiting>& waiting) {
  sched::Runtime& runtime = sched::Runtime::get();
  std::vector<size_t> lanes;
  std::vector<uint32_t> sleepers;
  uint64_t progress = 0;
  bool locked = false;
  for (size_t lane = 1; lane < logs_.size(); lane++) progress += logs_[lane]->progress();
  for (const sched::Waiting& wait : waiting) {
    const size_t lane = lane_of(wait.thread);
    if (lane == 0) continue;
    // A call that may wait without limit may do so for whatever it likes, and only that.
    if (logs_[lane]->waits_on() < 0) accuse(waiting, "in a call that may not wait");
    lanes.push_back(lane);
    if (wait.interruptible) sleepers.push_back(wait.thread);
    locked = locked || (!wait.interruptible && is_lock(wait.for_what));
  }
  if (progress != progress_) signals_ = 0;
  progress_ = progress;
  if (sleepers.empty() && locked) accuse(waiting, "and nobody will let go of it");
  if (++signals_ > kMostInterruptions) accuse(waiting, "and a signal does not end it");
  if (signals_ == 1) probe_all(lanes);
  for (const uint32_t thread : sleepers) runtime.interrupt(thread);
  if (!sleepers.empty()) return false;
  // On a condition variable a signal ends nothing; the subject may have a way of its own.
  const auto interrupt = subject_.hooks().interrupt;
  if (interrupt == nullptr) return true;
  for (const size_t lane : lanes) interrupt(handles_[lane - 1]);
  return lanes.empty();
}

void ControlledEngine::accuse(const std::vector<sched::Waiting>& waiting, const char* why) {
  sched::Runtime& runtime = sched::Runtime::get();
  sched::Fault fault{"deadlock", "no thread can go on:", {}};
  for (const sched::Waiting& wait : waiting) {
    const size_t lane = lane_of(wait.thread);
    if (wait.thread == 0) continue;
    const std::string who = lane == 0 ? "a thread of the subject" : "thread " + names_[lane];
    const bool first = fault.detail.empty();
    fault.message += std::string(first ? " " : ", ") + who + " waits for " + wait.for_what;
    fault.detail.push_back(who + " waits for " + wait.for_what + " in " +
                           runtime.describe_site(wait.site));
  }
  fault.message += std::string(", ") + why;
  runtime.abandon(std::move(fault));
}

void ControlledEngine::probe_all(const std::vector<size_t>& lanes) {
  std::vector<int> kqueues;
  for (const size_t lane : lanes) kqueues.push_back(logs_[lane]->waits_on());
  std::sort(kqueues.begin(), kqueues.end());
  kqueues.erase(std::unique(kqueues.begin(), kqueues.end()), kqueues.end());
  for (const int kq : kqueues) run_->probe(kq);
}

void ControlledEngine::give_up() {
  for (ControlledLog* log : logs_) log->give_up();
}

void ControlledEngine::judge() {
  const contract::HistoryView& view = run_->view(1);
  result_.deliveries = run_->deliveries();
  result_.operations = contract::operations(view);
  if (options_.record) draw({UINT32_MAX, 0});
  const uint64_t fingerprint = fingerprint_.value();
  if (clean_.count(fingerprint) != 0) return;
  result_.judged = true;
  const contract::CheckReport report = contract::check_history(view, profile_, host_);
  result_.undecided = !report.decided();
  if (!report.violation) {
    if (report.decided() && clean_.size() < kMostRemembered) clean_.insert(fingerprint);
    return;
  }
  result_.status = Status::kFinding;
  result_.verdict = report.violation->verdict;
  result_.rule = report.violation->rule;
  result_.message = report.violation->message;
  draw(report.violation->guilty);
}

void ControlledEngine::draw(contract::OpRef guilty) {
  result_.lanes = run_->lanes(guilty, 1);
  if (guilty.thread == UINT32_MAX) result_.lanes.caption = "what was called:";
}

// Lanes count microseconds from their first call.
void ControlledEngine::take_switches() {
  const uint64_t origin = run_->origin();
  for (const sched::Switch& one : result_.schedule.switches) {
    if (!one.preemption || one.time < origin) continue;
    const size_t from = lane_of(one.from), to = lane_of(one.to);
    if ((from == 0 && one.from != 0) || (to == 0 && one.to != 0)) continue;
    result_.lanes.switches.push_back({.time = static_cast<double>(one.time - origin) / 1000,
                                      .from = static_cast<uint32_t>(from),
                                      .to = static_cast<uint32_t>(to),
                                      .text = sched::Runtime::get().describe_site(one.site)});
  }
}

}  // namespace kqtorture
