// Each schedule is announced on the board before it is run, so that whoever comes next knows.
#include "cli/explore_worker.h"

#include <algorithm>
#include <cstdio>
#include <ctime>

#include "cli/finding_file.h"
#include "engine/parting.h"
#include "report/files.h"
#include "report/text.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using Status = SequentialResult::Status;
using Verdict = ExploreBoard::Verdict;

// The first and every thousandth schedule of a program and strategy is run twice.
constexpr uint64_t kRepeatEvery = 1000;
// The clock is asked now and then only.
constexpr uint64_t kLookEvery = 16;
// One thread leaves nothing to choose, so these say what all the others would; and a program that
// watches files takes milliseconds for each, which the kernel takes to end an inotify instance.
constexpr uint64_t kEnoughAlone = 16;

uint64_t processor_time() {
  timespec now{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return static_cast<uint64_t>(now.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(now.tv_nsec);
}

void add_to(std::atomic<uint64_t>* sum, uint64_t value) {
  sum->fetch_add(value, std::memory_order_relaxed);
}

}  // namespace

std::unique_ptr<ControlledEngine> open_controlled(const std::string& carrier,
                                                  std::unique_ptr<Subject>* subject,
                                                  std::string* error) {
  ControlledEngine::level_descriptors();
  const auto engine = carrier == "threads" ? sched::Engine::kThreads : sched::Engine::kFibers;
  if (!ControlledEngine::start(engine, error)) return nullptr;
  *subject = Subject::open(Subject::default_spec(), error);
  return *subject ? ControlledEngine::create(**subject, error) : nullptr;
}

Finding finding_of(const ControlledResult& result, const ControlledEngine& engine,
                   const Scenario& scenario, const ScheduleRecord& schedule, uint64_t seed) {
  Finding finding;
  finding.verdict = result.verdict;
  finding.rule = result.rule;
  finding.engine = "controlled";
  finding.scenario = scenario.name;
  finding.subject = engine.subject().spec();
  finding.profile = engine.profile().name;
  finding.seed = seed;
  finding.message = result.message;
  finding.reproducer = print(scenario.program);
  finding.detail = result.detail;
  finding.lanes = result.lanes;
  finding.schedule = schedule;
  return finding;
}

ControlledEngine::Options options_of(const ScheduleRecord& schedule) {
  ControlledEngine::Options options;
  options.most_steps = schedule.most_steps;
  options.races = schedule.races;
  options.record = true;
  return options;
}

std::string parting(const ScheduleRecord& schedule, const ControlledEngine& engine) {
  if (schedule.steps.empty()) return "at which step is not known: none were recorded";
  const std::string where = where_parted(schedule.steps, engine);
  if (!where.empty()) return "parted at " + where;
  return "the same steps, as far as they were recorded; but what the calls returned is not the "
         "same";
}

ExploreWorker::ExploreWorker(const std::vector<Scenario>& scenarios,
                             const ExploreArguments& arguments, const ExplorePlan& plan,
                             ExploreBoard* board, size_t lane)
    : scenarios_(scenarios),
      arguments_(arguments),
      plan_(plan),
      board_(*board),
      lane_(board->lane(lane)),
      number_(lane),
      strategies_(scenarios.size()) {}

int ExploreWorker::work() {
  note_activity("open");
  note_seed(arguments_.seed);
  std::string error;
  engine_ = open_controlled(arguments_.engine, &subject_, &error);
  if (!engine_) return usage_error(error);
  verify();
  // Where the last worker of the lane stopped: `decisions` of a schedule that it did not end are
  // its supervisor's business.
  Turn turn{lane_.program, lane_.strategy, lane_.round};
  uint64_t from = lane_.next;
  for (; turn.round < plan_.rounds(); turn.round++, turn.program = 0) {
    bool any = false;
    for (; turn.program < scenarios_.size(); turn.program++, turn.strategy = 0) {
      for (; turn.strategy < plan_.strategies().size(); turn.strategy++, from = 0) {
        // The first round is complete whatever it takes: a program that had no turn says nothing.
        const Verdict verdict = board_.program(turn.program).verdict;
        if (verdict == Verdict::kFinding || verdict == Verdict::kSkipped) continue;
        if (turn.round > 0 && plan_.over(board_)) continue;
        lane_.program = turn.program;
        lane_.strategy = turn.strategy;
        lane_.round = turn.round;
        lane_.next = from;
        if (!take_turn(turn, from)) leave(kExitFinding);
        any = true;
      }
    }
    if (!any) break;
  }
  lane_.done = true;
  return kExitClean;
}

// A process that was left in the middle of calls runs no destructors.
void ExploreWorker::leave(int code) {
  std::fflush(nullptr);
  announce_exit(code);
  _exit(code);
}

bool ExploreWorker::load(size_t program) {
  if (loaded_ == program) return true;
  const Scenario& scenario = scenarios_[program];
  note_activity(to_file_name(scenario.name).c_str());
  std::string why_not;
  ExploreBoard::Tally& state = board_.program(program);
  state.uncontrolled = !engine_->instrumented();
  if (!arguments_.dangerous) why_not = danger_here(*subject_, scenario.program);
  if (!why_not.empty() || !engine_->load(scenario.program, &why_not)) {
    state.note.set(why_not);
    state.verdict = Verdict::kSkipped;
    return false;
  }
  loaded_ = program;
  kept_ = plan_.kept(scenario.name);
  if (!strategies_[program].empty()) return true;
  for (const std::string& name : plan_.strategies()) {
    strategies_[program].push_back(sched::strategy_named(name, &why_not));
  }
  return true;
}

bool ExploreWorker::take_turn(const Turn& turn, uint64_t from) {
  if (!load(turn.program)) return true;
  const auto begin = std::chrono::steady_clock::now();
  processor_time_ = processor_time();
  bool goes_on = true;
  ExploreBoard::Tally& state = board_.program(turn.program);
  if (plan_.is_depth_first(turn.strategy)) {
    goes_on = depth_first(turn, from);
  } else {
    const uint64_t share = plan_.share(number_, board_.jobs());
    const bool alone = is_sequential(scenarios_[turn.program].program);
    for (uint64_t i = from; i < share && goes_on; i++) {
      if (state.verdict == Verdict::kFinding || state.verdict == Verdict::kSkipped) break;
      const bool may_end = turn.round > 0 || (alone && i >= kEnoughAlone);
      if (may_end && i % kLookEvery == 0 && plan_.over(board_)) break;
      lane_.next = i + 1;
      goes_on = one(turn, strategies_[turn.program][turn.strategy].get(),
                    turn.round * plan_.batch() + i * board_.jobs() + number_);
    }
  }
  if (goes_on) take_processor_time(turn);
  const auto spent = std::chrono::steady_clock::now() - begin;
  add_to(
      &state.nanoseconds,
      static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count()));
  return goes_on;
}

