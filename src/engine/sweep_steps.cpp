// The way into a state is the shortest that the contract gives. What a word did is asked in the
// same way everywhere: does the knote fire, does it fire again; does it fire when it is forced to,
// which shows the flags and the udata that it holds, and if not, does it once it is enabled; and is
// it gone then. So an enabled, a disabled and a deleted knote all answer differently, even when
// the object is idle.
#include "engine/sweep_steps.h"

#include "contract/vocabulary.h"

namespace kqtorture {
namespace {

using Kind = SweepStep::Kind;
using Object = SweepObject;
using State = SweepState;
using Target = SweepTarget;
namespace flag = contract::flag;
namespace note = contract::note;

// What makes an object ready, and more than a full pipe takes.
constexpr int64_t kFewBytes = 5;
constexpr int64_t kPipeFull = 65536;

const uint64_t kSetupUdata = udata_of_name("setup");
const uint64_t kWordUdata = udata_of_name("word");
const uint64_t kProbeUdata = udata_of_name("probe");

uint16_t creation_flags(SweepCreation creation) {
  switch (creation) {
    case SweepCreation::kLevel:
      return 0;
    case SweepCreation::kClear:
      return flag::kClear;
    case SweepCreation::kOneshot:
      return flag::kOneshot;
    case SweepCreation::kDispatch:
      return flag::kDispatch;
    case SweepCreation::kDispatchClear:
      break;
  }
  return flag::kDispatch | flag::kClear;
}

SweepStep change(unsigned flags, uint32_t fflags = 0, int64_t data = 0) {
  SweepStep step;
  step.kind = Kind::kChange;
  step.flags = static_cast<uint16_t>(flags);
  step.fflags = fflags;
  step.data = data;
  step.udata = kSetupUdata;
  return step;
}

SweepStep on_end(Kind kind, int end, int64_t amount = 0) {
  SweepStep step;
  step.kind = kind;
  step.end = static_cast<uint8_t>(end);
  step.data = amount;
  return step;
}

SweepStep plain(Kind kind) { return on_end(kind, 0); }

class Layout {
 public:
  Layout(const contract::Profile& profile, SweepCase* one) : profile_(profile), one_(*one) {}

  void lay_out() {
    one_.udata = kWordUdata;
    switch (one_.target) {
      case Target::kReadPipe:
      case Target::kReadSocket:
      case Target::kReadLowat:
        read();
        break;
      case Target::kWritePipe:
      case Target::kWriteSocket:
        write();
        break;
      case Target::kEmptySocket:
        empty();
        break;
      case Target::kVnodeFile:
        vnode();
        break;
      case Target::kUser:
      case Target::kUserTrigger:
        user();
        break;
      case Target::kTimer:
      case Target::kTimerBad:
        timer();
        break;
      case Target::kSignal:
        signal();
        break;
      case Target::kProc:
      case Target::kProcExit:
      case Target::kProcdesc:
        process();
        break;
      default:
        // Nothing can be there before, nothing can be left after it.
        one_.after.push_back(plain(Kind::kScan));
        return;
    }
    find_out();
  }

 private:
  bool was_due() const { return one_.state >= State::kQueued; }

  // The knote's creation and what follows it, for an object that is ready at the ADD if it is to be
  // due at all.
  void create(uint32_t fflags = 0, int64_t data = 0, bool trigger = false, bool await = false) {
    if (one_.state == State::kAbsent) return;
    const unsigned flags = flag::kAdd | creation_flags(one_.creation);
    const bool disabled = one_.state == State::kDisabled;
    before(change(disabled ? flags | flag::kDisable : flags, fflags, data));
    if (trigger) before(change(0, note::kTrigger));
    if (await) before(plain(Kind::kAwait));
    const bool reported = one_.state == State::kEnabled && one_.object != Object::kIdle;
    if (one_.state == State::kDelivered || reported) before(plain(Kind::kScan));
  }

