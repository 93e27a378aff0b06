// A program linked with libkq reaches it as "native", and its descriptor calls go through what
// libkq interposes: that is what distinguishes it from a library loaded late.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdio.h>
#include <unistd.h>

#include <cstdlib>

#include "subject/subject.h"

namespace kqtorture {
namespace {

std::unique_ptr<Subject> open_default() {
  std::string error;
  auto subject = Subject::open(Subject::default_spec(), &error);
  EXPECT_NE(subject, nullptr) << error;
  return subject;
}

TEST(Linked, DefaultAndOnlySubjectIsNative) {
  setenv("KQ_SUBJECT", "/some/other.so", 1);
  EXPECT_EQ(Subject::default_spec(), "native");
  unsetenv("KQ_SUBJECT");
  std::string error;
  EXPECT_EQ(Subject::open("emulator", &error), nullptr);
  EXPECT_THAT(error, ::testing::HasSubstr("linked with the kqueue it tests"));
}

TEST(Linked, IsTheEmulatorInItsCanonicalForm) {
  const auto subject = open_default();
  EXPECT_TRUE(subject->is_emulator());
  EXPECT_EQ(subject->spec(), "native");
  EXPECT_EQ(subject->layout(), Layout::kFreebsd11);
  EXPECT_EQ(subject->profile(), "strict-2006");
}

class LinkedKnote : public ::testing::Test {
 protected:
  void SetUp() override {
    subject_ = open_default();
    kq_ = subject_->kqueue();
    ASSERT_GE(kq_, 0);
    ASSERT_EQ(subject_->calls().pipe2(fds_, O_NONBLOCK), 0);
    ASSERT_EQ(subject_->write(fds_[1], "x", 1), 1);
    const Kevent change{static_cast<uintptr_t>(fds_[0]), filter::kRead, flag::kAdd, 0, 0, nullptr};
    ASSERT_EQ(subject_->kevent(kq_, &change, 1, nullptr, 0, nullptr), 0);
    ASSERT_EQ(events(), 1);
  }
  void TearDown() override {
    subject_->close(fds_[1]);
    subject_->close(kq_);
  }
  int events() {
    Kevent event{};
    const timespec now{0, 0};
    return subject_->kevent(kq_, nullptr, 0, &event, 1, &now);
  }
  // Keeps the pipe's read end ready under another number, so that only the close is noticed.
  int keep_open() { return ::fcntl(fds_[0], F_DUPFD, 100); }

  std::unique_ptr<Subject> subject_;
  int kq_ = -1;
  int fds_[2] = {-1, -1};
};

TEST_F(LinkedKnote, EndsWithTheSubjectsClose) {
  const int kept = keep_open();
  EXPECT_EQ(subject_->close(fds_[0]), 0);
  EXPECT_EQ(events(), 0);
  subject_->close(kept);
}

TEST_F(LinkedKnote, EndsWithACloseThatTheProgramCallsByItself) {
  const int kept = keep_open();
  EXPECT_EQ(::close(fds_[0]), 0);
  EXPECT_EQ(events(), 0);
  ::close(kept);
}

TEST_F(LinkedKnote, EndsWithFclose) {
  const int kept = keep_open();
  FILE* stream = fdopen(fds_[0], "r");
  ASSERT_NE(stream, nullptr);
  EXPECT_EQ(fclose(stream), 0);
  EXPECT_EQ(events(), 0);
  ::close(kept);
}

TEST_F(LinkedKnote, EndsWithDup2OntoTheDescriptor) {
  const int kept = keep_open();
  EXPECT_EQ(::dup2(fds_[1], fds_[0]), fds_[0]);
  EXPECT_EQ(events(), 0);
  ::close(kept);
  ::close(fds_[0]);
}

}  // namespace
}  // namespace kqtorture
