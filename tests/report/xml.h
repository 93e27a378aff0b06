// Just enough of an XML parser to say whether a document is well-formed, and what its text was.
#pragma once

#include <string>

namespace kqtorture::testing {

// Empty when the document is well-formed XML 1.0 (one root element, balanced tags, quoted
// attributes, known entities, allowed characters); else what is wrong and where.
std::string xml_problem(const std::string& document);

}  // namespace kqtorture::testing
