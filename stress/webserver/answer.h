// What the server says: answers as bytes, and which answer belongs to which request.
#pragma once

#include <string>
#include <string_view>

#include "request_parser.h"

namespace kqtorture::web {

// The phrase of a status that this server uses; "Unknown" for others.
std::string_view phrase_of(int status);

// Appends the answer to a request: GET and HEAD of / and of /bytes/N?id=M (N bytes, and M again as
// X-Id), POST of /echo?id=M. Anything else is told so. close: say that this is the last one.
void append_answer(const Request& request, bool close, std::string* output);

// Appends an answer to what could not be parsed or came too late; it is the last one.
void append_refusal(int status, std::string* output);

void append_continue(std::string* output);

}  // namespace kqtorture::web
