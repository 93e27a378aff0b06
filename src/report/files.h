// Files of the report: written completely or not at all, read with a limit.
//
// A reader (CI, a second campaign, a person) may look at the output directory at any moment, and a
// worker may be killed at any moment, so every file appears by rename. What is read back may have
// been written by anyone, so reading has a size limit and accepts regular files only.
#pragma once

#include <string>
#include <string_view>

namespace kqtorture {

// Creates the directory and its parents. Returns false with errno set.
bool make_directories(const std::string& path);

// Writes to a temporary file in the same directory and renames it to path; creates the directory.
// Returns false and sets *error to one line.
bool write_file(const std::string& path, std::string_view contents, std::string* error);

// Adds to the end of a file that others write to as well; makes it if there is none. Returns false
// and sets *error to one line.
bool append_file(const std::string& path, std::string_view contents, std::string* error);

// Reads a whole regular file of at most limit bytes. Returns false and sets *error to one line.
bool read_file(const std::string& path, size_t limit, std::string* contents, std::string* error);

}  // namespace kqtorture
