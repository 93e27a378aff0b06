// What a JSON of ours says of itself, in "format" and "format_version", so that nobody takes one
// kind for another and a reader knows what it can rely on. docs/schema/ has a JSON Schema for each.
//
// A version grows when a reader of the old one would misread the new one: a member gone, another
// type, another meaning. A new member alone is no new version.
#pragma once

namespace kqtorture {

struct JsonFormat {
  const char* name;
  int version;
};

inline constexpr JsonFormat kFindingFormat = {"kqtorture finding", 1};
inline constexpr JsonFormat kResultsFormat = {"kqtorture results", 1};  // of a campaign
inline constexpr JsonFormat kRunFormat = {"kqtorture run", 1};
inline constexpr JsonFormat kExploreFormat = {"kqtorture explore", 1};
inline constexpr JsonFormat kSweepFormat = {"kq_sweep", 1};
inline constexpr JsonFormat kScoreFormat = {"kqtorture score", 1};
inline constexpr JsonFormat kSurveyFormat = {"kqtorture survey", 1};
inline constexpr JsonFormat kCheckFormat = {"kqtorture check", 1};
inline constexpr JsonFormat kVersionFormat = {"kqtorture version", 1};
inline constexpr JsonFormat kTraceFormat = {"kqtorture trace", 1};  // beside Chrome's own members

}  // namespace kqtorture
