// The cross matrix: pairs of changes on a READ and a WRITE knote of one descriptor, with events,
// receipts and errors competing for the room of the event list.
//
// One descriptor with two knotes is where kqueues that are built on something else break most: one
// registration underneath serves both. Bound: 24 named changes, squared; which of the two knotes
// each is about; what the knotes were before; what the socket holds; what else stands in the
// changelist; and every room from none to plenty, "exact" and "fewer than ready" among them, since
// at most four knotes are due. Each combination is a litmus program, run and judged by the
// sequential engine, so a finding is one too.
#pragma once

#include <cstdint>
#include <iterator>
#include <string>
#include <vector>

#include "contract/model.h"
#include "engine/sweep_jobs.h"
#include "report/finding.h"
#include "scenario/program.h"
#include "subject/subject.h"

namespace kqtorture {

struct NamedChange {
  const char* name;
  uint16_t flags;
  uint32_t fflags;
  int64_t data;
};
inline constexpr int kMatrixChanges = 24;
const NamedChange (&matrix_changes())[kMatrixChanges];

// What is the same for all pairs of changes.
struct MatrixSetting {
  enum class Knotes : uint8_t { kNone, kLevel, kDisabled, kClearDelivered, kDispatchDelivered };
  enum class Socket : uint8_t { kWritable, kReadable, kPeerGone };
  enum class Mixed : uint8_t { kNothing, kReceiptFirst, kErrorBetween, kReceiptAndError };
  static constexpr int kTargets = 4, kKnotes = 5, kSockets = 3, kMixed = 4;

  bool first_writes = false;   // the first change is about the WRITE knote
  bool second_writes = false;  // likewise the second
  Knotes knotes = Knotes::kNone;
  Socket socket = Socket::kWritable;
  Mixed mixed = Mixed::kNothing;
};
inline constexpr int kMatrixRooms[] = {0, 1, 2, 3, 4, 16};
inline constexpr uint64_t kMatrixPrograms =
    uint64_t{kMatrixChanges} * kMatrixChanges * std::size(kMatrixRooms) * MatrixSetting::kTargets *
    MatrixSetting::kKnotes * MatrixSetting::kSockets * MatrixSetting::kMixed;

std::vector<MatrixSetting> matrix_settings();
Program matrix_program(const MatrixSetting& setting, const NamedChange& first,
                       const NamedChange& second, int room);

struct MatrixOptions {
  double sample = 1;
  uint64_t seed = 0;
  int jobs = kDefaultJobs;
  double budget = 0;  // seconds after which no setting begins (SweepTurns); 0: no limit
};

struct MatrixCounts {
  uint64_t programs = 0;   // run
  uint64_t undecided = 0;  // of them: beyond the model
  uint64_t calls = 0;
  uint64_t deliveries = 0;
  uint64_t refused = 0;  // programs that the model refused; the first of a kind is a finding
};

struct MatrixResult {
  MatrixCounts counts;
  std::string skipped;  // why programs were not run, if any
  std::vector<Finding> findings;
};

MatrixResult run_matrix(const Subject& subject, const contract::Profile& profile,
                        const contract::Host& host, const MatrixOptions& options);

}  // namespace kqtorture
