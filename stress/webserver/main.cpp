// kq_webserver: the web server of the 2006 proposal, alone or under torture, and its clients.
//
//   torture  server and hostile clients in one process, every promise of both written in a ledger
//   serve    the server alone, for any client: wrk, a browser
//   load     the clients alone, for a server that was started elsewhere
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <cstring>

#include "load.h"
#include "report/stats.h"
#include "server.h"
#include "subject/worker.h"
#include "torture.h"

namespace kqtorture::web {
namespace {

constexpr int64_t kMillisecond = 1'000'000;

struct Arguments {
  TortureOptions torture;
  double serve_seconds = 0, patience = 30'000, impatience = 20, look = 2000;
  std::string backend = "kqueue";
  int port = 0, impatient_port = 0;
  bool wrong = false;
};

volatile sig_atomic_t interrupted = 0;

int complain(const std::string& error) {
  std::fprintf(stderr, "kq_webserver: %s\n", error.c_str());
  return kExitUsage;
}

int64_t from_milliseconds(double milliseconds) {
  return static_cast<int64_t>(milliseconds * kMillisecond);
}

// Serves until a signal comes or the time is over, then shuts down gracefully.
int serve(const Arguments& arguments) {
  std::string error;
  const auto subject = Subject::open(arguments.torture.subject, &error);
  if (!subject) return complain(error);
  ServerOptions options = arguments.torture.server;
  options.patience = from_milliseconds(arguments.patience);
  options.impatience = 0;
  options.port = arguments.port;
  Ledger ledger;
  Server server(*subject, options, &ledger);
  if (error = server.start(); !error.empty()) return complain(error);
  signal(SIGINT, [](int) { interrupted = 1; });
  signal(SIGTERM, [](int) { interrupted = 1; });
  std::printf("kq_webserver: http://127.0.0.1:%d/ on %s, %d workers\n", server.port(),
              options.raw_epoll ? "raw epoll" : subject->spec().c_str(), options.workers);
  std::fflush(stdout);
  const int64_t until = now_ns() + from_milliseconds(1000 * arguments.serve_seconds);
  while (!interrupted && !ledger.guilty() && (arguments.serve_seconds <= 0 || now_ns() < until)) {
    usleep(10'000);
  }
  server.begin_shutdown(200 * kMillisecond);
  while (!ledger.guilty() && !server.is_empty()) usleep(1000);
  if (!ledger.guilty()) server.stop();
  if (const auto found = ledger.first()) {
    std::fprintf(stderr, "kq_webserver: %s: %s\n", found->verdict.c_str(), found->message.c_str());
    std::fflush(nullptr);
    _exit(kExitFinding);  // threads may be waiting
  }
  std::printf("kq_webserver: %llu connections, %llu requests\n",
              static_cast<unsigned long long>(server.counts().accepted),
              static_cast<unsigned long long>(server.counts().requests));
  return kExitClean;
}

// Visits a server that is somebody else's.
int load(const Arguments& arguments) {
  std::string error;
  const auto subject = Subject::open(arguments.torture.subject, &error);
  if (!subject) return complain(error);
  VisitOptions options;
  options.port = arguments.port;
  options.impatient_port = arguments.impatient_port;
  options.impatience = from_milliseconds(arguments.impatience);
  Ledger ledger;
  Load visitors(*subject, options, &ledger);
  visitors.start(arguments.torture.visitors, arguments.torture.connections, arguments.torture.seed);
  visitors.join();
  if (const auto found = ledger.first()) {
    std::fprintf(stderr, "kq_webserver: %s: %s (%s)\n", found->verdict.c_str(),
                 found->message.c_str(), CLI::detail::join(found->facts, ", ").c_str());
    return kExitFinding;
  }
  if (!visitors.trouble().empty()) return complain(visitors.trouble());
  std::printf("kq_webserver: %llu visits, %llu answers checked\n",
              static_cast<unsigned long long>(visitors.visits()),
              static_cast<unsigned long long>(visitors.answers()));
  return kExitClean;
}

void add_server_options(CLI::App* command, Arguments* arguments) {
  ServerOptions& server = arguments->torture.server;
  command->add_option("--workers", server.workers, "threads that share the kqueue")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command
      ->add_option("--backend", arguments->backend,
                   "kqueue (the subject's), or epoll: the same server without one")
      ->check(CLI::IsMember({"kqueue", "epoll"}))
      ->capture_default_str();
  command
      ->add_option("--most-connections", server.most_connections,
                   "how many are served at once; others wait to be accepted")
      ->check(CLI::Range(1, 100'000))
      ->capture_default_str();
}

void add_client_options(CLI::App* command, Arguments* arguments) {
  TortureOptions& torture = arguments->torture;
  command
      ->add_option("--connections", torture.connections,
                   "how many are made; 0: as many as the budget allows")
      ->check(CLI::Range(int64_t{0}, int64_t{1'000'000'000}))
      ->capture_default_str();
  command->add_option("--visitors", torture.visitors, "clients at a time")
      ->check(CLI::Range(1, 1000))
      ->capture_default_str();
  command
      ->add_option("--impatience", arguments->impatience,
                   "milliseconds after which the impatient listener ends connections")
      ->check(CLI::Range(1.0, 60'000.0))
      ->capture_default_str();
}

void add_torture(CLI::App* app, Arguments* arguments) {
  CLI::App* command = app->add_subcommand("torture", "server and hostile clients, with a ledger");
  add_server_options(command, arguments);
  add_client_options(command, arguments);
  command->add_option("--budget", arguments->torture.budget, "seconds after which no round begins")
      ->envname("KQ_BUDGET")
      ->check(CLI::Range(0.0, 1e9));
  command
      ->add_option("--round", arguments->torture.round,
                   "visits of a round, each with a new kqueue and ended by a shutdown")
      ->check(CLI::Range(uint64_t{100}, uint64_t{1'000'000}))
      ->capture_default_str();
  command
      ->add_option("--look", arguments->look,
                   "milliseconds between two looks for a standstill, which takes three of them")
      ->check(CLI::Range(10.0, 60'000.0))
      ->capture_default_str();
  command->add_flag("--wrong-server", arguments->wrong,
                    "the server closes connections directly: the ledger has to find it");
}

void add_serve(CLI::App* app, Arguments* arguments) {
  CLI::App* command = app->add_subcommand("serve", "the server alone");
  add_server_options(command, arguments);
  command->add_option("--port", arguments->port, "of loopback; 0: any")
      ->check(CLI::Range(0, 65535));
  command->add_option("--seconds", arguments->serve_seconds, "0: until a signal comes")
      ->check(CLI::Range(0.0, 1e9));
  command
      ->add_option("--patience", arguments->patience,
                   "milliseconds for a request, and for fetching an answer")
      ->check(CLI::Range(1.0, 1e9))
      ->capture_default_str();
}

void add_load(CLI::App* app, Arguments* arguments) {
  CLI::App* command = app->add_subcommand("load", "the clients alone");
  add_client_options(command, arguments);
  command->add_option("--port", arguments->port, "of a patient server on loopback")
      ->required()
      ->check(CLI::Range(1, 65535));
  command->add_option("--impatient-port", arguments->impatient_port, "of an impatient one")
      ->check(CLI::Range(1, 65535));
}

int run(int argc, char** argv, bool* is_torture) {
  Arguments arguments;
  CLI::App app{
      "kq_webserver: a web server whose threads share one kqueue and no locks.\n"
      "Exit code 0: nothing found; 1: a finding, saved under $KQ_OUT/findings (default\n"
      "out/findings); 2: usage or environment; 77: the subject has no EV_FORCEONESHOT."};
  app.require_subcommand(1);
  app.fallthrough();
  TortureOptions& torture_options = arguments.torture;
  torture_options.subject = Subject::default_spec();
  app.add_option("--subject", torture_options.subject,
                 "the kqueue: emulator, native, or a shared object ($KQ_SUBJECT)");
  auto* seed = app.add_option("--seed", torture_options.seed,
                              "of every random choice ($KQ_SEED); default: a fresh one");
  add_torture(&app, &arguments);
  add_serve(&app, &arguments);
  add_load(&app, &arguments);
  try {
    app.parse(argc, argv);
  } catch (const CLI::CallForHelp& help) {
    return app.exit(help);
  } catch (const CLI::CallForAllHelp& help) {
    return app.exit(help);
  } catch (const CLI::ParseError& error) {
    return complain(error.what());
  }
  if (seed->count() == 0) torture_options.seed = seed_from_environment();
  torture_options.server.raw_epoll = arguments.backend == "epoll";
  signal(SIGPIPE, SIG_IGN);
  if (app.got_subcommand("serve")) return serve(arguments);
  torture_options.server.impatience = from_milliseconds(arguments.impatience);
  // Small, so that answers block.
  torture_options.server.send_buffer = 64 * 1024;
  torture_options.server.closes_directly = arguments.wrong;
  torture_options.look =
      std::chrono::microseconds(from_milliseconds(arguments.look) / (kMillisecond / 1000));
  std::printf("kq_webserver: subject=%s seed=%llu workers=%d visitors=%d\n",
              torture_options.subject.c_str(),
              static_cast<unsigned long long>(torture_options.seed), torture_options.server.workers,
              torture_options.visitors);
  std::fflush(stdout);
  if (app.got_subcommand("load")) return load(arguments);
  *is_torture = true;
  if (torture_options.connections == 0 && torture_options.budget <= 0) {
    return complain("--connections 0 needs a --budget");
  }
  note_seed(torture_options.seed);
  return torture(torture_options);
}

}  // namespace
}  // namespace kqtorture::web

int main(int argc, char** argv) {
  using namespace kqtorture;
  // Only under torture is the subject a suspect that may take the process with it.
  bool supervised = false;
  for (int i = 1; i < argc; ++i) supervised |= std::strcmp(argv[i], "torture") == 0;
  for (int i = 1; i < argc; ++i) supervised &= std::strcmp(argv[i], "--help") != 0;
  if (supervised) {
    SupervisorOptions options;
    options.program = "kq_webserver";
    if (const auto code = supervise(argc, argv, options)) return *code;
  }
  bool is_torture = false;
  const int code = web::run(argc, argv, &is_torture);
  std::fflush(nullptr);
  if (supervised) announce_exit(code);
  if (is_torture && code != kExitClean) _exit(code);  // threads of a guilty server may still wait
  return code;
}
