// Are the tables of profiles and hosts the contract's, and complete?
//
// The rows that differ between platforms are repeated here from section 7, so that a knob changed
// by accident is found by comparing two tables written apart.
#include <algorithm>
#include <set>

#include "contract/knobs.h"
#include "world.h"

namespace kqtorture::contract {
namespace {

const Profile& profile(const char* name) { return *find_profile(name); }

TEST(Profiles, AreFoundByName) {
  for (const char* name : kAllProfiles) {
    ASSERT_NE(find_profile(name), nullptr) << name;
    EXPECT_STREQ(find_profile(name)->name, name);
  }
  EXPECT_EQ(find_profile("windows"), nullptr);
  EXPECT_STREQ(profiles()[0].name, "strict-2006");
}

TEST(Profiles, StrictIsFreebsdMainWithTwoDifferences) {
  std::string strict = to_text(profile("strict-2006"));
  const std::string main = to_text(profile("freebsd"));
  int differences = 0;
  size_t at = strict.find('\n');
  size_t other = main.find('\n');
  while (at != std::string::npos && other != std::string::npos) {
    const size_t end = strict.find('\n', at + 1);
    const size_t other_end = main.find('\n', other + 1);
    if (end == std::string::npos) break;
    if (strict.substr(at, end - at) != main.substr(other, other_end - other)) {
      differences++;
      const std::string line = strict.substr(at + 1, end - at - 1);
      EXPECT_TRUE(line == "unknown flags: refuse" || line == "final event marked: yes") << line;
    }
    at = end;
    other = other_end;
  }
  EXPECT_EQ(differences, 2);
}

TEST(Knobs, MakeAnyProfileOfAnyOther) {
  for (const Profile& from : profiles()) {
    for (const Profile& to : profiles()) {
      Profile turned = from;
      for (const Knob& knob : knobs()) knob.set(&turned, knob.get(to));
      turned.name = to.name;
      turned.summary = to.summary;
      EXPECT_TRUE(turned == to) << from.name << " does not become " << to.name
                                << ": a member of Profile has no knob";
    }
  }
}

TEST(Knobs, HaveEveryValueOfEveryProfileAndAWordForIt) {
  for (const Knob& knob : knobs()) {
    EXPECT_EQ(find_knob(knob.name), &knob);
    const std::vector<int> values = knob.values();
    EXPECT_GE(values.size(), 2u) << knob.name;
    std::set<std::string> words;
    for (const int value : values) words.insert(knob.word(value));
    EXPECT_EQ(words.size(), values.size()) << knob.name;
    for (const Profile& profile : profiles()) {
      EXPECT_TRUE(words.count(knob.word_of(profile))) << knob.name << " of " << profile.name;
    }
  }
  EXPECT_EQ(find_knob("colour"), nullptr);
}

// One row of section 7: the knob's name, and what the eight columns say.
struct Row {
  const char* knob;
  const char* columns[kProfiles];
};

// strict-2006, F13, Fm, N, O, DF, X, L
constexpr Row kRows[] = {
    {"echo action bits", {"no", "no", "no", "yes", "yes", "yes", "yes", "yes"}},
    {"ENABLE+DISABLE",
     {"EINVAL", "EINVAL", "EINVAL", "enable", "enable", "enable", "disable", "disable"}},
    {"ADD+DELETE, exists",
     {"delete", "delete", "delete", "delete", "modify", "modify", "delete", "delete"}},
    {"ADD+DELETE, absent",
     {"create", "create", "create", "create", "create", "create", "ENOENT", "create"}},
    {"filter value 0", {"skip", "skip", "skip", "READ", "EINVAL", "EINVAL", "EINVAL", "EINVAL"}},
    {"empty filter slot",
     {"ENXIO", "ENXIO", "ENXIO", "EINVAL", "EINVAL", "EINVAL", "EINVAL", "EINVAL"}},
    {"empty filter slot, or", {"-", "-", "-", "-", "-", "-", "-", "ENOSYS"}},
    {"not a kqueue", {"EINVAL", "EBADF", "EINVAL", "EBADF", "EBADF", "EBADF", "EBADF", "ENOENT"}},
    {"ONESHOT re-evaluated", {"no", "no", "no", "no", "USER, TIMER", "no", "yes", "yes"}},
    {"DISPATCH+CLEAR", {"both", "both", "both", "CLEAR only", "both", "both", "both", "both"}},
    {"udata writers",
     {"not KEEPUDATA", "all", "not KEEPUDATA", "all", "ADD, USER", "not USER", "all", "hook"}},
    {"interest overwritten", {"yes", "yes", "yes", "yes", "no", "yes", "yes", "no"}},
    {"re-evaluated by",
     {"any change", "any change", "any change", "any change", "ADD", "any change", "any change",
      "nothing"}},
    {"trigger on creation", {"no", "no", "no", "no", "yes", "yes", "yes", "no"}},
    {"USER CLEAR cancels", {"yes", "yes", "yes", "yes", "yes", "yes", "no", "no"}},
    {"error entry flags",
     {"ERROR", "ERROR", "ERROR", "ERROR", "ERROR", "ERROR", "simplified+ERROR", "input+ERROR"}},
    {"receipt, no room",
     {"stop, 0", "stop, 0", "stop, 0", "stop, 0", "stop, 0", "writes anyway", "continue",
      "EFAULT"}},
    {"scan after entries", {"no", "no", "no", "no", "no", "no", "no", "yes"}},
    {"timeout validated", {"late", "late", "late", "late", "early", "never", "early", "backend"}},
    {"nchanges < 0",
     {"EINVAL", "as zero", "EINVAL", "undefined", "as zero", "undefined", "as zero", "EINVAL"}},
    {"nevents < 0",
     {"EINVAL", "unlimited", "EINVAL", "undefined", "as zero", "as zero", "as zero", "EINVAL"}},
    {"close(kq) wakes", {"no", "no", "no", "EBADF", "EBADF", "no", "EBADF, blocks", "EBADF"}},
    {"self watch", {"EINVAL", "EINVAL", "EINVAL", "ok", "ok", "ok", "EINVAL", "unsupported"}},
    {"cycles refused", {"no", "no", "no", "no", "no", "no", "yes", "no"}},
    {"nested depth", {"0", "0", "0", "0", "0", "0", "10", "0"}},
    {"nested propagation",
     {"async, drained", "async", "async, drained", "sync", "async", "sync", "sync", "unsupported"}},
    {"overlapping poll may miss", {"no", "no", "no", "no", "yes", "yes", "no", "yes"}},
    {"wake policy", {"all", "all", "all", "all", "all", "one/all", "all", "backend"}},
    {"exit without interest", {"no", "no", "no", "yes", "yes", "yes", "no", "no"}},
    {"zombie taken", {"yes", "yes", "yes", "no", "no", "yes", "no", "no"}},
    {"signal number checked", {"no", "no", "no", "no", "yes", "no", "no", "no"}},
    // libkqueue's: evfilt_timer_knote_modify() in its src/linux/timer.c.
    {"timer re-ADD",
     {"resets", "resets", "resets", "and flags", "resets", "at expiry", "resets", "and flags"}},
    {"FORCEONESHOT", {"yes", "yes", "yes", "no", "no", "no", "no", "no"}},
    {"KEEPUDATA", {"yes", "no", "yes", "no", "no", "no", "no", "no"}},
    {"unknown flags", {"refuse", "echo", "echo", "echo", "echo", "echo", "echo", "echo"}},
    {"final event marked", {"yes", "no", "no", "no", "no", "no", "no", "no"}},
    {"reserved flags",
     {"0xf000", "0xf000", "0xf000", "0xf000", "0xf800", "0xf800", "0xf000", "0x0000"}},
    {"DISABLE", {"lazy", "lazy", "lazy", "lazy", "lazy", "lazy", "unlinks", "unlinks"}},
    {"USER ONESHOT zeroed", {"yes", "yes", "yes", "no", "no", "no", "no", "no"}},
};

class ProfileRow : public testing::TestWithParam<Row> {};

TEST_P(ProfileRow, SaysWhatTheContractSays) {
  const Row& row = GetParam();
  for (size_t i = 0; i < kProfiles; i++) {
    const std::string line = std::string("\n") + row.knob + ": " + row.columns[i] + "\n";
    EXPECT_NE(to_text(profiles()[i]).find(line), std::string::npos)
        << profiles()[i].name << line << to_text(profiles()[i]);
  }
}

std::string row_name(const testing::TestParamInfo<Row>& info) {
  std::string name;
  for (const char* c = info.param.knob; *c != 0; c++) {
    if (std::isalnum(static_cast<unsigned char>(*c))) name += *c;
  }
  return name + std::to_string(info.index);
}
INSTANTIATE_TEST_SUITE_P(Section7, ProfileRow, testing::ValuesIn(kRows), row_name);

TEST(Profiles, TheTableHasALineForEveryKnobAndAColumnForEveryProfile) {
  const std::string table = profile_table();
  const std::string one = to_text(profile("macos"));
  EXPECT_EQ(std::count(table.begin(), table.end(), '\n'), std::count(one.begin(), one.end(), '\n'));
  for (const char* name : kAllProfiles) EXPECT_NE(table.find(name), std::string::npos);
  EXPECT_NE(table.find("receipt, no room"), std::string::npos);
}

TEST(Profiles, NoTwoAreTheSame) {
  for (size_t i = 0; i < kProfiles; i++) {
    for (size_t j = i + 1; j < kProfiles; j++) {
      const std::string one = to_text(profiles()[i]);
      const std::string other = to_text(profiles()[j]);
      EXPECT_NE(one.substr(one.find('\n')), other.substr(other.find('\n')));
    }
  }
}

TEST(Hosts, AreFoundByNameAndPrintEveryFact) {
  for (const Host& host : hosts()) {
    EXPECT_EQ(find_host(host.name), &host);
    const std::string text = to_text(host);
    EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 1 + 30) << text;
  }
  EXPECT_EQ(find_host("amiga"), nullptr);
}

TEST(Hosts, EpollIsLinuxThatLooksLate) {
  const Host& epoll = *find_host("linux");
  const Host& linux_host = *find_host("linux-at-once");
  EXPECT_EQ(epoll.activation, Observed::kAtScan);
  EXPECT_EQ(linux_host.activation, Observed::kAtOnce);
  EXPECT_EQ(epoll.pipe_capacity_max, 65536);
  EXPECT_EQ(epoll.pipe_slot, linux_host.pipe_slot);
}

TEST(Hosts, TheBsdsHaveFiltersThatTheModelHasNot) {
  const uint32_t filters = find_host("bsd")->unmodelled_filters;
  for (const int number : {4, 8, 9, 13}) EXPECT_TRUE(filters >> number & 1) << number;
  for (const int number : {0, 1, 2, 3, 5, 6, 7, 11}) EXPECT_FALSE(filters >> number & 1) << number;
}

}  // namespace
}  // namespace kqtorture::contract
