// `kqtorture export --c`: what it writes compiles everywhere, holds on a kqueue that keeps the
// contract, shows the bug on one that does not, and is nobody's way into a compiler.
#include <gmock/gmock.h>

#include <set>

#include "cli/finding_in_c.h"
#include "litmus.h"
#include "subject/worker.h"

namespace kqtorture {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::Ran;
using ::testing::SizeIs;

class Export : public testing::LitmusCommands {
 protected:
  static std::string in_c(const Program& program, Finding finding = {}) {
    CProgram c;
    std::string error;
    if (finding.profile.empty()) finding.profile = "strict-2006";
    EXPECT_TRUE(to_c_program(finding, program, &c, &error)) << error;
    return print_c(c);
  }

#if defined(KQT_RUNS_C)
  static std::vector<std::string> compiler(std::initializer_list<std::string> more) {
    std::vector<std::string> command = {KQT_CC,    "-std=c11", "-Wall",          "-Wextra",
                                        "-Werror", "-I",       KQT_EVENT_INCLUDE};
    command.insert(command.end(), more);
    return command;
  }
  // The C file, linked with the library.
  Ran run_c(const std::string& source, const std::string& library, const std::string& rounds) {
    const std::string program = path("program");
    const std::string folder = library.substr(0, library.rfind('/'));
    const Ran built = testing::run(
        compiler({"-pthread", "-o", program, source, library, "-Wl,-rpath," + folder}));
    EXPECT_EQ(built.code, 0) << built.output;
    return testing::run({program, rounds});
  }
  // Holds on libkq, and shows the bug of the mutant. `rounds`: of races.
  void expect_shown(const std::string& finding, const std::string& mutant) {
    const std::string source = path("repro.c");
    const Ran exported = kqtorture({"export", finding, "--c", "-o", source});
    ASSERT_EQ(exported.code, kExitClean) << exported.output;
    const Ran shown = run_c(source, mutant, "100000");
    EXPECT_EQ(shown.code, 1) << shown.output << testing::read_text(source);
    EXPECT_THAT(shown.output, HasSubstr("SHOWN"));
    const Ran holds = run_c(source, KQT_LIBKQ_FILE, "100");
    EXPECT_EQ(holds.code, 0) << holds.output << testing::read_text(source);
    EXPECT_THAT(holds.output, HasSubstr("holds"));
  }
  std::string mutant(const std::string& name) {
    return std::string(KQT_MUTANT_FOLDER) + "/" + name + ".so";
  }
#endif
};

TEST_F(Export, WhatNamesAndTextsSayStaysInTheirCommentsAndStrings) {
  Program program = program_of(
      "title Ends */ int x; /* here ?"
      "?/ \\\n\nuser while 7\npipe set\nkqueue main\n\n"
      "thread int\n  kevent main (while USER ADD udata=a) room=1\n");
  program.title =
      "Ends */ int x; /* here ?"
      "?/ \\";
  Finding finding;
  finding.verdict = "wrong-answer */";
  finding.message =
      "*/ #include \"/dev/zero\" \x1b[31m\n*/ ?"
      "?/";
  finding.detail = {">> *//**/ */"};
  const std::string text = in_c(program, finding);
  size_t comments = 0, ends = 0;
  for (size_t at = text.find("/*"); at != std::string::npos; at = text.find("/*", at + 1))
    comments++;
  for (size_t at = text.find("*/"); at != std::string::npos; at = text.find("*/", at + 1)) ends++;
  EXPECT_EQ(comments, ends);
  EXPECT_THAT(text, AllOf(Not(HasSubstr("?"
                                        "?")),
                          Not(HasSubstr("\x1b"))));
  EXPECT_EQ(to_c_string("a\"b\\c?\n%"), "a\\\"b\\\\c\\?.%");
#if defined(KQT_RUNS_C)
  const Ran built = testing::run(compiler({"-fsyntax-only", "-Wtrigraphs", file("a.c", text)}));
  EXPECT_EQ(built.code, 0) << built.output;
#endif
}

TEST_F(Export, FindingWithoutAProgramIsRefusedInOneLine) {
  Finding finding;
  finding.verdict = "duplicate";
  finding.engine = "stress";
  const std::string stress = file("stress.json", to_json(finding));
  finding.verdict = "race";
  finding.engine = "controlled";
  finding.profile = "strict-2006";
  finding.reproducer = "kqueue k\nthread A\nkevent k\nthread B\nkevent k\n";
  const std::string race = file("race.json", to_json(finding));
  for (const std::string& path : {stress, race, path("no.json")}) {
    const Ran ran = kqtorture({"export", path, "--c"});
    EXPECT_EQ(ran.code, kExitUsage) << ran.output;
    EXPECT_THAT(ran.output, AllOf(HasSubstr("kqtorture: "), HasSubstr(path)));
    EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
  }
  EXPECT_EQ(kqtorture({"export", stress}).code, kExitUsage) << "as what?";
}

TEST_F(Export, OfTheFlagsThoseCountThatMeanTheSameEverywhere) {
  const std::string text = in_c(program_of(
      "socketpair s\nuser u 1\nkqueue k\nthread T\n kevent k (s.a READ ADD)\n shutdown s.b wr\n"
      " kevent k room=1 => (s.a READ EOF)\n kevent k (s.a READ DELETE)\n"
      " kevent k (u USER ADD)\n kevent k (u USER FORCEONESHOT)\n"
      " kevent k room=1 => (u USER ONESHOT|FORCEONESHOT)\n"));
  EXPECT_THAT(text, HasSubstr(".flags = EV_EOF, .flag_bits = 49392"));
  // And the one that strict-2006 sets.
  EXPECT_THAT(text, HasSubstr(".flag_bits = 49648"));
}

TEST_F(Export, AClosedKqueueMayAnswerWithEitherErrno) {
  const std::string text =
      in_c(program_of("user u 1\nkqueue k\nkqueue m\nthread T\n kevent m (u USER 0)\n close k\n"
                      " kevent k (u USER ADD)\n"));
  EXPECT_THAT(text, AllOf(HasSubstr("must(failed(0, ENOENT),"),
                          HasSubstr("must((failed(2, EBADF) || failed(2, ENOENT)),")));
}

TEST_F(Export, RoundsAreOfOneThread) {
  const std::string one =
      file("one.litmus", "user u 1\nkqueue k\nthread T\n kevent k (u USER 0)\n");
  const Ran ran = kqtorture({"export", one, "--c", "--rounds", "300"});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, AllOf(HasSubstr("NULL, 0) : 300;"), HasSubstr("fork()"),
                                HasSubstr("run_once(round == rounds)")));
  EXPECT_THAT(kqtorture({"export", one, "--c"}).output, Not(HasSubstr("fork()")));
  const std::string races = std::string(KQT_LITMUS) + "/race_oneshot_two_waiters.litmus";
  const Ran refused = kqtorture({"export", races, "--c", "--rounds", "300"});
  EXPECT_EQ(refused.code, kExitUsage);
  EXPECT_THAT(refused.output, HasSubstr("--rounds is for programs of one thread"));
}

