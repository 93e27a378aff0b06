/* gtest includes <TargetConditionals.h> on macOS; it needs nothing of it for a Mac. */
