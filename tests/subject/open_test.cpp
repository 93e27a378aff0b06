// What is accepted as a subject, and what is said of everything else: one line that names the
// fault.
#include <dlfcn.h>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "run.h"
#include "subject/subject.h"

namespace kqtorture {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryDirectory;

std::string object(const std::string& name) {
  return std::string(KQT_OBJECTS) + "/" + name + ".so";
}

class Open : public ::testing::Test {
 protected:
  void SetUp() override {
    for (const char* name :
         {"KQ_SUBJECT", "KQ_PROFILE", "KQ_HOST", "KQ_LAYOUT", "KQ_LIBKQ", "KQ_FAULTS"})
      unsetenv(name);
  }
  void TearDown() override { SetUp(); }

  std::unique_ptr<Subject> open(const std::string& spec) {
    error_.clear();
    return Subject::open(spec, &error_);
  }
  // Opening must fail, with one line that holds the text.
  void refuses(const std::string& spec, const std::string& reason) {
    EXPECT_EQ(open(spec), nullptr) << spec;
    EXPECT_THAT(error_, HasSubstr(reason));
    EXPECT_THAT(error_, Not(HasSubstr("\n")));
  }

  std::string error_;
};

TEST_F(Open, DefaultSpecIsTheEnvironmentsOrThePlatforms) {
#if defined(__linux__)
  EXPECT_EQ(Subject::default_spec(), "emulator");
#else
  EXPECT_EQ(Subject::default_spec(), "native");
#endif
  setenv("KQ_SUBJECT", "/a/path.so", 1);
  EXPECT_EQ(Subject::default_spec(), "/a/path.so");
}

TEST_F(Open, MissingFileIsRefused) { refuses("/no/such/file.so", "No such file or directory"); }

TEST_F(Open, WhatIsNoLibraryIsRefused) {
  TemporaryDirectory directory;
  const std::string text = directory.path() + "/text.so";
  testing::write_text(text, "int kqueue(void);\n");
  refuses(text, "not a shared library");
  testing::write_text(directory.path() + "/empty.so", "");
  refuses(directory.path() + "/empty.so", "not a shared library");
  refuses(directory.path(), "not a regular file");
  refuses("/bin/sh", "/bin/sh");
  refuses("", "no subject given");
}

TEST_F(Open, FifoIsRefusedWithoutWaitingForAWriter) {
  TemporaryDirectory directory;
  const std::string fifo = directory.path() + "/fifo.so";
  ASSERT_EQ(mkfifo(fifo.c_str(), 0600), 0);
  refuses(fifo, "not a regular file");
}

TEST_F(Open, TruncatedLibraryIsRefusedBeforeTheLoaderMapsIt) {
  TemporaryDirectory directory;
  const std::string whole = testing::read_text(object("plain"));
  ASSERT_GT(whole.size(), 1000u);
  const std::string path = directory.path() + "/short.so";
  for (const size_t size : {size_t{3}, size_t{64}, size_t{100}, size_t{600}, whole.size() / 2}) {
    testing::write_text(path, whole.substr(0, size));
    EXPECT_EQ(open(path), nullptr) << size << " bytes";
    EXPECT_THAT(error_, HasSubstr("short.so: "));
  }
}

TEST_F(Open, ObjectWithoutBothFunctionsIsRefused) {
  refuses(object("no_kevent"), "does not export kevent");
  refuses(object("no_kqueue"), "does not export kqueue");
  refuses(object("neither"), "does not export kqueue and kevent");
}

TEST_F(Open, FunctionsOfADependencyAreNotTheObjectsOwn) {
  refuses(object("dependent"), "does not export kqueue and kevent");
}

TEST_F(Open, UndefinedSymbolIsNamed) { refuses(object("undefined_symbol"), "defined_nowhere"); }

TEST_F(Open, CreatorOfDescriptorsMustExportCloseReadAndWrite) {
  refuses(object("pipe_alone"), "exports pipe but not close");
  refuses(object("socket_without_read"), "exports socket but not read");
}

TEST_F(Open, UnknownLayoutAndProfileNamesAreRefusedInPrintableForm) {
  refuses(object("bad_layout"), "kqtorture_layout is \"amiga\"; known are freebsd11, freebsd12");
  refuses(object("bad_profile"), "kqtorture_profile is \"free\\x1b[31mbsd");
  setenv("KQ_LAYOUT", "vax", 1);
  refuses(object("plain"), "KQ_LAYOUT is \"vax\"");
  unsetenv("KQ_LAYOUT");
  setenv("KQ_PROFILE", "vax", 1);
  refuses(object("plain"), "KQ_PROFILE: no profile is called \"vax\"; there are strict-2006");
}

TEST_F(Open, UnterminatedLayoutNameIsReadNoFurtherThanItsSymbol) {
  const auto subject = open(object("unterminated_layout"));
  ASSERT_NE(subject, nullptr) << error_;
  EXPECT_EQ(subject->layout(), Layout::kNetbsd);
}

TEST_F(Open, LayoutDecidesTheProfileUntilSomebodySaysOtherwise) {
  EXPECT_EQ(open(object("plain"))->profile(), "strict-2006");
  EXPECT_EQ(open(object("plain"))->layout(), Layout::kFreebsd11);
  EXPECT_EQ(open(object("recorder_netbsd"))->profile(), "netbsd");
  EXPECT_EQ(open(object("recorder_freebsd12"))->profile(), "freebsd");
  EXPECT_EQ(open(object("own_profile"))->profile(), "macos");
  setenv("KQ_PROFILE", "openbsd", 1);
  EXPECT_EQ(open(object("own_profile"))->profile(), "openbsd");
  EXPECT_EQ(open(object("bad_profile"))->profile(), "openbsd");
  setenv("KQ_PROFILE", "libkqueue", 1);
  EXPECT_EQ(open(object("plain"))->layout(), Layout::kLibkqueue);
  EXPECT_EQ(open(object("recorder_netbsd"))->layout(), Layout::kNetbsd);
  setenv("KQ_PROFILE", "openbsd", 1);
  setenv("KQ_LAYOUT", "freebsd12", 1);
  EXPECT_EQ(open(object("recorder_netbsd"))->layout(), Layout::kFreebsd12);
}

TEST_F(Open, HostIsTheObjectsOrTheEnvironments) {
  EXPECT_EQ(open(object("plain"))->host(), "");
  EXPECT_EQ(open(object("own_host"))->host(), "bsd");
  refuses(object("bad_host"), "kqtorture_host is \"amiga\"; known are linux, linux-at-once, bsd");
  setenv("KQ_HOST", "linux-at-once", 1);
  EXPECT_EQ(open(object("own_host"))->host(), "linux-at-once");
  EXPECT_EQ(open(object("bad_host"))->host(), "linux-at-once");
  setenv("KQ_HOST", "vax", 1);
  refuses(object("plain"), "KQ_HOST: no host is called \"vax\"; there are linux, linux-at-once");
}

TEST_F(Open, OnlyWhoMakesDescriptorsHasHisOwn) {
  EXPECT_FALSE(open(object("plain"))->has_own_descriptors());
  EXPECT_TRUE(open(object("virtual_kernel"))->has_own_descriptors());
}

TEST_F(Open, NameWithoutASlashIsAFileHere) {
  TemporaryDirectory directory;
  testing::write_text(directory.path() + "/here.so", testing::read_text(object("plain")));
  char before[4096];
  ASSERT_NE(getcwd(before, sizeof before), nullptr);
  ASSERT_EQ(chdir(directory.path().c_str()), 0);
  EXPECT_NE(open("here.so"), nullptr) << error_;
  ASSERT_EQ(chdir(before), 0);
}

TEST_F(Open, CallsThatTheObjectLacksAreTheHosts) {
  const auto subject = open(object("plain"));
  ASSERT_NE(subject, nullptr) << error_;
  EXPECT_EQ(subject->calls().close, &::close);
  EXPECT_EQ(subject->calls().read, &::read);
  EXPECT_EQ(subject->calls().kqueue1, nullptr);
  EXPECT_FALSE(subject->is_emulator());
  int fds[2];
  ASSERT_EQ(subject->calls().pipe2(fds, O_NONBLOCK), 0);
  EXPECT_EQ(subject->write(fds[1], "x", 1), 1);
  char byte = 0;
  EXPECT_EQ(subject->read(fds[0], &byte, 1), 1);
  EXPECT_EQ(subject->close(fds[0]), 0);
  EXPECT_EQ(subject->close(fds[1]), 0);
}

TEST_F(Open, DescriptorsOfAVirtualKernelNeverReachTheHost) {
  const auto subject = open(object("virtual_kernel"));
  ASSERT_NE(subject, nullptr) << error_;
  void* handle = dlopen(object("virtual_kernel").c_str(), RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(handle, nullptr);
  const auto count = [&](const char* name) { return *static_cast<int*>(dlsym(handle, name)); };
  int fds[2];
  EXPECT_EQ(subject->calls().pipe(fds), 0);
  EXPECT_EQ(subject->write(fds[1], "abc", 3), 3);
  char byte;
  EXPECT_EQ(subject->read(fds[0], &byte, 1), 0);
  EXPECT_EQ(subject->close(fds[0]), 0);
  EXPECT_EQ(count("calls_of_pipe"), 1);
  EXPECT_EQ(count("calls_of_write"), 1);
  EXPECT_EQ(count("calls_of_read"), 1);
  EXPECT_EQ(count("calls_of_close"), 1);
  // Descriptor 1 is the host's standard output as well.
  errno = 0;
  EXPECT_EQ(subject->calls().dup2(fds[0], fds[1]), -1);
  EXPECT_EQ(errno, ENOSYS);
  errno = 0;
  EXPECT_EQ(subject->calls().fcntl(fds[0], F_GETFL), -1);
  EXPECT_EQ(errno, ENOSYS);
  errno = 0;
  EXPECT_EQ(subject->calls().pipe2(fds, 0), -1);
  EXPECT_EQ(errno, ENOSYS);
  dlclose(handle);
}

#if defined(__linux__)
TEST_F(Open, FaultsThatMeanNothingAreRefused) {
  for (const char* faults : {"often", "1000001", "-1", "5:", "5:x", "5:1 ", ":1", " 5"}) {
    setenv("KQ_FAULTS", faults, 1);
    refuses(object("plain"), "is not RATE or RATE:SEED");
  }
}

TEST_F(Open, FaultsAreRefusedWhereTheObjectCannotFail) {
  setenv("KQ_FAULTS", "5:1", 1);
  refuses(object("plain"), "does not export kqtorture_set_faults");
  setenv("KQ_FAULTS", "0", 1);
  EXPECT_NE(open(object("plain")), nullptr) << error_;
}

TEST_F(Open, NativeIsRefusedWhereTheSystemHasNoKqueue) {
  refuses("native", "this operating system has no kqueue");
}

TEST_F(Open, EmulatorLiesBesideTheProgramUnlessKqLibkqSaysOtherwise) {
  setenv("KQ_LIBKQ", "/no/such/libkq.so", 1);
  refuses("emulator", "emulator (/no/such/libkq.so): No such file");
  unsetenv("KQ_LIBKQ");
  const auto subject = open("emulator");
  ASSERT_NE(subject, nullptr) << error_;
  EXPECT_TRUE(subject->is_emulator());
  EXPECT_EQ(subject->profile(), "strict-2006");
  EXPECT_NE(subject->calls().kqueue1, nullptr);
  EXPECT_NE(subject->calls().close, &::close) << "libkq's own close is to be used";
  EXPECT_EQ(subject->calls().read, &::read) << "libkq has no read of its own";
}

TEST_F(Open, EmulatorDeliversThroughTheInterface) {
  const auto subject = open("emulator");
  ASSERT_NE(subject, nullptr) << error_;
  const int kq = subject->kqueue();
  ASSERT_GE(kq, 0);
  int fds[2];
  ASSERT_EQ(subject->calls().pipe2(fds, O_NONBLOCK), 0);
  ASSERT_EQ(subject->write(fds[1], "abc", 3), 3);
  const Kevent change{static_cast<uintptr_t>(fds[0]), filter::kRead, flag::kAdd, 0, 0, &error_};
  Kevent event{};
  const timespec now{0, 0};
  ASSERT_EQ(subject->kevent(kq, &change, 1, &event, 1, &now), 1);
  EXPECT_EQ(event.ident, static_cast<uintptr_t>(fds[0]));
  EXPECT_EQ(event.data, 3);
  EXPECT_EQ(event.udata, &error_);
  subject->close(fds[0]);
  EXPECT_EQ(subject->kevent(kq, nullptr, 0, &event, 1, &now), 0) << "closing removes the knote";
  subject->close(fds[1]);
  subject->close(kq);
}
#endif

}  // namespace
}  // namespace kqtorture
