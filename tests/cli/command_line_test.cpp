// Every mistake on the command line is one clear line that names it, and exit code 2; what is right
// means the same in every subcommand.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "subject/worker.h"
#include "tree.h"

namespace kqtorture {
namespace {

using ::testing::HasSubstr;
using testing::Ran;
using testing::Tree;

Ran kqtorture(const std::vector<std::string>& arguments, testing::Variables variables = {}) {
  std::vector<std::string> command = {KQT_PROGRAM};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return testing::run(command, variables);
}

void expect_one_line(const Ran& ran, const std::string& part) {
  EXPECT_EQ(ran.code, kExitUsage) << ran.output;
  EXPECT_EQ(std::count(ran.output.begin(), ran.output.end(), '\n'), 1) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr(part));
  EXPECT_EQ(ran.output.rfind("kqtorture: ", 0), 0u) << ran.output;
}

TEST(CommandLine, MistakesAreNamedInOneLine) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> mistakes = {
      {{}, "subcommand is required"},
      {{"frobnicate"}, "no subcommand is called \"frobnicate\""},
      {{"--frobnicate"}, "subcommand is required"},
      {{"torture", "--frobnicate"}, "--frobnicate"},
      {{"torture", "stray"}, "stray"},
      {{"torture", "--budget", "soon"}, "--budget"},
      {{"torture", "--budget", "0"}, "--budget"},
      {{"torture", "--budget", "-5"}, "--budget"},
      {{"torture", "--budget", "nan"}, "--budget"},
      {{"torture", "--budget"}, "--budget"},
      {{"torture", "--seed", "x"}, "--seed"},
      {{"torture", "--seed", "-1"}, "--seed"},
      {{"torture", "--seed", "18446744073709551616"}, "--seed"},
      {{"torture", "--profile", "vax"}, "--profile"},
      {{"torture", "--keep-going", "--first"}, "--keep-going"},
      {{"replay"}, "finding"},
      {{"explain"}, "finding"},
      {{"version", "--seed", "1"}, "--seed"},
      {{"check", "--subject"}, "--subject"},
  };
  for (const auto& [arguments, part] : mistakes) expect_one_line(kqtorture(arguments), part);
}

TEST(CommandLine, MistakesInTheEnvironmentAreNamedToo) {
  expect_one_line(kqtorture({"torture"}, {{"KQ_SEED", "x"}}), "seed");
  expect_one_line(kqtorture({"check"}, {{"KQ_PROFILE", "vax"}}), "KQ_PROFILE");
  expect_one_line(kqtorture({"check"}, {{"KQ_SUBJECT", "/no/such.so"}}), "/no/such.so");
}

TEST(CommandLine, HelpIsEverywhere) {
  std::vector<std::string> names = {"torture", "check", "replay", "explain", "version"};
  names.insert(names.end(), {"run", "shrink"});
  for (const std::string& name : names) {
    const Ran ran = kqtorture({name, "--help"});
    EXPECT_EQ(ran.code, kExitClean);
    EXPECT_THAT(ran.output, HasSubstr("Usage: "));
    EXPECT_THAT(kqtorture({"--help"}).output, HasSubstr(name));
  }
}

TEST(CommandLine, WhateverRunsAProgramCanBeToldThatItIsDangerous) {
  for (const char* name : {"run", "replay", "shrink", "diff", "survey"}) {
    EXPECT_THAT(kqtorture({name, "--help"}).output, HasSubstr("--dangerous")) << name;
  }
}

TEST(CommandLine, VersionIsTextOrJson) {
  EXPECT_THAT(kqtorture({"version"}).output, ::testing::MatchesRegex("kqtorture [0-9.]+\n"));
  const auto json = nlohmann::json::parse(kqtorture({"version", "--json"}).output);
  EXPECT_FALSE(json["version"].get<std::string>().empty());
}

TEST(Check, SaysHowTheSubjectIsUnderstood) {
  const Ran ran = kqtorture({"check", "--subject", testing::working_subject()});
  EXPECT_EQ(ran.code, kExitClean) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("layout freebsd11, judged by profile strict-2006"));
  const Ran json =
      kqtorture({"check", "--json", "--profile", "macos", "--subject", testing::working_subject()});
  EXPECT_EQ(nlohmann::json::parse(json.output)["profile"], "macos");
}

std::string object(const char* name) { return std::string(KQT_OBJECTS) + "/" + name + ".so"; }

TEST(Check, ObjectThatIsNoSubjectIsAUsageError) {
  expect_one_line(kqtorture({"check", "--subject", object("no_kevent")}), "does not export kevent");
}

TEST(Check, ConstructorThatCrashesOrHangsIsAFinding) {
  for (const auto& [name, verdict] :
       {std::pair{"crash_in_constructor", "crash"}, std::pair{"hang_in_constructor", "hang"}}) {
    const testing::TemporaryDirectory out;
    const Ran ran = kqtorture({"check", "--subject", object(name)}, {{"KQ_OUT", out.path()}});
    EXPECT_EQ(ran.code, kExitFinding);
    EXPECT_THAT(ran.output, HasSubstr(std::string("FINDING ") + verdict));
    EXPECT_EQ(testing::files_in(out.path() + "/findings").size(), 1u);
  }
}

TEST(Check, KqueueThatFailsIsAFinding) {
  const testing::TemporaryDirectory out;
  const Ran ran = kqtorture({"check", "--subject", object("plain")}, {{"KQ_OUT", out.path()}});
  EXPECT_EQ(ran.code, kExitFinding);
  EXPECT_THAT(ran.output, HasSubstr("the first kqueue() fails"));
}

}  // namespace
}  // namespace kqtorture
