// The kqtorture command: every engine, finding and report of the suite under one name.
#include "cli/command_line.h"

int main(int argc, char** argv) {
  if (const auto code = kqtorture::explore_instead(argc, argv)) return *code;
  kqtorture::CommandLine line(argc, argv);
  kqtorture::register_torture(&line);
  kqtorture::register_check(&line);
  kqtorture::register_run(&line);
  kqtorture::register_explore(&line);
  kqtorture::register_survey(&line);
  kqtorture::register_diff(&line);
  kqtorture::register_score(&line);
  kqtorture::register_shrink(&line);
  kqtorture::register_replay(&line);
  kqtorture::register_explain(&line);
  kqtorture::register_export(&line);
  kqtorture::register_triage(&line);
  kqtorture::register_version(&line);
  return line.run();
}
