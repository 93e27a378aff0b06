// The rewriting line is cleared before anything else is printed, and never wider than the terminal:
// a line that wraps cannot be rewritten.
#include "cli/progress.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>

#include "report/text.h"

namespace kqtorture {
namespace {

bool is_terminal(FILE* out) {
  const char* kind = std::getenv("TERM");
  return isatty(fileno(out)) == 1 && kind != nullptr && std::strcmp(kind, "dumb") != 0;
}

size_t terminal_width(FILE* out) {
  winsize size{};
  return ioctl(fileno(out), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

}  // namespace

Progress::Progress(FILE* out, double budget)
    : out_(out),
      budget_(budget),
      terminal_(is_terminal(out)),
      begin_(std::chrono::steady_clock::now()) {}

Progress::~Progress() { clear(); }

double Progress::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin_).count();
}

void Progress::show(const std::string& engine, uint64_t operations, size_t findings) {
  if (!terminal_) return;
  char buffer[256];
  std::snprintf(buffer, sizeof buffer, "%4.0f of %.0f s  %-28s %16s operations  %zu found",
                elapsed(), budget_, engine.c_str(), with_commas(operations).c_str(), findings);
  const std::string line = std::string(buffer).substr(0, terminal_width(out_) - 1);
  std::fprintf(out_, "\r%s\033[K", line.c_str());
  std::fflush(out_);
  line_shown_ = true;
}

void Progress::done(const std::string& text) {
  if (terminal_) return;
  std::fprintf(out_, "%6.1f s  %s\n", elapsed(), text.c_str());
  std::fflush(out_);
}

void Progress::say(const std::string& text) {
  clear();
  std::fprintf(out_, "%s\n", text.c_str());
  std::fflush(out_);
}

void Progress::clear() {
  if (!line_shown_) return;
  std::fputs("\r\033[K", out_);
  std::fflush(out_);
  line_shown_ = false;
}

}  // namespace kqtorture