// A search that was cut off by the end of its worker cannot be resumed, and is left unfinished.
bool ExploreWorker::depth_first(const Turn& turn, uint64_t from) {
  if (number_ != plan_.depth_first_lane(turn.program, board_.jobs()) || from > 0) return true;
  auto& search = static_cast<sched::DepthFirst&>(*strategies_[turn.program][turn.strategy]);
  ExploreBoard::Tally& state = board_.program(turn.program);
  if (state.search_ended) return true;
  // It has as many schedules as all of the others together have of one strategy.
  for (uint64_t i = 0; i < plan_.batch(); i++) {
    if (state.verdict == Verdict::kFinding || state.verdict == Verdict::kSkipped) return true;
    if (turn.round > 0 && i % kLookEvery == 0 && plan_.over(board_)) return true;
    lane_.next = i + 1;
    const unsigned bound = search.bound();
    if (!one(turn, &search, turn.round * plan_.batch() + i)) return false;
    if (search.lost_its_way()) {
      state.search_ended = true;
      return true;
    }
    if (search.bound() != bound || search.exhausted()) {
      state.finished_bound = bound + 1;
      state.finished_schedules = search.schedules();
    }
    if (search.exhausted()) {
      state.search_ended = true;
      return true;
    }
  }
  return true;
}

