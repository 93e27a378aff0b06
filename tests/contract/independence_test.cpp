// Is the model the emulator in disguise? It includes nothing of it, nor of the subject, and the
// emulator nothing of the model.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> sources(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension().string();
    if (extension == ".h" || extension == ".cpp" || extension == ".c") files.push_back(entry);
  }
  return files;
}

// What #include lines name, without <> and "".
std::vector<std::string> includes(const fs::path& file) {
  std::vector<std::string> names;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    const size_t hash = line.find_first_not_of(" \t");
    if (hash == std::string::npos || line.compare(hash, 1, "#") != 0) continue;
    const size_t word = line.find("include", hash);
    const size_t open = line.find_first_of("<\"", hash);
    if (word == std::string::npos || open == std::string::npos) continue;
    names.push_back(line.substr(open + 1, line.find_first_of(">\"", open + 1) - open - 1));
  }
  return names;
}

const fs::path kSource = fs::path(KQT_SOURCE_DIR) / "src";

TEST(Independence, TheContractIncludesNothingOfOursButItself) {
  const std::vector<fs::path> files = sources(kSource / "contract");
  ASSERT_GT(files.size(), 30u);
  int seen = 0;
  for (const fs::path& file : files) {
    for (const std::string& name : includes(file)) {
      seen++;
      EXPECT_EQ(name.find("kqueue/"), std::string::npos) << file << " includes " << name;
      EXPECT_EQ(name.find("subject"), std::string::npos) << file << " includes " << name;
      EXPECT_EQ(name.find("sys/event.h"), std::string::npos) << file << " includes " << name;
      const bool ours = name.find('/') != std::string::npos && name.find("sys/") != 0;
      if (ours) {
        EXPECT_EQ(name.find("contract/"), 0u) << file << " includes " << name;
      }
    }
  }
  EXPECT_GT(seen, 100);
}

TEST(Independence, TheEmulatorIncludesNothingOfTheContract) {
  const std::vector<fs::path> files = sources(kSource / "kqueue");
  ASSERT_GT(files.size(), 3u);
  for (const fs::path& file : files) {
    for (const std::string& name : includes(file)) {
      EXPECT_EQ(name.find("contract"), std::string::npos) << file << " includes " << name;
      EXPECT_EQ(name.find("vocabulary"), std::string::npos) << file << " includes " << name;
    }
  }
}

TEST(Independence, NoCodeAsksWhichPlatformItIsOn) {
  for (const fs::path& file : sources(kSource / "contract")) {
    if (file.filename() == "profile.cpp" || file.filename() == "profile.h" ||
        file.filename() == "host.cpp" || file.filename() == "host.h") {
      continue;
    }
    std::ifstream in(file);
    for (std::string line; std::getline(in, line);) {
      const size_t comment = line.find("//");
      const std::string code = line.substr(0, comment);
      for (const char* name :
           {"\"strict-2006\"", "\"freebsd", "\"netbsd\"", "\"openbsd\"", "\"dragonfly\"",
            "\"macos\"", "\"libkqueue\"", "profile.name ==", "profile_.name =="}) {
        EXPECT_EQ(code.find(name), std::string::npos) << file << ": " << line;
      }
    }
  }
}

}  // namespace
