// What may be seen while a close is under way, and what may not be after it?
//
// A close is not one instant: the number, the knotes on it and the file behind it go one after the
// other, FreeBSD's number before its knotes, an emulation's knotes before its number. Each state in
// between is accepted, and each has the limit that tells it from a bug.
#include <gtest/gtest.h>

#include <cerrno>

#include "sketch.h"

namespace kqtorture::contract::testing {
namespace {

constexpr int kReader = Sketch::kReader, kWriter = Sketch::kWriter;
constexpr int kOther = 20;  // the reading end of a second pipe

Event enable(uint64_t udata = 1) { return read_event(flag::kEnable, udata, 0); }
Event delivered(uint64_t udata = 1) { return read_event(0, udata); }

// A pipe with a byte in it, and a level knote with udata 1.
Sketch watched() {
  Sketch sketch;
  sketch.call(5, 6, OpKind::kPipe, kOther, 0, 0, kOther + 1);
  sketch.write(8, 9).change(10, 11, read_event(kAdd, 1));
  return sketch;
}

Sketch closing() { return watched().close(20, 60, kReader); }

Sketch replacing() { return watched().call(20, 60, OpKind::kDup2, kOther, 0, kReader, kReader); }

Sketch& read_nothing(uint64_t begin, uint64_t end, Sketch* sketch) {
  return sketch->call(begin, end, OpKind::kRead, kReader, 1, -1, -1, EAGAIN);
}

Sketch& reopen(uint64_t begin, uint64_t end, Sketch* sketch) {
  return sketch->call(begin, end, OpKind::kPipe, kReader, 0, 0, 30);
}

TEST(Close, TheKnoteMayGoWhileTheNumberIsStillThere) {
  Sketch sketch = closing();
  sketch.change(25, 26, enable(), ENOENT);
  EXPECT_EQ(sketch.read(27, 28).verdict(), "accepted");
}

TEST(Close, TheKnoteIsThereUntilTheCloseBegins) {
  Sketch sketch = closing();
  EXPECT_EQ(sketch.change(18, 19, enable(), ENOENT).verdict(), "1.3 wrong-errno");
}

TEST(Close, AKnoteThatHasGoneDeliversNothingEvenBeforeTheEnd) {
  Sketch sketch = closing();
  sketch.change(25, 26, enable(), ENOENT);
  EXPECT_EQ(sketch.poll(27, 28, {delivered()}).verdict(), "I2 after-delete");
}

TEST(Close, TheKnoteMayStayWhileTheNumberHasGone) {
  Sketch sketch = closing();
  sketch.change(25, 26, read_event(kAdd, 2), EBADF);
  EXPECT_EQ(sketch.poll(27, 28, {delivered()}).verdict(), "accepted");
}

TEST(Close, AChangeFindsNoKnoteUnderANumberThatHasGone) {
  Sketch sketch = closing();
  sketch.change(25, 26, enable(), EBADF);
  Sketch later = sketch;
  EXPECT_EQ(sketch.change(27, 28, enable(), EBADF).verdict(), "accepted");
  EXPECT_EQ(later.change(27, 28, enable()).verdict(), "1.3 wrong-errno");
}

TEST(Close, WhereTheKnoteIsLookedUpFirstAChangeMayStillFindIt) {
  Sketch sketch = closing().judged_by("macos", "bsd");
  sketch.change(25, 26, read_event(kAdd, 2), EBADF).change(27, 28, enable());
  Sketch after = sketch;
  EXPECT_EQ(sketch.change(29, 30, enable(), ENOENT).verdict(), "accepted");
  EXPECT_NE(after.change(61, 62, enable()).verdict(), "accepted");
}

TEST(Close, OnceItHasEndedTheKnoteHasGoneAndSoHasTheNumber) {
  EXPECT_EQ(closing().poll(61, 62, {delivered()}).verdict(), "I2 after-delete");
  EXPECT_EQ(closing().change(61, 62, enable(), EBADF).verdict(), "accepted");
  EXPECT_EQ(closing().change(61, 62, enable(), ENOENT).verdict(), "1.3 wrong-errno");
}

TEST(Close, AnAddInBetweenIsAcceptedAndGoesWithTheNumber) {
  Sketch sketch = closing();
  sketch.change(25, 26, enable(), ENOENT).change(27, 28, read_event(kAdd, 2));
  sketch.poll(29, 30, {delivered(2)});
  Sketch after = sketch;
  EXPECT_EQ(sketch.poll(61, 62, {}).verdict(), "accepted");
  EXPECT_EQ(after.poll(61, 62, {delivered(2)}).verdict(), "I2 after-delete");
}

TEST(Close, ANewOwnerOfTheNumberFindsNoKnoteEvenBeforeTheEnd) {
  Sketch sketch = closing();
  reopen(30, 31, &sketch);
  Sketch old_event = sketch, old_knote = sketch;
  EXPECT_EQ(sketch.change(32, 33, enable(), ENOENT).verdict(), "accepted");
  EXPECT_EQ(old_event.poll(32, 33, {delivered()}).verdict(), "I2 after-delete");
  EXPECT_EQ(old_knote.change(32, 33, enable()).verdict(), "I2 after-delete");
}

TEST(Close, AKnoteOfTheNewOwnerOutlivesTheClose) {
  Sketch sketch = closing();
  reopen(30, 31, &sketch).change(32, 33, read_event(kAdd, 2));
  sketch.call(34, 35, OpKind::kWrite, 30, 1, 1);
  Sketch gone = sketch, still = sketch;
  EXPECT_EQ(sketch.poll(61, 62, {delivered(2)}).verdict(), "accepted");
  EXPECT_EQ(gone.change(40, 41, enable(), ENOENT).verdict(), "1.3 wrong-errno");
  EXPECT_EQ(still.poll(61, 62, {}).verdict(), "I8' lost");
}

TEST(Close, TheOtherEndMayLearnOfItLater) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).close(20, 60, kWriter);
  sketch.change(25, 26, read_event(kAdd, 2, 0, kWriter), EBADF);
  EXPECT_EQ(read_nothing(27, 28, &sketch).verdict(), "accepted");
}