  void disable_queued(uint32_t fflags = 0, int64_t data = 0) {
    if (one_.state == State::kDisabledQueued) before(change(flag::kDisable, fflags, data));
  }

  void read() {
    one_.end = 0;
    prepare(plain(Kind::kMake));
    if (one_.object == Object::kReady) prepare(on_end(Kind::kWrite, 1, kFewBytes));
    if (one_.object == Object::kEof) prepare(on_end(Kind::kClose, 1));
    const bool runs_dry = one_.object == Object::kIdle && was_due();
    const bool lowat = one_.target == Target::kReadLowat;
    const uint32_t notes = lowat ? note::kLowat : 0;
    const int64_t mark = lowat ? kFewBytes - 2 : 0;
    one_.fflags = notes;
    one_.data = lowat ? kFewBytes + 1 : 0;
    if (runs_dry) before(on_end(Kind::kWrite, 1, kFewBytes));
    create(notes, mark);
    disable_queued(notes, mark);
    if (runs_dry) before(on_end(Kind::kRead, 0, kFewBytes));
  }

  void write() {
    const bool pipe = one_.target == Target::kWritePipe;
    const int peer = pipe ? 0 : 1;
    one_.end = pipe ? 1 : 0;
    const bool dies = pipe && one_.object == Object::kEof && one_.state != State::kAbsent;
    const bool fills_up = one_.object == Object::kIdle && was_due();
    (dies ? one_.before : one_.prepare).push_back(plain(Kind::kMake));
    if (one_.object == Object::kIdle && !fills_up) prepare(on_end(Kind::kFill, one_.end));
    if (one_.object == Object::kEof && !dies) prepare(on_end(Kind::kClose, peer));
    create();
    disable_queued();
    if (dies) before(on_end(Kind::kClose, peer));
    if (fills_up) {
      before(on_end(Kind::kWrite, one_.end, kPipeFull));
      before(on_end(Kind::kWrite, one_.end, 1));  // refused: now it is known to be full
      last_ = {on_end(Kind::kRead, peer, kPipeFull)};
    }
    if (dies) last_ = {on_end(Kind::kClose, one_.end)};
  }

  void empty() {
    one_.end = 0;
    prepare(plain(Kind::kMake));
    const bool filled_later = one_.object == Object::kIdle && was_due();
    if (one_.object == Object::kIdle && !filled_later) prepare(on_end(Kind::kWrite, 0, kFewBytes));
    create();
    disable_queued();
    if (!filled_later) return;
    before(on_end(Kind::kWrite, 0, kFewBytes));
    last_ = {on_end(Kind::kRead, 1, kFewBytes)};
  }

  // Every write is beyond the end, and so is told alike.
  void vnode() {
    one_.end = 0;
    one_.fflags = note::kWrite;
    prepare(plain(Kind::kMake));
    if (one_.state == State::kAbsent) return;
    const SweepStep write = on_end(Kind::kWrite, 0, kFewBytes);
    const unsigned flags = flag::kAdd | creation_flags(one_.creation);
    const bool disabled = one_.state == State::kDisabled;
    before(change(disabled ? flags | flag::kDisable : flags, note::kWrite));
    const bool ready = one_.object == Object::kReady;
    if (was_due() || ready) before(write);
    if (one_.state == State::kDelivered) before(plain(Kind::kScan));
    const bool reset = one_.creation == SweepCreation::kDispatchClear &&
                       one_.state == State::kDelivered;  // by the delivery
    if (reset && ready) before(write);
    disable_queued(note::kWrite);
  }

  void user() {
    one_.fflags = note::kFfOr | 0x4;
    if (one_.target == Target::kUserTrigger) one_.fflags |= note::kTrigger;
    one_.data = 7;
    const bool ready = one_.object == Object::kReady;
    create(note::kFfCopy | 0x1, 3, was_due() || ready);
    const bool reset = one_.creation == SweepCreation::kDispatchClear &&
                       one_.state == State::kDelivered;  // by the delivery
    if (was_due() && !ready && !reset) before(change(flag::kClear));
    if (reset && ready) before(change(0, note::kTrigger));
    disable_queued();
  }

