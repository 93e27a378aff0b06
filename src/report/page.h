// The frame of every page: no script, no font, no image, nothing fetched.
#pragma once

#include <string>

namespace kqtorture {

// From <!doctype> to the heading; the page ends with kPageEnd.
std::string page_head(const std::string& title);
inline constexpr char kPageEnd[] = "</body>\n</html>\n";

}  // namespace kqtorture
