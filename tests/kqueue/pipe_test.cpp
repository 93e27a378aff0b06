// What does a pipe tell? READ the exact number of buffered bytes and the end of the writers; WRITE
// a number of bytes that one write is sure to accept whole, and the end of the readers.
#include <array>

#include "objects.h"

namespace kqtorture {
namespace {

class PipeRead : public PipeTest {
 protected:
  Kevent read_ev(int flags, uint32_t fflags = 0, intptr_t data = 0) const {
    return ev(static_cast<uintptr_t>(int{pipe_.near}), filter::kRead, static_cast<uint16_t>(flags),
              fflags, data);
  }
};

TEST_F(PipeRead, DataIsTheNumberOfBufferedBytes) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  intptr_t total = 0;
  for (const size_t size : {1u, 2u, 510u, 511u, 1u, 4095u, 300u}) {
    put(pipe_.far, size);
    total += static_cast<intptr_t>(size);
    EXPECT_EQ(only_event(kq_).data, total);
  }
  take(pipe_.near, 1000);
  EXPECT_EQ(only_event(kq_).data, total - 1000);
}

TEST_F(PipeRead, DataOfAFullPipeIsAllThatWasWritten) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  const size_t total = fill(pipe_.far, 1000);
  EXPECT_EQ(only_event(kq_).data, static_cast<intptr_t>(total));
}

TEST_F(PipeRead, AnEmptyPipeIsSilent) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(PipeRead, EofIsToldWithNothingLeft) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  pipe_.far.reset();
  const Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), flag::kEof);
  EXPECT_EQ(event.data, 0);
  EXPECT_EQ(event.fflags, 0u);
}

TEST_F(PipeRead, EofIsToldWithTheBytesThatAreLeft) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  put(pipe_.far, 9);
  pipe_.far.reset();
  EXPECT_EQ(only_event(kq_).data, 9);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
  take(pipe_.near, 9);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(event.data, 0);
  EXPECT_EQ(flags_of(event), flag::kEof);
}

TEST_F(PipeRead, EofIsALevel) {
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  pipe_.far.reset();
  for (int i = 0; i < 3; ++i) EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
  EXPECT_EQ(submit(kq_, read_ev(flag::kDelete)), 0);
}

TEST_F(PipeRead, EofThatWasThereBeforeTheAddIsTold) {
  pipe_.far.reset();
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
}

TEST_F(PipeRead, NoEofWhileAnotherWriterIsOpen) {
  Fd second(subject().calls().dup(pipe_.far));
  ASSERT_GE(second, 0);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd)), 0);
  pipe_.far.reset();
  EXPECT_TRUE(silent(kq_));
  put(second, 2);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_EQ(event.data, 2);
  second.reset();
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof);
}

TEST_F(PipeRead, LowWaterMarkIsIgnored) {
  REQUIRE_KNOB(knob().freebsd_objects);
  ASSERT_EQ(submit(kq_, read_ev(flag::kAdd, note::kLowat, 100)), 0);
  put(pipe_.far, 1);
  EXPECT_EQ(only_event(kq_).data, 1);
}

// How asyncio's pipe transport learns that a child has closed its standard input.
TEST_F(PipeRead, OfTheWriteEndIsEofWhenTheReaderIsGone) {
  REQUIRE_KNOB(knob().freebsd_objects);
  const auto writer = static_cast<uintptr_t>(int{pipe_.far});
  ASSERT_EQ(submit(kq_, ev(writer, filter::kRead, flag::kAdd)), 0);
  ASSERT_TRUE(silent(kq_));
  pipe_.near.reset();
  Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), flag::kEof);
  EXPECT_EQ(event.data, 0);
  // And so does one that is added when it is too late, beside a WRITE knote.
  ASSERT_EQ(submit(kq_, ev(writer, filter::kRead, flag::kDelete)), 0);
  submit(kq_, ev(writer, filter::kWrite, flag::kAdd));
  ASSERT_EQ(submit(kq_, ev(writer, filter::kRead, flag::kAdd | flag::kOneshot)), 0);
  event = only_event(kq_);
  EXPECT_EQ(event.filter, filter::kRead);
  EXPECT_TRUE(event.flags & flag::kEof);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(PipeRead, OfTheWriteEndWakesAWaiterWhenTheReaderGoes) {
  REQUIRE_KNOB(knob().freebsd_objects);
  const auto writer = static_cast<uintptr_t>(int{pipe_.far});
  ASSERT_EQ(submit(kq_, {ev(writer, filter::kWrite, flag::kAdd | flag::kDisable),
                         ev(writer, filter::kRead, flag::kAdd | flag::kClear)}),
            0);
  Waiter waiter(kq_);
  waiter.wait_until_parked();
  pipe_.near.reset();
  const Outcome outcome = waiter.join();
  ASSERT_EQ(outcome.count, 1);
  EXPECT_EQ(outcome.entries[0].filter, filter::kRead);
  EXPECT_TRUE(outcome.entries[0].flags & flag::kEof);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(PipeRead, OfTheWriteEndIsSilentWhileThereIsAReader) {
  REQUIRE_KNOB(knob().freebsd_objects);
  const auto writer = static_cast<uintptr_t>(int{pipe_.far});
  ASSERT_EQ(submit(kq_, ev(writer, filter::kRead, flag::kAdd)), 0);
  put(pipe_.far, 5);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, ev(writer, filter::kRead, flag::kDelete)), 0);
}

TEST_F(PipeRead, TwoDescriptorsOfOnePipeAreTwoKnotes) {
  const Fd copy(subject().calls().dup(pipe_.near));
  ASSERT_GE(copy, 0);
  ASSERT_EQ(submit(kq_, {read_ev(flag::kAdd),
                         ev(static_cast<uintptr_t>(int{copy}), filter::kRead, flag::kAdd)}),
            0);
  put(pipe_.far, 1);
  EXPECT_EQ(poll_events(kq_).size(), 2u);
}