  void timer() {
    one_.hidden_steps = true;
    const bool usable = profile_.timer_absolute && !profile_.timer_absolute_before_boot_refused;
    const bool ready = one_.object == Object::kReady;
    const bool coarse = profile_.timer_units == contract::TimerUnits::kMillisecondsOnly;
    // An absolute time that is past expires with the call that sets it, a short one soon after; the
    // rest is for the machine.
    one_.await_ns = coarse ? 1'200'000 : 50'000;
    // 2128; and one second after the epoch, or where that is refused, a microsecond.
    const uint32_t far_notes = note::kAbstime | note::kSeconds;
    const int64_t far_time = 5'000'000'000;
    const uint32_t due_notes = usable ? far_notes : note::kUseconds;
    one_.fflags = ready ? due_notes : far_notes;
    one_.data = ready ? 1 : far_time;
    if (one_.target == Target::kTimerBad) one_.data = -1;
    const bool due = ready || was_due();
    create(due ? due_notes : far_notes, due ? 1 : far_time, false, due);
    if (was_due() && !ready) before(change(flag::kAdd, far_notes, far_time));
    disable_queued(one_.fflags, one_.data);
    awaits_ = ready;
  }

  // After what the word left, one post more shows where the count begins.
  void signal() {
    prepare(plain(Kind::kMake));
    create();
    const bool ready = one_.object == Object::kReady;
    if (was_due() || ready) before(plain(Kind::kRaise));
    if (one_.state == State::kDelivered) before(plain(Kind::kScan));
    if (one_.state == State::kDelivered && ready) before(plain(Kind::kRaise));
    disable_queued();
    happens_ = Kind::kRaise;
  }

  // A zombie is told at once to who asks for its exit, and stays one: it serves every word.
  void process() {
    const bool each = one_.target == Target::kProcExit;
    const SweepStep exit = on_end(Kind::kExit, 0, 3);
    one_.fflags = note::kExit;
    (each ? one_.before : one_.prepare).push_back(plain(Kind::kMake));
    if (one_.object == Object::kReady) prepare(exit);
    create(note::kExit);
    disable_queued(note::kExit);
    if (each) happens_ = Kind::kExit;
  }

  // The knote lies open, whatever the word did, and is gone when it is over.
  void find_out() {
    const unsigned keep = profile_.has_keepudata ? flag::kKeepUdata : 0;
    const unsigned force = profile_.has_forceoneshot ? flag::kForceOneshot : 0;
    if (awaits_) after(plain(Kind::kAwait));
    after(plain(Kind::kScan));
    after(plain(Kind::kScan));
    if (happens_ != Kind::kScan) {
      after(on_end(happens_, 0, 3));
      after(plain(Kind::kScan));
    }
    for (const unsigned flags : {force | keep, flag::kEnable | keep}) {
      probe(flags);
      after(plain(Kind::kScan));
    }
    probe(flag::kDelete);
    after(plain(Kind::kScan));
    for (const SweepStep& step : last_) after(step);
  }

  void probe(unsigned flags) {
    SweepStep step = change(flags | flag::kReceipt);
    step.udata = kProbeUdata;
    after(step);
  }

  void prepare(const SweepStep& step) { one_.prepare.push_back(step); }
  void before(const SweepStep& step) { one_.before.push_back(step); }
  void after(const SweepStep& step) { one_.after.push_back(step); }

  const contract::Profile& profile_;
  SweepCase& one_;
  std::vector<SweepStep> last_;
  bool awaits_ = false;
  Kind happens_ = Kind::kScan;  // then nothing: what happens to the object when the word is done
};

}  // namespace

void lay_out_steps(const contract::Profile& profile, SweepCase* one) {
  Layout(profile, one).lay_out();
}

}  // namespace kqtorture
