// Subjects for the tests of the engines: the emulator, and kqueues that are it but for one fault.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <string>

#include "scenario/parse.h"
#include "scenario/program.h"
#include "subject/subject.h"

namespace kqtorture {

inline const Subject& emulator() {
  static const std::unique_ptr<Subject> subject = [] {
    std::string error;
    auto opened = Subject::open("emulator", &error);
    EXPECT_TRUE(opened) << error;
    return opened;
  }();
  return *subject;
}

// The emulator, with a hook in place of its kevent(); the hook may call the real one.
class Altered : public Subject {
 public:
  struct Call {
    int kq;
    const Kevent* changes;
    int nchanges;
    Kevent* events;
    int nevents;
    const timespec* timeout;
  };
  using Hook = std::function<int(const Call&)>;

  explicit Altered(Hook hook) : hook_(std::move(hook)) {
    calls_ = emulator().calls();
    spec_ = "altered";
    profile_ = emulator().profile();
  }

  int kevent(int kq, const Kevent* changes, int nchanges, Kevent* events, int nevents,
             const timespec* timeout) const override {
    return hook_(Call{kq, changes, nchanges, events, nevents, timeout});
  }

  // What the emulator answers.
  static int real(const Call& call) {
    return emulator().kevent(call.kq, call.changes, call.nchanges, call.events, call.nevents,
                             call.timeout);
  }

 private:
  Hook hook_;
};

inline Program program_of(const std::string& text) {
  Program program;
  const auto error = parse(text, &program);
  EXPECT_FALSE(error) << error->text("test");
  return program;
}

}  // namespace kqtorture