bool ExploreWorker::one(const Turn& turn, sched::Strategy* strategy, uint64_t number) {
  const Scenario& scenario = scenarios_[turn.program];
  const uint64_t seed = plan_.seed_of(scenario.name, turn.strategy, number);
  const std::string& name = plan_.strategies()[turn.strategy];
  WatchedStrategy watched(strategy, &lane_);
  lane_.seed = seed;
  watched.begin(seed);
  lane_.running = true;
  const ControlledEngine::Options options{arguments_.most_steps, !arguments_.no_races, false};
  const ControlledResult& result = engine_->run(&watched, options);
  lane_.running = false;
  note_progress();
  dirty_ = result.schedule.dirty;
  ExploreBoard::Tally& state = board_.program(turn.program);
  if (result.status == Status::kSkipped) {
    state.note.set(result.message);
    state.verdict = Verdict::kSkipped;
    return !dirty_;
  }
  count(turn, result);
  if (number % kLookEvery == 0 || result.status == Status::kFinding) take_processor_time(turn);
  if (result.status == Status::kFinding) return found(turn, result, seed, name);
  if (dirty_) return false;
  const bool keep = kept_.count({turn.strategy, number}) != 0;
  if (number >= board_.jobs() && number % kRepeatEvery != 0 && !keep) return true;
  return again(turn, seed, name, number, keep);
}

void ExploreWorker::take_processor_time(const Turn& turn) {
  const uint64_t now = processor_time();
  add_to(&board_.program(turn.program).processor_nanoseconds, now - processor_time_);
  processor_time_ = now;
}

void ExploreWorker::count(const Turn& turn, const ControlledResult& result) {
  ExploreBoard::Tally& state = board_.program(turn.program);
  add_to(&state.schedules[turn.strategy], 1);
  add_to(&state.steps, result.schedule.steps);
  add_to(&state.operations, result.operations);
  add_to(&state.deliveries, result.deliveries);
  add_to(&state.judged, result.judged ? 1 : 0);
  add_to(&state.undecided, result.undecided ? 1 : 0);
  raise_to(&state.most_steps, result.schedule.steps);
  raise_to(&state.most_choices, result.schedule.choices);
  raise_to(&state.most_threads, result.schedule.threads);
  board_.met(turn.program, result.schedule.interleaving);
  if (state.verdict == Verdict::kNotRun) state.verdict = Verdict::kClean;
}

ScheduleRecord ExploreWorker::record_of(const sched::Schedule& schedule, uint64_t trace,
                                        const std::string& strategy) const {
  ScheduleRecord record;
  record.strategy = strategy;
  record.carrier = arguments_.engine;
  record.trace = trace;
  record.most_steps = arguments_.most_steps;
  record.races = !arguments_.no_races;
  record.decisions = schedule.decisions;
  record.steps = marks_of_last_run();
  return record;
}

// A process that is not dirty runs it once more at once, for the picture with the switches; of a
// dirty one the next worker does.
bool ExploreWorker::found(const Turn& turn, const ControlledResult& result, uint64_t seed,
                          const std::string& strategy) {
  const Scenario& scenario = scenarios_[turn.program];
  const ScheduleRecord record = record_of(result.schedule, result.trace, strategy);
  if (!scenario.program.expect.empty() && scenario.program.expect == result.verdict) {
    ExploreBoard::Tally& state = board_.program(turn.program);
    state.note.set("found, as expected: " + result.verdict);
    state.verdict = Verdict::kClean;
    return !dirty_;
  }
  save(turn, finding_of(result, *engine_, scenario, record, seed), false);
  return false;
}

