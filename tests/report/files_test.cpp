// Files of a report are there completely or not at all, and reading one back has limits.
#include "report/files.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "run.h"

namespace kqtorture {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Files : public ::testing::Test {
 protected:
  std::string at(const std::string& name) const { return directory_.path() + "/" + name; }
  testing::TemporaryDirectory directory_;
  std::string error_;
};

TEST_F(Files, WritingCreatesTheFolderAndLeavesNothingElse) {
  ASSERT_TRUE(write_file(at("a/b/c.txt"), "hello", &error_)) << error_;
  ASSERT_TRUE(write_file(at("a/b/c.txt"), "hello again", &error_)) << error_;
  EXPECT_EQ(testing::read_text(at("a/b/c.txt")), "hello again");
  EXPECT_THAT(testing::files_in(at("a/b")), ElementsAre("c.txt"));
}

TEST_F(Files, FailedWriteKeepsTheOldFileAndSaysWhy) {
  testing::write_text(at("file"), "old");
  EXPECT_FALSE(write_file(at("file/inside"), "new", &error_));
  EXPECT_THAT(error_, HasSubstr("file"));
  EXPECT_EQ(testing::read_text(at("file")), "old");
  // A directory in the file's place cannot be replaced; the temporary file must not stay.
  ASSERT_TRUE(make_directories(at("dir/target")));
  EXPECT_FALSE(write_file(at("dir/target"), "new", &error_));
  EXPECT_TRUE(testing::files_in(at("dir")).empty());
}

TEST_F(Files, ReadingStopsAtTheLimit) {
  std::string text;
  testing::write_text(at("ten"), "0123456789");
  EXPECT_TRUE(read_file(at("ten"), 10, &text, &error_)) << error_;
  EXPECT_EQ(text, "0123456789");
  EXPECT_FALSE(read_file(at("ten"), 9, &text, &error_));
  EXPECT_THAT(error_, HasSubstr("larger than 9 bytes"));
  EXPECT_FALSE(read_file("/dev/zero", 100, &text, &error_));
}

TEST_F(Files, OnlyRegularFilesAreRead) {
  std::string text;
  ASSERT_EQ(mkfifo(at("fifo").c_str(), 0600), 0);
  EXPECT_FALSE(read_file(at("fifo"), 100, &text, &error_)) << "and it did not wait for a writer";
  EXPECT_FALSE(read_file(directory_.path(), 100, &text, &error_));
  EXPECT_FALSE(read_file(at("missing"), 100, &text, &error_));
  EXPECT_THAT(error_, HasSubstr("missing: No such file"));
}

}  // namespace
}  // namespace kqtorture
