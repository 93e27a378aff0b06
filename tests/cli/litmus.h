// What the tests of `kqtorture run|replay|shrink` share: the real program, told where its findings
// go, and the findings read back.
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "report/finding.h"
#include "run.h"
#include "scenario/parse.h"
#include "scenario/program.h"

namespace kqtorture::testing {

class LitmusCommands : public ::testing::Test {
 protected:
  Ran kqtorture(std::vector<std::string> arguments, Variables variables = {}) const {
    arguments.insert(arguments.begin(), KQT_PROGRAM);
    variables.emplace("KQ_OUT", out());
    return run(arguments, variables);
  }

  std::string out() const { return directory_.path() + "/out"; }
  std::string path(const std::string& name) const { return directory_.path() + "/" + name; }
  std::string file(const std::string& name, const std::string& text) const {
    write_text(path(name), text);
    return path(name);
  }

  std::vector<std::string> finding_files() const {
    std::vector<std::string> files;
    for (const std::string& name : files_in(out() + "/findings")) {
      files.push_back(out() + "/findings/" + name);
    }
    return files;
  }
  static Finding load(const std::string& path) {
    Finding finding;
    std::string error;
    EXPECT_TRUE(from_json(read_text(path), &finding, &error)) << path << ": " << error;
    return finding;
  }
  static Program program_of(const std::string& text) {
    Program program;
    const auto complaint = parse(text, &program);
    EXPECT_FALSE(complaint) << complaint->text("program") << "\n" << text;
    return program;
  }

  TemporaryDirectory directory_;
};

}  // namespace kqtorture::testing
