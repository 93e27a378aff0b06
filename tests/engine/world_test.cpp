// Nothing is left behind by a program, and numbers are reused as the language promises.
#include "engine/world.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "engine/sequential.h"
#include "scenario/generate.h"
#include "scenario/print.h"
#include "subjects.h"

namespace kqtorture {
namespace {

std::vector<int> open_descriptors() {
  std::vector<int> open;
  for (int number = 0; number < 1024; number++) {
    if (fcntl(number, F_GETFD) >= 0) open.push_back(number);
  }
  return open;
}

TEST(World, AfterManyProgramsOnlyTheKeptObjectsAreOpen) {
  std::string error;
  const std::vector<int> before = open_descriptors();
  {
    const auto engine = SequentialEngine::create(emulator(), &error);
    ASSERT_TRUE(engine) << error;
    for (uint64_t seed = 0; seed < 500; seed++) engine->run(generate(seed));
    const size_t kept = open_descriptors().size();
    for (uint64_t seed = 500; seed < 1500; seed++) engine->run(generate(seed));
    EXPECT_LE(open_descriptors().size(), kept + 20) << "descriptors leak";
  }
  EXPECT_EQ(open_descriptors(), before) << "an engine takes everything with it";
}

TEST(World, AProgramThatMakesDescriptorsReusesTheSameNumbersEveryTime) {
  std::string error;
  const auto engine = SequentialEngine::create(emulator(), &error);
  ASSERT_TRUE(engine) << error;
  // d gets the number of p.r, the lowest that is free: its READ knote is then p.r's too.
  const Program program = program_of(
      "pipe p\nsocketpair s\nfd d\nkqueue k\nthread T\n"
      "close s.a\nclose p.r\ndup s.b -> d\n"
      "kevent k (p.r READ ADD udata=x)\n"
      "kevent k (d READ DELETE) => 0\n");
  for (uint64_t seed = 0; seed < 200; seed++) {
    const SequentialResult result = engine->run(program, true);
    ASSERT_EQ(result.status, SequentialResult::Status::kClean)
        << result.message << "\n"
        << (result.trace.empty() ? "" : result.trace.back());
    engine->run(generate(seed));
  }
}

// Closing the alias for good, with a reset, must not do the same to a connection that is kept.
TEST(World, AConnectionThatHadAnAliasIsNotKept) {
  std::string error;
  const auto engine = SequentialEngine::create(emulator(), &error);
  ASSERT_TRUE(engine) << error;
  const Program aliases = program_of("tcp c\nsocketpair s\nkqueue k\nthread T\ndup2 c.a -> s.a\n");
  const Program closes = program_of(
      "tcp c\nkqueue k\nthread T\nclose c.a\nawait\n"
      "kevent k (c.b READ ADD) room=1 timeout=due => (c.b READ EOF fflags=0)\n");
  for (int i = 0; i < 5; i++) {
    ASSERT_EQ(engine->run(aliases).status, SequentialResult::Status::kClean);
    const SequentialResult result = engine->run(closes);
    ASSERT_EQ(result.status, SequentialResult::Status::kClean) << result.message;
  }
}

TEST(World, ObjectsThatWereUsedComeBackAsNew) {
  std::string error;
  const auto engine = SequentialEngine::create(emulator(), &error);
  ASSERT_TRUE(engine) << error;
  const Program dirty = program_of(
      "pipe p\nsocketpair s\ndgrampair g\neventfd e\nfile f 10\nthread T\n"
      "fill p.w\nwrite s.a 7\nwrite g.a 7\nwrite e 7\nread f 5\nwrite f 100\n");
  const Program fresh = program_of(
      "pipe p\nsocketpair s\ndgrampair g\neventfd e\nfile f 20\nkqueue k\nthread T\n"
      "kevent k (p.r READ ADD) (s.b READ ADD) (g.b READ ADD) (e READ ADD) (f READ ADD) room=8 "
      "=> (f READ 0 data=20)\n"
      "read p.r 1 => EAGAIN\nread s.b 1 => EAGAIN\nread e 8 => EAGAIN\nwrite p.w 65536 => 65536\n");
  for (int i = 0; i < 20; i++) {
    ASSERT_EQ(engine->run(dirty).status, SequentialResult::Status::kClean);
    const SequentialResult result = engine->run(fresh, true);
    ASSERT_EQ(result.status, SequentialResult::Status::kClean)
        << result.message << "\n"
        << (result.trace.empty() ? "" : result.trace.back());
  }
}

}  // namespace
}  // namespace kqtorture
