// Does a survey tell what kqueue it was pointed at?
#include "engine/survey.h"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstring>

#include "contract/knobs.h"
#include "engine/sequential.h"
#include "subjects.h"

namespace kqtorture {
namespace {

using Told = SurveyAnswer::Status;

std::string described(const SurveyResult& result, const contract::Profile& profile) {
  std::string text;
  for (const SurveyAnswer& answer : result.answers) {
    const contract::Knob* knob = contract::find_knob(answer.knob);
    const bool deviates = answer.status == Told::kUnknown || answer.contradicts(knob->get(profile));
    if (!deviates) continue;
    text += answer.knob + ": not " + knob->word_of(profile) + " but";
    for (const int value : answer.fits) text += " " + knob->word(value);
    for (const std::string& line : answer.trace) text += "\n    " + line;
    text += "\n";
  }
  return text;
}

TEST(Survey, EveryKnobIsProbedOrSaysWhyNot) {
  for (const contract::Knob& knob : contract::knobs()) {
    const SurveyProbe* probe = find_probe(knob.name);
    ASSERT_NE(probe, nullptr) << knob.name;
    const bool asked = probe->programs[0] != nullptr || probe->knob == kCloseProbe;
    EXPECT_NE(asked, probe->why_not != nullptr) << knob.name;
  }
  EXPECT_EQ(survey_probes().size(), contract::knobs().size()) << "a probe of no knob";
}

TEST(Survey, TheEmulatorIsStrict2006) {
  const SurveyResult result = survey(emulator(), host_of(emulator()), {});
  const contract::Profile& strict = *contract::find_profile("strict-2006");
  EXPECT_STREQ(result.nearest().name, "strict-2006");
  EXPECT_EQ(result.deviations_from(strict), 0) << described(result, strict);
  EXPECT_GE(result.calls, 300u);
}

// A kqueue that does what the model of a profile says, to the letter.
class Imagined : public Subject, public Observer {
 public:
  explicit Imagined(const contract::Profile& profile)
      : model_(profile, *contract::find_host("linux-at-once")) {
    calls_ = emulator().calls();
    spec_ = "imagined";
    profile_ = profile.name;
  }

  void begin() {
    states_.reset();
    lost_ = false;
  }
  void before(contract::Op* op) override { op_ = *op; }
  bool after(const contract::Op& op, const contract::Outcome& outcome) override {
    lost_ = lost_ || model_.check(&states_, op, outcome, nullptr) != contract::Answer::kAccepted;
    return !lost_;
  }

  int kevent(int, const Kevent*, int, Kevent* events, int, const timespec*) const override {
    contract::Outcome outcome;
    contract::Event list[limit::kRoom];
    if (lost_ || model_.predict(states_.state[0], op_, list, limit::kRoom, &outcome) !=
                     contract::Answer::kAccepted) {
      errno = ENOTSUP;
      return -1;
    }
    const bool faults = op_.events_writable != contract::Op::kAll;
    for (int64_t i = 0; !faults && i < outcome.value; i++) {
      std::memcpy(&events[i], &list[i], sizeof list[i]);
    }
    errno = outcome.error;
    return static_cast<int>(outcome.value);
  }

  SurveyResult survey() {
    SurveyOptions options;
    options.patience_ns = options.more_patience_ns = 0;  // nothing happens by itself
    options.also = this;
    options.begin = [this](const SurveyProbe&) { begin(); };
    options.leave_out = [](const SurveyProbe& probe) {
      return std::string(probe.knob == kCloseProbe ? "a model has no threads" : "");
    };
    return kqtorture::survey(*this, model_.host(), options);
  }

 private:
  const contract::Model model_;
  contract::StateSet states_;
  contract::Op op_;
  bool lost_ = false;
};

class OfEveryProfile : public ::testing::TestWithParam<size_t> {};

TEST_P(OfEveryProfile, ASurveyOfItsModelFindsTheProfileWithoutDeviation) {
  const contract::Profile& profile = contract::profiles()[GetParam()];
  Imagined imagined(profile);
  const SurveyResult result = imagined.survey();
  EXPECT_EQ(result.deviations_from(profile), 0) << described(result, profile);
  EXPECT_STREQ(result.nearest().name, profile.name);
}

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
constexpr int kEvery = 16;
#elif defined(__has_feature)
constexpr int kEvery = __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) ? 16 : 1;
#else
constexpr int kEvery = 1;
#endif

// What a survey says when one knob of the strict profile is turned: every value that some profile
// has. Those that it does not tell from the strict one are listed, so that the list is the truth.
TEST(Survey, AKnobThatIsTurnedIsNamed) {
  const contract::Profile& strict = *contract::find_profile("strict-2006");
  std::vector<std::string> not_told_apart;
  int turned = 0, seen = 0;
  for (const contract::Knob& knob : contract::knobs()) {
    const SurveyProbe* probe = find_probe(knob.name);
    if (probe->why_not != nullptr || probe->knob == kCloseProbe) continue;
    std::vector<int> values;
    for (const contract::Profile& profile : contract::profiles()) {
      const int value = knob.get(profile);
      const bool known = std::count(values.begin(), values.end(), value) > 0;
      if (value != knob.get(strict) && !known) values.push_back(value);
    }
    for (const int value : values) {
      if (seen++ % kEvery != 0) continue;
      contract::Profile profile = strict;
      knob.set(&profile, value);
      const SurveyResult result = Imagined(profile).survey();
      turned++;
      for (const SurveyAnswer& answer : result.answers) {
        if (answer.knob != knob.name || answer.contradicts(knob.get(strict))) continue;
        not_told_apart.push_back(answer.knob + ": " + knob.word(value));
      }
    }
  }
  EXPECT_GE(turned, 80 / kEvery);
  if (kEvery > 1) return;  // a part says nothing of the list
  EXPECT_THAT(
      not_told_apart,
      ::testing::ElementsAre(
          "close removes knotes: no",  // the model follows no such kqueue; a planted bug does
          "timer units: enumeration",  // the layout translates them
          // The task that tells it is done before the poll; and the status is of an exit that
          // nobody asked for, which is delivered nowhere else.
          "nested propagation: sync", "exit status: always"));
}

INSTANTIATE_TEST_SUITE_P(Survey, OfEveryProfile, ::testing::Range<size_t>(0, contract::kProfiles),
                         [](const auto& one) {
                           std::string name = contract::profiles()[one.param].name;
                           std::replace(name.begin(), name.end(), '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace kqtorture
