// No byte sequence gets through to a terminal, a parser or a file name that could hurt there.
#include "report/text.h"

#include <gtest/gtest.h>

#include "xml.h"

namespace kqtorture {
namespace {

constexpr char kReplacement[] = "\xEF\xBF\xBD";

std::string all_bytes() {
  std::string bytes;
  for (int i = 0; i < 256; ++i) bytes += static_cast<char>(i);
  return bytes;
}

TEST(ToUtf8, KeepsWhatIsWellFormed) {
  for (const char* text : {"", "plain", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x90\x9B",
                           "\xED\x9F\xBF", "\xEE\x80\x80", "\xF4\x8F\xBF\xBF"}) {
    EXPECT_EQ(to_utf8(text), text);
  }
}

TEST(ToUtf8, ReplacesWhatIsNot) {
  EXPECT_EQ(to_utf8("a\xFFz"), std::string("a") + kReplacement + "z");
  EXPECT_EQ(to_utf8("\x80"), kReplacement);
  EXPECT_EQ(to_utf8("\xC3"), kReplacement) << "cut short";
  EXPECT_EQ(to_utf8("\xC3("), std::string(kReplacement) + "(") << "the next byte is kept";
  const std::string two = std::string(kReplacement) + kReplacement;
  EXPECT_EQ(to_utf8("\xC0\xAF"), two) << "overlong";
  EXPECT_EQ(to_utf8("\xED\xA0\x80"), two + kReplacement) << "surrogate";
  EXPECT_EQ(to_utf8("\xF4\x90\x80\x80"), two + two) << "above U+10FFFF";
}

TEST(ToUtf8, IsIdempotentOnAnything) {
  const std::string once = to_utf8(all_bytes());
  EXPECT_EQ(to_utf8(once), once);
}

TEST(ToPrintable, LeavesNoControlCharacterToATerminal) {
  EXPECT_EQ(to_printable("a\x1b[31mb"), "a\\x1b[31mb");
  EXPECT_EQ(to_printable("tab\tline\n"), "tab\tline\n");
  EXPECT_EQ(to_printable("\r\x7f\x80"), "\\x0d\\x7f\\x80");
  EXPECT_EQ(to_printable("\xC2\x9B"), "\\xc2\\x9b") << "CSI as one character";
  EXPECT_EQ(to_printable(std::string("\0", 1)), "\\x00");
}

TEST(ToLine, IsOneLine) { EXPECT_EQ(to_line("a\nb\tc\r\x1b"), "a b c\\x0d\\x1b"); }

TEST(ToMarkup, AnyBytesMakeAWellFormedDocument) {
  const std::string document = "<r a=\"" + to_markup(all_bytes()) + "\">" + to_markup(all_bytes()) +
                               to_markup("\xEF\xBF\xBE\xEF\xBF\xBF") + "</r>";
  EXPECT_EQ(testing::xml_problem(document), "");
}

TEST(ToMarkup, EscapesMarkup) {
  EXPECT_EQ(to_markup("<a href=\"x\">&'"), "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
}

TEST(XmlChecker, RejectsWhatAParserWould) {
  for (const char* bad : {"<a>", "<a></b>", "<a/><b/>", "<a>&</a>", "<a b=c/>", "<a b=\"<\"/>",
                          "<a>\x01</a>", "x<a/>", "<a b=\"&nope;\"/>", ""}) {
    EXPECT_NE(testing::xml_problem(bad), "") << bad;
  }
}

TEST(ToFileName, StaysInsideItsFolder) {
  EXPECT_EQ(to_file_name("../../etc/passwd"), "_._.._etc_passwd");
  EXPECT_EQ(to_file_name("."), "_");
  EXPECT_EQ(to_file_name(""), "_");
  EXPECT_EQ(to_file_name("a b\n\xFF"), "a_b__");
  EXPECT_EQ(to_file_name(std::string(500, 'x')).size(), 60u);
}

TEST(WithCommas, GroupsThousands) {
  EXPECT_EQ(with_commas(0), "0");
  EXPECT_EQ(with_commas(999), "999");
  EXPECT_EQ(with_commas(1000), "1,000");
  EXPECT_EQ(with_commas(18446744073709551615u), "18,446,744,073,709,551,615");
}

}  // namespace
}  // namespace kqtorture