TEST_F(Export, PictureOfAnotherProgramIsNotTakenForItsAnswers) {
  Finding finding;
  finding.verdict = "duplicate";
  finding.engine = "free-running";
  finding.profile = "strict-2006";
  finding.lanes.names = {"main", "A", "B"};
  finding.lanes.calls = {{1, 0, 1, "kevent k room=1 => (u USER ONESHOT)", true}};
  const Program program =
      program_of("user u 1\nkqueue k\nthread A\nkevent k\nthread B\nkevent k\n");
  CProgram c;
  std::string error;
  EXPECT_FALSE(to_c_program(finding, program, &c, &error));
  finding.lanes.calls = {{7, 0, 1, "kevent k => nothing", true}};
  EXPECT_FALSE(to_c_program(finding, program, &c, &error));
}

#if defined(KQT_RUNS_C)

// What a program has that another file may not have: kinds of operations and objects, bad pointers.
std::set<std::string> features_of(const Program& program) {
  std::set<std::string> features;
  for (const Object& object : program.objects) {
    features.insert("object " + std::to_string(static_cast<int>(object.kind)));
    if (object.value >= kHandled) features.insert("handled");
  }
  for (const Thread& thread : program.threads) {
    for (const Op& op : thread.ops) {
      features.insert("op " + std::to_string(static_cast<int>(op.kind)));
      features.insert("wait " + std::to_string(static_cast<int>(op.wait)));
      if (op.bad_changes != bad::kNone) features.insert("bad changes");
      if (op.bad_events != bad::kNone) features.insert("bad events");
      if (op.aliased) features.insert("aliased");
      if (op.timeout_faults) features.insert("timeout faults");
      for (const Change& change : op.changes) {
        features.insert("filter " + std::to_string(change.filter));
        if (change.ident.object == Ref::kNumber) features.insert("a number");
      }
    }
  }
  return features;
}

