// The fixed point: the profile that explains most is changed knob by knob to what was answered.
#include "engine/survey.h"

#include <algorithm>
#include <memory>

#include "contract/knobs.h"
#include "engine/survey_tape.h"
#include "scenario/parse.h"

namespace kqtorture {
namespace {

using contract::Answer;
using contract::Knob;
using contract::Profile;
using Told = SurveyAnswer::Status;

// A pass settles what the one before made answerable. Knobs depend on few others: two passes do,
// and the bound is for a subject that makes no sense.
constexpr int kMostPasses = 6;

struct Recording {
  const Knob* knob = nullptr;
  const SurveyProbe* probe = nullptr;
  std::vector<Program> programs;
  std::vector<std::unique_ptr<SurveyTape>> tapes;
  SurveyAnswer answer;
  bool recorded = false;  // else the answer is there already
};

bool contains(const std::vector<int>& values, int value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool waits(const Program& program) {
  for (const Op& op : program.threads[0].ops) {
    if (op.kind == OpKind::kAwait) return true;
  }
  return false;
}

class Survey {
 public:
  Survey(const Subject& subject, const contract::Host& host, const SurveyOptions& options)
      : subject_(subject), host_(host), options_(options) {}

  SurveyResult run() {
    for (const Knob& knob : contract::knobs()) {
      Recording& one = recordings_.emplace_back();
      one.knob = &knob;
      one.probe = find_probe(knob.name);
      one.answer.knob = knob.name;
      ask(&one, options_.patience_ns);
    }
    settle();
    bool again = false;
    for (Recording& one : recordings_) {
      const bool late = std::any_of(one.programs.begin(), one.programs.end(), waits);
      if (!one.recorded || !late || !deviates(one, nearest())) continue;
      ask(&one, options_.more_patience_ns);
      again = true;
    }
    if (again) settle();
    for (Recording& one : recordings_) result_.answers.push_back(std::move(one.answer));
    return std::move(result_);
  }

 private:
  void ask(Recording* one, int64_t patience) {
    SurveyAnswer& answer = one->answer;
    const SurveyProbe* probe = one->probe;
    one->recorded = false;
    one->programs.clear();
    one->tapes.clear();
    answer.trace.clear();
    if (probe == nullptr) {
      answer.note = "there is no probe for it";
      return;
    }
    answer.note = probe->why_not != nullptr ? probe->why_not : "";
    if (answer.note.empty() && options_.leave_out) answer.note = options_.leave_out(*probe);
    if (!answer.note.empty()) return;
    if (probe->knob == kCloseProbe) {
      if (options_.begin) options_.begin(*probe);
      return ask_close(&answer);
    }
    for (const char* text : probe->programs) {
      if (text == nullptr) continue;
      Program program;
      if (const auto error = parse(text, &program)) {
        answer.note = error->text("probe");
        return;
      }
      if (options_.begin) options_.begin(*probe);
      auto tape = std::make_unique<SurveyTape>(options_.also);
      const bool done =
          record_probe(subject_, program, patience, tape.get(), &answer.trace, &answer.note);
      result_.calls += tape->calls();
      if (!done) return;
      one->programs.push_back(std::move(program));
      one->tapes.push_back(std::move(tape));
    }
    one->recorded = true;
  }

  void ask_close(SurveyAnswer* answer) {
    const CloseSeen seen = close_under_a_waiter(subject_, &answer->trace);
    result_.calls += 2;
    answer->status = seen == CloseSeen::kNeither ? Told::kUnknown : Told::kAnswered;
    using contract::CloseKqueue;
    // Whether close waited until the sleeper had left is not seen from outside.
    if (seen == CloseSeen::kSleepsOn) answer->fits = {int(CloseKqueue::kNotWoken)};
    if (seen == CloseSeen::kWoken) {
      answer->fits = {int(CloseKqueue::kWokenEbadf), int(CloseKqueue::kWokenEbadfAndBlocks)};
    }
  }

  Answer explained(const Recording& one, const Profile& base, int value) const {
    Profile profile = base;
    one.knob->set(&profile, value);
    const contract::Model model(profile, host_);
    Answer worst = Answer::kAccepted;
    for (const auto& tape : one.tapes) {
      const Answer answer = tape->explained_by(model, states_.get());
      if (answer == Answer::kRefused) return answer;
      if (answer == Answer::kUndecided) worst = answer;
    }
    return worst;
  }

  // The answer as everything else in `base` has it.
  void judge(Recording* one, const Profile& base) const {
    SurveyAnswer& answer = one->answer;
    answer.fits.clear();
    answer.silent.clear();
    std::vector<int> lenient;
    for (const int value : one->knob->values()) {
      const Answer got = explained(*one, base, value);
      if (got == Answer::kUndecided) answer.silent.push_back(value);
      if (got != Answer::kAccepted) continue;
      const bool allows_more = lists(one->probe->lenient, one->knob->word(value));
      (allows_more ? lenient : answer.fits).push_back(value);
    }
    if (answer.fits.empty()) answer.fits = lenient;
    // "None of the others", where a value says that the model knows no better.
    if (answer.fits.empty() && answer.silent.size() == 1) answer.fits = answer.silent;
    answer.status = !answer.fits.empty()    ? Told::kAnswered
                    : answer.silent.empty() ? Told::kUnknown
                                            : Told::kUndecided;
  }

  // One pass. True when `base` is as it was answered.
  bool adopt_answers(Profile* base) {
    bool settled = true;
    for (Recording& one : recordings_) {
      if (one.recorded) judge(&one, *base);
      const std::vector<int>& fits = one.answer.fits;
      if (fits.empty() || contains(fits, one.knob->get(*base))) continue;
      one.knob->set(base, fits.front());
      settled = false;
    }
    return settled;
  }

  size_t unknown() const {
    return static_cast<size_t>(
        std::count_if(recordings_.begin(), recordings_.end(),
                      [](const Recording& one) { return one.answer.status == Told::kUnknown; }));
  }

  // From the profile whose first pass leaves the fewest questions open.
  void settle() {
    size_t fewest = SIZE_MAX;
    Profile best;
    for (const Profile& start : contract::profiles()) {
      Profile base = start;
      adopt_answers(&base);
      if (unknown() >= fewest) continue;
      fewest = unknown();
      best = base;
      if (fewest == 0) break;
    }
    for (int pass = 1; pass < kMostPasses && !adopt_answers(&best); pass++) {
    }
    result_.measured = best;
  }

  bool deviates(const Recording& one, const Profile& profile) const {
    return one.answer.status == Told::kUnknown || one.answer.contradicts(one.knob->get(profile));
  }

  const Profile& nearest() const {
    SurveyResult so_far;
    for (const Recording& one : recordings_) so_far.answers.push_back(one.answer);
    return so_far.nearest();
  }

  const Subject& subject_;
  const contract::Host& host_;
  const SurveyOptions& options_;
  std::vector<Recording> recordings_;
  SurveyResult result_;
  const std::unique_ptr<contract::StateSet> states_ = std::make_unique<contract::StateSet>();
};

}  // namespace

bool SurveyAnswer::contradicts(int value) const {
  return status == Told::kAnswered && !contains(fits, value) && !contains(silent, value);
}

int SurveyResult::deviations_from(const contract::Profile& profile) const {
  int count = 0;
  for (const SurveyAnswer& answer : answers) {
    const contract::Knob* knob = contract::find_knob(answer.knob);
    count +=
        answer.status == SurveyAnswer::Status::kUnknown || answer.contradicts(knob->get(profile));
  }
  return count;
}

const contract::Profile& SurveyResult::nearest() const {
  const contract::Profile* best = &contract::profiles()[0];
  for (const contract::Profile& profile : contract::profiles()) {
    if (deviations_from(profile) < deviations_from(*best)) best = &profile;
  }
  return *best;
}

SurveyResult survey(const Subject& subject, const contract::Host& host,
                    const SurveyOptions& options) {
  return Survey(subject, host, options).run();
}

}  // namespace kqtorture