class PipeWrite : public PipeTest {
 protected:
  Kevent write_ev(int flags) const {
    return ev(static_cast<uintptr_t>(int{pipe_.far}), filter::kWrite, static_cast<uint16_t>(flags));
  }
};

TEST_F(PipeWrite, AnEmptyPipeHasRoom) {
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  const Kevent event = only_event(kq_);
  EXPECT_EQ(flags_of(event), 0);
  EXPECT_GT(event.data, 0);
}

TEST_F(PipeWrite, AFullPipeIsSilent) {
  fill(pipe_.far);
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  EXPECT_TRUE(silent(kq_));
}

TEST_F(PipeWrite, FiresOnceTheReaderMadeRoom) {
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  fill(pipe_.far);
  ASSERT_TRUE(silent(kq_));
  drain(pipe_.near);
  EXPECT_GT(only_event(kq_).data, 0);
}

TEST_F(PipeWrite, WithoutAReaderTheAddIsRefused) {
  REQUIRE_KNOB(knob().freebsd_objects);
  pipe_.near.reset();
  EXPECT_EQ(submit(kq_, write_ev(flag::kAdd)), EPIPE);
  EXPECT_EQ(submit(kq_, write_ev(flag::kDelete)), ENOENT);
}

TEST_F(PipeWrite, TheEndOfTheReadersIsTheLastEvent) {
  REQUIRE_KNOB(knob().dead_pipe_ends_knote);
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  pipe_.near.reset();
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof | flag::kOneshot);
  EXPECT_TRUE(silent(kq_));
  EXPECT_EQ(submit(kq_, write_ev(flag::kDelete)), ENOENT);
}

TEST_F(PipeWrite, TheEndOfTheReadersOfAFullPipeIsTold) {
  REQUIRE_KNOB(knob().dead_pipe_ends_knote);
  fill(pipe_.far);
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  ASSERT_TRUE(silent(kq_));
  pipe_.near.reset();
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof | flag::kOneshot);
}

TEST_F(PipeWrite, TheEndOfTheReadersWhileDisabledIsToldAfterEnable) {
  REQUIRE_KNOB(knob().dead_pipe_ends_knote);
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd | flag::kDisable)), 0);
  pipe_.near.reset();
  ASSERT_TRUE(silent(kq_));
  ASSERT_EQ(submit(kq_, write_ev(flag::kEnable)), 0);
  EXPECT_EQ(flags_of(only_event(kq_)), flag::kEof | flag::kOneshot);
}

TEST_F(PipeWrite, NoEofWhileAnotherReaderIsOpen) {
  const Fd second(subject().calls().dup(pipe_.near));
  ASSERT_GE(second, 0);
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  pipe_.near.reset();
  EXPECT_EQ(flags_of(only_event(kq_)), 0);
}

// How the pipe was filled before data is asked for. A host may keep each write in a buffer of its
// own, so that many small ones leave less room than their sum says.
struct FillState {
  const char* name;
  size_t bytes;
  size_t chunk;
  size_t read_back;
};

class PipeWriteData : public PipeWrite, public ::testing::WithParamInterface<FillState> {};

TEST_P(PipeWriteData, AWriteOfThatSizeIsAcceptedWhole) {
  const FillState& state = GetParam();
  for (size_t done = 0; done < state.bytes; done += state.chunk) {
    const std::vector<char> bytes(state.chunk, 'x');
    if (subject().write(pipe_.far, bytes.data(), bytes.size()) < 0) break;
  }
  if (state.read_back > 0) {
    std::vector<char> bytes(state.read_back);
    ASSERT_GT(subject().read(pipe_.near, bytes.data(), bytes.size()), 0);
  }
  ASSERT_EQ(submit(kq_, write_ev(flag::kAdd)), 0);
  const std::vector<Kevent> events = poll_events(kq_);
  if (events.empty()) {
    // Silence says that there is less than PIPE_BUF, the least that is worth an event; of FreeBSD's
    // own pipe that it is full at its present size, which the next write doubles.
    if (knob().freebsd_objects && !host_descriptors()) return;
    const std::vector<char> bytes(65536, 'x');
    EXPECT_LT(subject().write(pipe_.far, bytes.data(), bytes.size()), 4096);
    return;
  }
  ASSERT_GT(events[0].data, 0);
  put(pipe_.far, static_cast<size_t>(events[0].data));
}

INSTANTIATE_TEST_SUITE_P(Fills, PipeWriteData,
                         ::testing::Values(FillState{"Empty", 0, 1, 0},
                                           FillState{"OneByte", 1, 1, 0},
                                           FillState{"HundredSingleBytes", 100, 1, 0},
                                           FillState{"ThousandSingleBytes", 1000, 1, 0},
                                           FillState{"OnePage", 4096, 4096, 0},
                                           FillState{"PageAndABit", 4097, 4097, 0},
                                           FillState{"Half", 32768, 4096, 0},
                                           FillState{"HalfInOddChunks", 32000, 777, 0},
                                           FillState{"AllButOnePage", 61440, 4096, 0},
                                           FillState{"AllButTwoPagesThenABit", 57345, 57345, 0},
                                           FillState{"FullThenOneByteRead", 65536, 4096, 1},
                                           FillState{"FullThenOnePageRead", 65536, 4096, 4096},
                                           FillState{"FullThenPageAndAHalfRead", 65536, 4096, 6144},
                                           FillState{"FullThenAllRead", 65536, 4096, 65536}),
                         [](const auto& instance) { return instance.param.name; });

}  // namespace
}  // namespace kqtorture