TEST_F(Export, EveryKindOfOperationCompilesAndHoldsOnLibkq) {
  std::set<std::string> seen;
  std::vector<std::string> command = compiler({"-fsyntax-only"});
  size_t run = 0;
  for (const std::string& name : testing::files_in(KQT_LITMUS)) {
    const Program program = program_of(testing::read_text(std::string(KQT_LITMUS) + "/" + name));
    if (!is_sequential(program)) continue;
    const size_t before = seen.size();
    seen.merge(features_of(program));
    if (seen.size() == before) continue;
    const std::string text = in_c(program);
    EXPECT_THAT(text, HasSubstr("must(")) << name << ": nothing is asked of it";
    const std::string source = file(name + ".c", text);
    command.push_back(source);
    // Those of corpus/regressions/c are run as well.
    if (run >= 2) continue;
    run++;
    const Ran ran = run_c(source, KQT_LIBKQ_FILE, "");
    EXPECT_EQ(ran.code, 0) << ran.output;
  }
  EXPECT_GE(command.size(), 20u);
  const Ran compiled = testing::run(command);
  EXPECT_EQ(compiled.code, 0) << compiled.output;
}

TEST_F(Export, BugOfOneThreadIsShown) {
  const Ran ran =
      kqtorture({"run", std::string(KQT_LITMUS) + "/unknown_flag_changes_nothing.litmus",
                 "--subject", mutant("unknown_flag_accepted")});
  ASSERT_EQ(ran.code, kExitFinding) << ran.output;
  ASSERT_THAT(finding_files(), SizeIs(1));
  expect_shown(finding_files()[0], mutant("unknown_flag_accepted"));
}

TEST_F(Export, BugOfSeveralThreadsIsShown) {
  const Ran ran =
      kqtorture({"run", std::string(KQT_LITMUS) + "/race_oneshot_two_waiters.litmus", "--subject",
                 mutant("oneshot_delivered_to_two_waiters"), "--iterations", "20000"});
  ASSERT_EQ(ran.code, kExitFinding) << ran.output;
  ASSERT_THAT(finding_files(), SizeIs(1));
  expect_shown(finding_files()[0], mutant("oneshot_delivered_to_two_waiters"));
}

#if defined(KQT_EXPLORED_MUTANT)
TEST_F(Export, BugThatExploreFoundIsShown) {
  const std::string name = "dispatch_disables_after_the_scan";
  const Ran ran = kqtorture({"explore", "--seed", "1", "--schedules", "2000", "--subject",
                             KQT_EXPLORED_MUTANT, KQT_SCHEDULES "/" + name + ".litmus"});
  ASSERT_EQ(ran.code, kExitFinding) << ran.output;
  ASSERT_THAT(finding_files(), SizeIs(1));
  expect_shown(finding_files()[0], mutant("schedules/" + name));
}
#endif

TEST_F(Export, ProgramWithThreadsLooksForAnswersThatNoOrderExplains) {
  expect_shown(std::string(KQT_LITMUS) + "/race_oneshot_two_waiters.litmus",
               mutant("oneshot_delivered_to_two_waiters"));
  EXPECT_THAT(testing::read_text(path("repro.c")), HasSubstr("wrongs++"));
  const Ran ran =
      kqtorture({"export", std::string(KQT_LITMUS) + "/race_add_against_close.litmus", "--c"});
  EXPECT_EQ(ran.code, kExitUsage);
  EXPECT_THAT(ran.output, HasSubstr("run it, and export what is found"));
}

// They are kept for the kqueues that they were found in (docs/trophies.md).
TEST_F(Export, ReproducersOfOthersBugsHoldOnLibkq) {
  size_t tried = 0;
  for (const std::string& name : testing::files_in(KQT_REPRODUCERS)) {
    if (!name.ends_with(".c")) continue;
    const Ran ran = run_c(std::string(KQT_REPRODUCERS) + "/" + name, KQT_LIBKQ_FILE, "50");
    EXPECT_TRUE(ran.code == 0 || ran.code == kExitSkipped) << name << ": " << ran.output;
    tried++;
  }
  EXPECT_GE(tried, 22u);
}

#endif

}  // namespace
}  // namespace kqtorture
