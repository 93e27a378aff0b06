// The frame of a litmus file: header, objects, sections. The lines inside a section are
// op_parser's.
#include "scenario/parse.h"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include "scenario/op_parser.h"
#include "scenario/validate.h"

namespace kqtorture {
namespace {

// Where a piece of the program stood, for what the validator has to say about it.
struct Place {
  int line;
  int column;
};

class Parser : public OpParser {
 public:
  using OpParser::OpParser;

  std::optional<ParseError> all() {
    while (token_.kind != Token::kEnd) {
      if (token_.kind == Token::kNewline) {
        advance();
      } else if (!line() || !end_of_line()) {
        return error_;
      }
    }
    if (const auto problem = validate(program_)) return place_of(*problem);
    return std::nullopt;
  }

 private:
  bool end_of_line() {
    if (is(Token::kEnd) || accept(Token::kNewline)) return true;
    return expected("the end of the line");
  }

  bool line() {
    if (!is(Token::kWord)) return expected("a declaration or an operation");
    const Token first = token_;
    if (first.text == "title") return title();
    if (first.text == "profile") return header_word(&program_.profile);
    if (first.text == "expect") return header_word(&program_.expect);
    if (first.text == "setup") return section(Role::kSetup);
    if (first.text == "finally") return section(Role::kFinally);
    if (first.text == "thread") return section(Role::kThread);
    if (const auto kind = object_of_word(first.text)) return declaration(*kind);
    const auto kind = op_of_word(first.text);
    if (!kind) return fail("unknown word " + quoted(first.text));
    if (program_.threads.empty()) {
      return fail("an operation stands under setup, a thread or finally");
    }
    if (++ops_ > limit::kOps) {
      return fail("more than " + std::to_string(limit::kOps) + " operations");
    }
    advance();
    op_places_.push_back({first.line, first.column});
    return operation(*kind, &program_.threads.back().ops.emplace_back());
  }

  bool title() {
    if (!program_.title.empty()) return fail("a second title");
    token_ = lexer_.rest_of_line();
    if (is(Token::kBad)) return fail("");
    if (token_.text.empty()) return fail("the title is empty");
    program_.title = token_.text;
    advance();
    return true;
  }

  bool header_word(std::string* value) {
    const std::string key(token_.text);
    if (!value->empty()) return fail("a second " + key + " line");
    advance();
    std::string_view text;
    if (!word("a word behind " + key, &text)) return false;
    *value = text;
    return true;
  }

  bool section(Role role) {
    const Place place{token_.line, token_.column};
    advance();
    Thread thread{.role = role, .name = {}, .ops = {}};
    if (role == Role::kThread && !new_name("the thread's name", &thread.name)) return false;
    if (program_.threads.size() > limit::kThreads + 2) {
      return fail("more than " + std::to_string(limit::kThreads) + " threads");
    }
    program_.threads.push_back(std::move(thread));
    thread_places_.push_back(place);
    return true;
  }

  bool new_name(std::string_view what, Name* name) {
    if (!is(Token::kWord)) return expected(what);
    if (!is_name(token_.text)) {
      return fail("a name is letters, digits and _, not " + quoted(token_.text));
    }
    if (token_.text.size() > limit::kNameBytes) {
      return fail("a name has at most " + std::to_string(limit::kNameBytes) + " characters");
    }
    *name = Name(token_.text);
    advance();
    return true;
  }

  bool declaration(ObjectKind kind) {
    if (!program_.threads.empty()) return fail("objects are declared before the first thread");
    if (program_.objects.size() == limit::kObjects) {
      return fail("more than " + std::to_string(limit::kObjects) + " objects");
    }
    object_places_.push_back({token_.line, token_.column});
    advance();
    const Token name = token_;
    Object object{.kind = kind, .name = {}, .value = 0};
    if (!new_name("the object's name", &object.name)) return false;
    for (const Object& other : program_.objects) {
      if (!(other.name == object.name)) continue;
      return fail_at(name.line, name.column,
                     "the name " + std::string(name.text) + " is declared twice");
    }
    if (kind == ObjectKind::kFile && !number("the file's size", &object.value)) return false;
    const bool ident = kind == ObjectKind::kUser || kind == ObjectKind::kTimer;
    if (ident && !number("the ident", &object.value)) return false;
    if (kind == ObjectKind::kSignal && !signal(&object.value)) return false;
    program_.objects.push_back(object);
    return true;
  }

  bool signal(int64_t* value) {
    *value = is(Token::kWord) ? signal_of_word(token_.text) : -1;
    if (*value < 0) return expected("USR1, USR2, URG, WINCH, or RT1 to RT12");
    advance();
    if (!is_word("handled")) return true;
    *value += kHandled;
    advance();
    return true;
  }

  ParseError place_of(const Problem& problem) const {
    Place place{1, 1};
    const auto index = [](int number) { return static_cast<size_t>(number); };
    if (problem.object != Problem::kNone) place = object_places_[index(problem.object)];
    if (problem.thread != Problem::kNone) place = thread_places_[index(problem.thread)];
    if (problem.op != Problem::kNone) {
      size_t op = index(problem.op);
      for (size_t t = 0; t < index(problem.thread); t++) op += program_.threads[t].ops.size();
      place = op_places_[op];
    }
    return {place.line, place.column, problem.reason};
  }

  size_t ops_ = 0;
  std::vector<Place> object_places_;
  std::vector<Place> thread_places_;
  std::vector<Place> op_places_;
};

}  // namespace

std::string ParseError::text(std::string_view file) const {
  return std::string(file) + ":" + std::to_string(line) + ":" + std::to_string(column) + ": " +
         reason;
}

std::optional<ParseError> parse(std::string_view text, Program* program) {
  *program = Program{};
  if (text.size() > limit::kTextBytes) {
    return ParseError{1, 1, "longer than " + std::to_string(limit::kTextBytes) + " bytes"};
  }
  return Parser(text, program).all();
}

std::optional<Program> load_program(const std::string& path, std::string* error) {
  const std::unique_ptr<FILE, int (*)(FILE*)> file(fopen(path.c_str(), "rb"), fclose);
  if (!file) {
    *error = path + ": " + strerror(errno);
    return std::nullopt;
  }
  // One byte more than is allowed, so that parse() sees that it is too long.
  std::string text(limit::kTextBytes + 1, '\0');
  text.resize(fread(text.data(), 1, text.size(), file.get()));
  if (ferror(file.get())) {
    *error = path + ": " + strerror(errno);
    return std::nullopt;
  }
  Program program;
  if (const auto failure = parse(text, &program)) {
    *error = failure->text(path);
    return std::nullopt;
  }
  return program;
}

}  // namespace kqtorture
