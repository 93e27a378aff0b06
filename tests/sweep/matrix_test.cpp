// Is the cross matrix what it says, and does it find what goes wrong between two knotes of one
// descriptor?
#include "engine/matrix.h"

#include <gtest/gtest.h>

#include <set>

#include "engine/subjects.h"
#include "scenario/parse.h"
#include "scenario/print.h"
#include "sweep/judges.h"

namespace kqtorture {
namespace {

MatrixResult matrix(const Subject& subject, double sample) {
  MatrixOptions options;
  options.sample = sample;
  options.seed = 7;
  return run_matrix(subject, strict(), host(), options);
}

TEST(Matrix, ItsChangesAreTwentyFourDifferentOnes) {
  std::set<std::string> names;
  std::set<std::pair<uint16_t, uint32_t>> words;
  for (const NamedChange& change : matrix_changes()) {
    EXPECT_TRUE(names.insert(change.name).second) << change.name;
    EXPECT_TRUE(words.emplace(change.flags, change.fflags).second) << change.name;
  }
  EXPECT_EQ(names.size(), 24u);
}

TEST(Matrix, ItsSettingsAndRoomsMakeUpTheNumberThatIsPrinted) {
  const auto settings = matrix_settings();
  EXPECT_EQ(settings.size() * kMatrixChanges * kMatrixChanges * std::size(kMatrixRooms),
            kMatrixPrograms);
}

TEST(Matrix, EachSettingIsAProgramThatParsesBackToItself) {
  for (const MatrixSetting& setting : matrix_settings()) {
    const Program program = matrix_program(setting, matrix_changes()[10], matrix_changes()[21], 3);
    Program again;
    const auto error = parse(print(program), &again);
    ASSERT_FALSE(error) << error->text("matrix");
    EXPECT_EQ(print(program), print(again));
  }
}

TEST(Matrix, ASampleOfTheEmulatorIsClean) {
  const MatrixResult result = matrix(emulator(), 0.002);
  EXPECT_TRUE(result.findings.empty());
  EXPECT_EQ(result.skipped, "");
  EXPECT_EQ(result.counts.undecided, 0u);
  EXPECT_GT(result.counts.programs, 1000u);
  EXPECT_GT(result.counts.deliveries, result.counts.programs);
}

// Events that were due while a changelist left entries are thrown away (B49).
TEST(Matrix, EventsLostBesideReceiptsAreFound) {
  const Altered subject([](const Altered::Call& call) {
    const int result = Altered::real(call);
    if (call.nchanges > 0 && result > 0 && (call.events[0].flags & flag::kError) != 0) {
      Kevent lost[4];
      const timespec zero{};
      const Kevent oneshot{1, filter::kUser, flag::kForceOneshot, 0, 0, nullptr};
      emulator().kevent(call.kq, &oneshot, 1, nullptr, 0, nullptr);
      emulator().kevent(call.kq, nullptr, 0, lost, 4, &zero);
    }
    return result;
  });
  const MatrixResult result = matrix(subject, 0.002);
  ASSERT_GE(result.findings.size(), 1u);
  EXPECT_GT(result.counts.refused, 0u);
  const Finding& finding = result.findings[0];
  EXPECT_EQ(finding.scenario, "matrix");
  EXPECT_NE(finding.reproducer.find("kevent k"), std::string::npos);
}

// The sibling is disabled along with the knote that the change is about.
TEST(Matrix, AChangeThatReachesTheSiblingIsFound) {
  const Altered subject([](const Altered::Call& call) {
    for (int i = 0; i < call.nchanges; i++) {
      if (call.changes[i].filter != filter::kRead || call.changes[i].flags != flag::kDisable) {
        continue;
      }
      Kevent sibling = call.changes[i];
      sibling.filter = filter::kWrite;
      sibling.flags |= flag::kKeepUdata;
      emulator().kevent(call.kq, &sibling, 1, nullptr, 0, nullptr);
    }
    return Altered::real(call);
  });
  const MatrixResult result = matrix(subject, 0.02);
  ASSERT_GE(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].verdict, "lost");
}

}  // namespace
}  // namespace kqtorture
