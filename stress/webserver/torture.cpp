#include "torture.h"

#include <chrono>
#include <cstdio>
#include <thread>

#include "contract/profile.h"
#include "load.h"
#include "report/finding.h"
#include "report/stats.h"
#include "standstill.h"
#include "subject/worker.h"

namespace kqtorture::web {
namespace {

using Clock = std::chrono::steady_clock;
using ull = unsigned long long;

constexpr int64_t kGrace = 200'000'000;
constexpr std::chrono::milliseconds kGlance{2};

class Torture {
 public:
  Torture(const TortureOptions& options, const Subject& subject)
      : options_(options), subject_(subject), random_(options.seed) {}
  int run();

 private:
  // Why not, or empty.
  std::string play_round(uint64_t visits);
  template <typename Done>
  void wait_for(Server& server, const Load& load, Done done);
  void accuse_standstill(Server& server);
  uint64_t next_round() const;
  void save() const;
  void print() const;
  bool has_worked() const;

  const TortureOptions& options_;
  const Subject& subject_;
  Random random_;
  Ledger ledger_;
  Clock::time_point start_ = Clock::now();
  Counts counts_;
  uint64_t rounds_ = 0, visits_ = 0, answers_ = 0;
  std::array<uint64_t, Visitor::kRoles> played_{};
};

// Somebody waits for an answer, or for the end of a connection, and nothing happens any more.
void Torture::accuse_standstill(Server& server) {
  const bool has_event = server.kqueue_has_event();
  ledger_.accuse({has_event ? "stuck-waiter" : "lost",
                  "I8",
                  has_event ? "workers sleep though a call from outside gets an event"
                            : "a connection waits for an event that does not come",
                  {std::to_string(server.open_connections()) + " connections are open"}});
}

template <typename Done>
void Torture::wait_for(Server& server, const Load& load, Done done) {
  Standstill standstill(options_.look);
  while (!ledger_.guilty() && !done()) {
    std::this_thread::sleep_for(kGlance);
    note_progress();
    if (standstill.look(server.progress() + load.visits())) accuse_standstill(server);
  }
}

std::string Torture::play_round(uint64_t visits) {
  // Server and load are left alone when somebody was found guilty: their threads may never end.
  auto* server = new Server(subject_, options_.server, &ledger_);
  if (std::string why = server->start(); !why.empty()) return why;
  VisitOptions visit;
  visit.port = server->port();
  visit.impatient_port = server->impatient_port();
  visit.impatience = options_.server.impatience;
  auto* load = new Load(subject_, visit, &ledger_);
  load->start(options_.visitors, visits, random_.next());
  // The last tenth meets the shutdown.
  const uint64_t undisturbed = visits - visits / 10;
  wait_for(*server, *load, [&] { return load->is_done() || load->visits() >= undisturbed; });
  load->expect_shutdown();
  server->begin_shutdown(kGrace);
  wait_for(*server, *load, [&] { return load->is_done() && server->is_empty(); });
  if (ledger_.guilty()) return "";
  load->join();
  server->dismiss();
  wait_for(*server, *load, [&] { return server->is_dismissed(); });
  if (ledger_.guilty()) return "";
  server->stop();
  counts_.add(server->counts());
  ++rounds_;
  visits_ += load->visits();
  answers_ += load->answers();
  for (size_t i = 0; i < Visitor::kRoles; ++i) played_[i] += load->played()[i];
  const std::string trouble = load->trouble();
  delete load;
  delete server;
  return trouble;
}

// How many visits it has; 0: there is none.
uint64_t Torture::next_round() const {
  if (options_.budget > 0 && rounds_ > 0 &&
      Clock::now() - start_ >= std::chrono::duration<double>(options_.budget)) {
    return 0;
  }
  if (options_.connections == 0) return options_.round;
  // What comes during a shutdown is not counted on.
  if (counts_.accepted >= options_.connections) return 0;
  return std::min(options_.round, (options_.connections - counts_.accepted) * 10 / 9 + 100);
}

void Torture::save() const {
  const Accusation accusation = *ledger_.first();
  Finding finding;
  finding.verdict = accusation.verdict;
  finding.rule = accusation.rule;
  finding.engine = "webserver";
  finding.scenario = "torture";
  finding.subject = options_.subject;
  finding.profile = subject_.profile();
  finding.seed = options_.seed;
  finding.message = accusation.message;
  finding.reproducer = "kq_webserver torture --seed " + std::to_string(options_.seed) +
                       " --workers " + std::to_string(options_.server.workers) + " --visitors " +
                       std::to_string(options_.visitors) + " --round " +
                       std::to_string(options_.round);
  finding.detail = accusation.facts;
  finding.detail.push_back("round " + std::to_string(rounds_ + 1) + ", after " +
                           std::to_string(counts_.accepted) + " connections of earlier rounds");
  save_finding(finding);
}

void Torture::print() const {
  const double seconds = std::chrono::duration<double>(Clock::now() - start_).count();
  std::printf(
      "kq_webserver: %llu connections in %llu rounds and %.1f s, %llu torn down by: "
      "client %llu, error %llu, timeout %llu, shutdown %llu\n",
      ull{counts_.accepted}, ull{rounds_}, seconds, ull{counts_.closed}, ull{counts_.reasons[1]},
      ull{counts_.reasons[2]}, ull{counts_.reasons[3]}, ull{counts_.reasons[4]});
  std::printf(
      "kq_webserver: %llu requests, %llu refusals, %llu answers checked, %llu events in "
      "%llu calls, %llu last events, %llu waits for WRITE, %llu early\n",
      ull{counts_.requests}, ull{counts_.refusals}, ull{answers_}, ull{counts_.deliveries},
      ull{counts_.waits}, ull{counts_.last_events}, ull{counts_.blocked_writes},
      ull{counts_.early});
  std::printf("kq_webserver: visits:");
  for (size_t i = 0; i < Visitor::kRoles; ++i) {
    std::printf("%s %s %llu", i == 0 ? "" : ",", Visitor::roles()[i].name, ull{played_[i]});
  }
  std::printf("\nkq_webserver: ledger: %llu errors\n", ull{ledger_.errors()});
}

// A run that exercised nothing has shown nothing. Short ones may miss the rare roles, not these.
bool Torture::has_worked() const {
  return counts_.requests != 0 && answers_ != 0 && counts_.reasons[1] != 0 &&
         counts_.reasons[3] != 0 && counts_.last_events != 0;
}

int Torture::run() {
  while (const uint64_t visits = next_round()) {
    const std::string trouble = play_round(visits);
    if (ledger_.guilty()) {
      std::printf("kq_webserver: guilty after %.1f s\n",
                  std::chrono::duration<double>(Clock::now() - start_).count());
      save();
      return kExitFinding;
    }
    if (!trouble.empty()) {
      std::fprintf(stderr, "kq_webserver: %s\n", trouble.c_str());
      return kExitUsage;
    }
  }
  print();
  Stats stats;
  stats.operations = counts_.waits;
  stats.deliveries = counts_.deliveries;
  stats.executions = counts_.accepted;
  stats.extra["requests"] = counts_.requests;
  if (!write_stats(stats)) return kExitUsage;
  if (ledger_.guilty()) {  // the accounts at the end of the last round
    save();
    return kExitFinding;
  }
  if (has_worked()) return kExitClean;
  std::fprintf(stderr, "kq_webserver: exercised nothing: no request, no timeout or no end\n");
  return kExitFinding;
}

}  // namespace

int torture(const TortureOptions& options) {
  std::string error;
  auto subject = Subject::open(options.subject, &error);
  if (!subject) {
    std::fprintf(stderr, "kq_webserver: %s\n", error.c_str());
    return kExitUsage;
  }
  const contract::Profile* profile = contract::find_profile(subject->profile());
  if (!options.server.raw_epoll && (!profile || !profile->has_forceoneshot)) {
    std::fprintf(stderr, "kq_webserver: the profile %s has no EV_FORCEONESHOT\n",
                 subject->profile().c_str());
    return kExitSkipped;
  }
  note_activity("webserver torture");
  auto run = std::make_unique<Torture>(options, *subject);
  const int code = run->run();
  if (code != kExitClean) {  // threads may still use all this, until the process ends
    static_cast<void>(run.release());
    static_cast<void>(subject.release());
  }
  return code;
}

}  // namespace kqtorture::web