TEST(Close, TheOtherEndHasLearntOfItWhenItHasEnded) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).close(20, 60, kWriter);
  EXPECT_EQ(sketch.poll(61, 62, {}).verdict(), "I8' lost");
}

TEST(Close, AnEndThatWasDeliveredIsNotTakenBack) {
  Sketch sketch;
  sketch.change(10, 11, read_event(kAdd, 1)).close(20, 60, kWriter);
  sketch.poll(25, 26, {read_event(flag::kEof, 1, 0)});
  EXPECT_EQ(read_nothing(27, 28, &sketch).verdict(), "I10 phantom");
}

TEST(Close, OfOneOfTwoWritersTellsNobody) {
  Sketch sketch;
  sketch.call(5, 6, OpKind::kDup, kWriter, 0, 22).change(10, 11, read_event(kAdd, 1));
  sketch.close(20, 60, kWriter);
  EXPECT_EQ(sketch.poll(25, 26, {read_event(flag::kEof, 1, 0)}).verdict(), "I10 phantom");
}

TEST(Dup2, TheOldKnoteMayOutliveTheSwitchAndWatchesWhatItWatched) {
  Sketch sketch = replacing();
  read_nothing(25, 26, &sketch);
  sketch.poll(27, 28, {delivered()});
  Sketch changed = sketch, after = sketch;
  EXPECT_EQ(sketch.change(29, 30, enable(), ENOENT).verdict(), "accepted");
  EXPECT_EQ(changed.change(29, 30, enable()).verdict(), "accepted");
  EXPECT_EQ(after.poll(61, 62, {delivered()}).verdict(), "I2 after-delete");
}

// FreeBSD's pipe serves one reader after the other; a preempted one is overtaken by closes.
TEST(Close, AReadUnderWayKeepsItsFile) {
  Sketch sketch = closing();
  sketch.close(61, 62, kWriter);
  sketch.call(25, 70, OpKind::kRead, kReader, 1, 1).call(26, 71, OpKind::kRead, kReader, 1, 0);
  EXPECT_EQ(sketch.verdict(), "accepted") << "the second saw the end, which came after the close";
  sketch.poll(72, 73, {delivered()});
  EXPECT_EQ(sketch.verdict(), "I2 after-delete") << "of the number's knote all is known";
}

TEST(Close, AReadThatHadEndedKeepsNothing) {
  Sketch sketch = closing();
  sketch.close(61, 62, kWriter).call(12, 19, OpKind::kRead, kReader, 1, 0);
  EXPECT_EQ(sketch.verdict(), "undecided") << "reads and writes that do not fit accuse no kqueue";
}

TEST(Close, AReaderWhoseFileIsKeptHasNotGone) {
  const auto written = [](bool kept) {
    Sketch sketch = watched();
    if (kept) sketch.call(25, 90, OpKind::kRead, kReader, 1, 1);
    Event event = read_event(kAdd, 2, 0, kWriter);
    event.filter = filter::kWrite;
    return sketch.close(30, 40, kReader).change(50, 51, event).verdict();
  };
  EXPECT_EQ(written(true), "accepted");
  EXPECT_EQ(written(false), "1.3 wrong-errno");
}

TEST(Dup2, TheOldKnoteMayGoBeforeTheSwitch) {
  Sketch sketch = replacing();
  sketch.change(25, 26, enable(), ENOENT);
  EXPECT_EQ(sketch.read(27, 28).verdict(), "accepted");
}

TEST(Dup2, AKnoteOfTheNewFileIsKept) {
  Sketch sketch = replacing();
  sketch.read(12, 13).change(27, 28, enable(), ENOENT).change(29, 30, read_event(kAdd, 2));
  // Only the new file has something to read.
  sketch.call(31, 32, OpKind::kWrite, kOther + 1, 1, 1).poll(33, 34, {delivered(2)});
  Sketch gone = sketch;
  EXPECT_EQ(sketch.poll(61, 62, {delivered(2)}).verdict(), "accepted");
  EXPECT_EQ(gone.change(61, 62, enable(2), ENOENT).verdict(), "1.3 wrong-errno");
}

TEST(Dup2, OntoItselfTakesNoKnoteAlong) {
  Sketch sketch = watched();
  sketch.call(20, 60, OpKind::kDup2, kReader, 0, kReader, kReader);
  EXPECT_EQ(sketch.change(25, 26, enable(), ENOENT).verdict(), "1.3 wrong-errno");
}

TEST(Close, ThatNeverReturnedMayHaveDoneAnyPartOfIt) {
  Sketch sketch = watched().close(20, kUnreturned, kReader);
  sketch.change(25, 26, enable());
  Sketch first = sketch, second = sketch, neither = sketch;
  EXPECT_EQ(first.change(27, 28, enable(), ENOENT).read(29, 30).verdict(), "accepted");
  second.change(27, 28, read_event(kAdd, 2), EBADF);
  EXPECT_EQ(second.poll(29, 30, {delivered()}).verdict(), "accepted");
  EXPECT_EQ(neither.poll(27, 28, {delivered()}).verdict(), "accepted");
}

}  // namespace
}  // namespace kqtorture::contract::testing
