// llhttp calls plain functions, from a table of them.
#pragma once

#include <llhttp.h>

namespace kqtorture::web {

// The table of Callbacks, whose static functions have these names; those of a request alone may be
// missing.
template <typename Callbacks>
const llhttp_settings_t* http_settings() {
  static const llhttp_settings_t all = [] {
    llhttp_settings_t made;
    llhttp_settings_init(&made);
    made.on_message_begin = Callbacks::begin;
    if constexpr (requires { Callbacks::url; }) made.on_url = Callbacks::url;
    made.on_header_field = Callbacks::field;
    if constexpr (requires { Callbacks::field_end; }) {
      made.on_header_field_complete = Callbacks::field_end;
    }
    made.on_header_value = Callbacks::value;
    made.on_header_value_complete = Callbacks::value_end;
    made.on_headers_complete = Callbacks::fields_end;
    made.on_body = Callbacks::body;
    made.on_message_complete = Callbacks::complete;
    return made;
  }();
  return &all;
}

}  // namespace kqtorture::web