void ExploreWorker::save(const Turn& turn, const Finding& finding, bool verified) {
  ExploreBoard::Tally& state = board_.program(turn.program);
  const std::string path = save_finding(finding);
  state.finding_verdict.set(finding.verdict);
  state.rule.set(finding.rule);
  state.note.set(finding.message);
  state.finding.set(path);
  state.verdict = Verdict::kFinding;
  if (!verified) lane_.unverified.set(path);
}

// The schedule that was run last, from its decisions.
bool ExploreWorker::again(const Turn& turn, uint64_t seed, const std::string& strategy,
                          uint64_t number, bool keep) {
  const ControlledResult& before = engine_->last();
  const uint64_t trace = before.trace;
  const ScheduleRecord record = record_of(before.schedule, trace, strategy);
  ControlledEngine::Options options = options_of(record);
  options.record = keep;
  const auto replay = sched::make_replay(record.decisions);
  WatchedStrategy watched(replay.get(), &lane_);
  watched.begin(0);
  lane_.running = true;
  const ControlledResult& now = engine_->run(&watched, options);
  lane_.running = false;
  dirty_ = now.schedule.dirty;
  add_to(&board_.program(turn.program).repeated, 1);
  Finding finding = finding_of(now, *engine_, scenarios_[turn.program], record, seed);
  if (now.trace == trace && !replay->misfit()) {
    if (keep) this->keep(turn, std::move(finding), number);
    return !dirty_;
  }
  finding.verdict = "unsupported";
  finding.rule.clear();
  finding.message = "a schedule that was run twice did not go the same way";
  finding.detail.push_back("the first time it took " + std::to_string(record.decisions.size()) +
                           " decisions, the second time " +
                           std::to_string(now.schedule.decisions.size()));
  finding.detail.push_back(parting(record, *engine_));
  save(turn, finding, true);
  return false;
}

void ExploreWorker::keep(const Turn& turn, Finding finding, uint64_t number) {
  finding.verdict = kNothingFound;
  finding.message = "schedule " + std::to_string(number) + " of " + finding.schedule.strategy;
  const std::string path = output_directory() + "/schedules/" + to_file_name(finding.scenario) +
                           "-" + to_file_name(finding.schedule.strategy) + "-" +
                           std::to_string(number) + ".json";
  std::string error;
  if (write_file(path, to_json(finding) + "\n", &error)) {
    add_to(&board_.program(turn.program).kept, 1);
  } else {
    std::fprintf(stderr, "explore: %s\n", to_printable(error).c_str());
  }
}

// A finding of the worker before this one: it must be found again, step by step.
void ExploreWorker::verify() {
  const std::string path = lane_.unverified.get();
  if (path.empty()) return;
  lane_.unverified.set("");
  Finding finding;
  std::string error;
  Scenario scenario;
  if (!load_finding(path, &finding, &error) || parse(finding.reproducer, &scenario.program) ||
      !engine_->load(scenario.program, &error)) {
    return;
  }
  scenario.name = finding.scenario;
  const auto replay = sched::make_replay(finding.schedule.decisions);
  WatchedStrategy watched(replay.get(), &lane_);
  watched.begin(0);
  const ControlledResult& result = engine_->run(&watched, options_of(finding.schedule));
  loaded_ = SIZE_MAX;
  for (size_t i = 0; i < scenarios_.size(); i++) {
    if (scenarios_[i].name == finding.scenario) add_to(&board_.program(i).repeated, 1);
  }
  if (result.trace == finding.schedule.trace && result.verdict == finding.verdict) {
    finding.lanes = result.lanes;
    save_finding(finding);
  } else {
    finding.detail.push_back("as found: " + finding.verdict + ": " + finding.message);
    finding.detail.push_back("run again: " + (result.verdict.empty() ? "nothing" : result.verdict) +
                             ": " + result.message);
    finding.detail.push_back(parting(finding.schedule, *engine_));
    finding.verdict = "unsupported";
    finding.message = "a schedule that was run twice did not go the same way";
    save_finding(finding);
  }
  if (result.schedule.dirty) leave(kExitFinding);
}

}  // namespace kqtorture
