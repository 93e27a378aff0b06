// Every hand-written program holds on the emulator, and says in its first line what it is about.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "engine/free_running.h"
#include "engine/sequential.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "subjects.h"

namespace kqtorture {
namespace {

std::vector<std::string> litmus_files() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(KQ_LITMUS_DIR)) {
    if (entry.path().extension() == ".litmus") files.push_back(entry.path().string());
  }
  std::sort(files.begin(), files.end());
  return files;
}

class LitmusFile : public testing::TestWithParam<std::string> {};

// Programs with threads: a hundred runs meet what is easy to meet; more is the stress suite's.
void expect_no_finding(const Program& program) {
  std::string error;
  const auto engine = FreeRunningEngine::create(emulator(), &error);
  ASSERT_TRUE(engine) << error;
  const FreeRunningResult result = engine->run(program, {.iterations = 100, .seed = 1});
  std::string trace;
  for (const std::string& line : to_lines(result.lanes)) trace += line + "\n";
  EXPECT_EQ(result.status, SequentialResult::Status::kClean)
      << result.verdict << " " << result.rule << ": " << result.message << "\n"
      << trace;
  EXPECT_EQ(result.undecided, 0u);
}

TEST_P(LitmusFile, HoldsOnTheEmulator) {
  std::string error;
  const auto program = load_program(GetParam(), &error);
  ASSERT_TRUE(program) << error;
  if (!is_sequential(*program)) return expect_no_finding(*program);
  const auto engine = SequentialEngine::create(emulator(), &error);
  ASSERT_TRUE(engine) << error;
  const SequentialResult result = engine->run(*program, true);
  std::string trace;
  for (const std::string& line : result.trace) trace += line + "\n";
  EXPECT_EQ(result.status, SequentialResult::Status::kClean)
      << result.verdict << " " << result.rule << ": " << result.message << "\n"
      << trace;
}

TEST_P(LitmusFile, OpensWithTheSentenceItTests) {
  std::ifstream file(GetParam());
  std::string line;
  ASSERT_TRUE(std::getline(file, line));
  EXPECT_TRUE(line.starts_with("title ")) << line;
  EXPECT_TRUE(line.ends_with(".")) << line;
}

TEST_P(LitmusFile, SaysWhatComesBack) {
  std::string error;
  const auto program = load_program(GetParam(), &error);
  ASSERT_TRUE(program) << error;
  if (!is_sequential(*program)) GTEST_SKIP() << "several threads";
  size_t said = 0;
  for (const Thread& thread : program->threads) {
    for (const Op& op : thread.ops) said += op.expect.kind != ExpectKind::kNothingSaid;
  }
  EXPECT_GE(said, 1u);
}

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  return std::filesystem::path(info.param).stem().string();
}

INSTANTIATE_TEST_SUITE_P(Corpus, LitmusFile, testing::ValuesIn(litmus_files()), test_name);

TEST(LitmusCorpus, HasAtLeastTwentySequentialPrograms) {
  size_t sequential = 0;
  for (const std::string& path : litmus_files()) {
    std::string error;
    const auto program = load_program(path, &error);
    ASSERT_TRUE(program) << error;
    sequential += is_sequential(*program);
  }
  EXPECT_GE(sequential, 20u);
}

}  // namespace
}  // namespace kqtorture
