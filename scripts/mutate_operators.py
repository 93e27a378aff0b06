"""Which small mistakes could stand in this file of libkq?

Each mistake is one edit of the text: where it begins and ends, and what stands there instead. Where
things are is asked of clang's tree (package python3-clang) and never guessed from the text, except
for the parentheses of a loop, whose parts the tree does not tell apart when one is missing. An edit
that makes no sense does not compile, or compiles to the same code, and is dropped by who asked.

  negate  a condition: of a branch, a loop, a ?:, an operand of && and ||, a bool that is kept or
          returned
  drop    a statement: a call, an assignment, a jump, a branch, a lock
  swap    a lock with the statement before or after it
  move    a statement across an unlock: out of a section or into it
  off     by one: a comparison that takes in its bound, or no longer does, and a number
"""

import collections

from clang.cindex import Config, CursorKind, Index, TranslationUnit

Edit = collections.namedtuple("Edit", "operator begin end text function what")

OPERATORS = ("negate", "drop", "swap", "move", "off")
LOCK = "MutexGuard"
OTHER_BOUND = {"<": "<=", "<=": "<", ">": ">=", ">=": ">"}
LOOPS = (CursorKind.FOR_STMT, CursorKind.WHILE_STMT, CursorKind.DO_STMT,
         CursorKind.CXX_FOR_RANGE_STMT)
JUMPS = (CursorKind.RETURN_STMT, CursorKind.BREAK_STMT, CursorKind.CONTINUE_STMT,
         CursorKind.GOTO_STMT)
# Statements that are neither dropped nor mistaken for an expression.
NOT_DROPPED = (CursorKind.DECL_STMT, CursorKind.COMPOUND_STMT, CursorKind.NULL_STMT,
               CursorKind.CASE_STMT, CursorKind.DEFAULT_STMT, CursorKind.LABEL_STMT,
               CursorKind.SWITCH_STMT)


class CannotParse(Exception):
    """One line that says why."""


def parse(path, flags):
    """The tree of a source. Flags are those it is compiled with; clang knows most of g++'s."""
    unit = Index.create().parse(str(path), args=flags,
                                options=TranslationUnit.PARSE_DETAILED_PROCESSING_RECORD)
    errors = [each for each in unit.diagnostics if each.severity >= 3]
    if errors:
        raise CannotParse(f"{path}:{errors[0].location.line}: {errors[0].spelling}")
    return unit


def use_library(path):
    """Which libclang: a path, or None for the one that the package brings."""
    if path:
        Config.set_library_file(path)


class Finder:
    """The edits of one file."""

    def __init__(self, unit, path, text):
        self.unit, self.path, self.text = unit, str(path), text
        self.edits = []
        self.function = ""

    def all(self):
        for cursor in self.unit.cursor.get_children():
            self.visit(cursor)
        return self.edits

    def is_here(self, cursor):
        return cursor.location.file is not None and cursor.location.file.name == self.path

    def span(self, cursor):
        return cursor.extent.start.offset, cursor.extent.end.offset

    def source(self, cursor):
        begin, end = self.span(cursor)
        return self.text[begin:end]

    def add(self, operator, begin, end, text, what):
        if 0 <= begin < end <= len(self.text) and self.text[begin:end] != text:
            self.edits.append(Edit(operator, begin, end, text, self.function, what))

    def visit(self, cursor):
        kind = cursor.kind
        if kind != CursorKind.NAMESPACE and not self.is_here(cursor):
            return
        outer = self.function
        if cursor.is_definition() and kind in (CursorKind.FUNCTION_DECL, CursorKind.CXX_METHOD,
                                               CursorKind.CONSTRUCTOR, CursorKind.DESTRUCTOR,
                                               CursorKind.FUNCTION_TEMPLATE):
            self.function = cursor.spelling
        children = list(cursor.get_children())
        self.conditions(cursor, children)
        self.bounds(cursor, children)
        if kind == CursorKind.COMPOUND_STMT:
            self.statements(children)
            self.sections(children)
        elif kind in LOOPS or kind == CursorKind.IF_STMT:
            # Of a loop with parts in its head only the body is a statement.
            for child in children[1:] if kind == CursorKind.IF_STMT else children[-1:]:
                self.drop(child, False)
        for child in children:
            self.visit(child)
        self.function = outer

    # negate

    def negate(self, begin, end):
        old = self.text[begin:end]
        if old.strip():
            self.add("negate", begin, end, f"!({old})", f"negated: {old}")

    def conditions(self, cursor, children):
        kind = cursor.kind
        if kind in (CursorKind.IF_STMT, CursorKind.WHILE_STMT, CursorKind.FOR_STMT):
            self.head_of(cursor, children)
        elif kind == CursorKind.DO_STMT and len(children) == 2:
            self.negate(*self.span(children[1]))
        elif kind == CursorKind.CONDITIONAL_OPERATOR:
            self.negate(*self.span(children[0]))
        elif kind == CursorKind.BINARY_OPERATOR and self.operator_of(children)[0] in ("&&", "||"):
            for child in children:
                self.negate(*self.span(child))
        elif kind == CursorKind.RETURN_STMT and children and self.is_bool(children[0]):
            self.negate(*self.span(children[0]))
        elif kind == CursorKind.VAR_DECL and children and self.is_bool(cursor):
            self.negate(*self.span(children[-1]))

    def is_bool(self, cursor):
        return cursor.type.get_canonical().spelling in ("bool", "const bool")

    def head_of(self, cursor, children):
        """A condition in parentheses, perhaps with something before and behind it."""
        begin, end = self.span(cursor)
        at = self.text.find("(", begin, end)
        depth, cuts = 0, [at + 1]
        for i in range(at, end):
            depth += {"(": 1, "{": 1, "[": 1, ")": -1, "}": -1, "]": -1}.get(self.text[i], 0)
            if depth == 0:
                cuts.append(i)
                break
            if depth == 1 and self.text[i] == ";":
                cuts += [i, i + 1]
        parts = list(zip(cuts[::2], cuts[1::2]))
        if cursor.kind == CursorKind.FOR_STMT:
            if len(parts) == 3:
                self.negate(*self.trimmed(*parts[1]))
        elif len(parts) == 2:
            self.negate(*self.trimmed(*parts[1]))
        elif len(parts) == 1:
            declared = self.declared(children)
            if declared is None:
                self.negate(*parts[0])
            else:
                old = self.text[slice(*parts[0])]
                self.add("negate", *parts[0], f"{old}; !{declared}", f"negated: {old}")

    def declared(self, children):
        """The name of a variable that is a condition."""
        first = children[0]
        if first.kind == CursorKind.DECL_STMT:
            first = next(first.get_children(), first)
        return first.spelling if first.kind == CursorKind.VAR_DECL else None

    def trimmed(self, begin, end):
        old = self.text[begin:end]
        return begin + len(old) - len(old.lstrip()), end - len(old) + len(old.rstrip())

    # off by one

    def operator_of(self, children):
        """Between two operands, with where it stands."""
        if len(children) != 2:
            return "", 0, 0
        begin, end = self.trimmed(self.span(children[0])[1], self.span(children[1])[0])
        return self.text[begin:end], begin, end

    def bounds(self, cursor, children):
        if cursor.kind == CursorKind.BINARY_OPERATOR:
            operator, begin, end = self.operator_of(children)
            other = OTHER_BOUND.get(operator)
            if other:
                self.add("off", begin, end, other, f"{operator} for {other}: {self.source(cursor)}")
        elif cursor.kind == CursorKind.INTEGER_LITERAL:
            old = self.source(cursor)
            if old[:1].isdigit():
                line = self.text[self.text.rfind("\n", 0, self.span(cursor)[0]) + 1:]
                where = line[:line.find("\n")].strip()
                self.add("off", *self.span(cursor), f"({old} + 1)", f"{old} and one in: {where}")

    # drop

    def is_lock(self, cursor):
        text = self.source(cursor)
        if cursor.kind == CursorKind.DECL_STMT:
            return LOCK in text.split("(")[0]
        return text.startswith(("pthread_mutex_lock", "pthread_mutex_unlock"))

    def drop(self, cursor, is_last):
        droppable = cursor.kind not in NOT_DROPPED or self.is_lock(cursor)
        returns = cursor.kind == CursorKind.RETURN_STMT and any(True for _ in cursor.get_children())
        # Nothing is defined behind the end of a function that returns something.
        if not droppable or (returns and is_last):
            return
        is_statement = (cursor.kind.is_expression() or cursor.kind in JUMPS or
                        cursor.kind == CursorKind.IF_STMT or cursor.kind in LOOPS or
                        self.is_lock(cursor))
        old = self.source(cursor)
        if not is_statement or not old:
            return
        begin, end = self.span(cursor)
        rest = "{}" if old.endswith("}") else ";" if old.endswith(";") else ""
        behind = self.text[end:end + 1]
        if rest or behind == ";":
            self.add("drop", begin, end, rest, f"dropped: {' '.join(old.split())}")

    def statements(self, children):
        for i, child in enumerate(children):
            self.drop(child, i + 1 == len(children))

    # swap, move

    def whole(self, cursor):
        """With its semicolon."""
        begin, end = self.span(cursor)
        return begin, end + (self.text[end:end + 1] == ";")

    def sections(self, children):
        for first, second in zip(children, children[1:]):
            if self.is_lock(first) or self.is_lock(second):
                self.exchange("swap", first, second, "swapped")
            self.across_block(first, second)
        for i, child in enumerate(children):
            if self.is_lock(child) and i + 2 < len(children):
                self.unlock_before_last(child, children[-1])

    def exchange(self, operator, first, second, what):
        (begin, middle), (next_begin, end) = self.whole(first), self.whole(second)
        a, b = self.text[begin:middle], self.text[next_begin:end]
        self.add(operator, begin, end, b + self.text[middle:next_begin] + a,
                 f"{what}: {' '.join(a.split())[:200]} {' '.join(b.split())[:200]}")

    def across_block(self, block, following):
        """The unlock is the end of a block: its last statement leaves it, the next one enters."""
        if block.kind != CursorKind.COMPOUND_STMT:
            return
        inside = list(block.get_children())
        if not any(self.is_lock(each) for each in inside[:-1]):
            return
        block_end = self.span(block)[1]
        begin, end = self.whole(inside[-1])
        last = self.text[begin:end]
        self.add("move", begin, block_end, self.text[end:block_end] + " " + last,
                 f"behind the unlock: {' '.join(last.split())[:200]}")
        begin, end = self.whole(following)
        entering = self.text[begin:end]
        self.add("move", block_end - 1, end, f"{entering} }}",
                 f"before the unlock: {' '.join(entering.split())[:200]}")

    def unlock_before_last(self, lock, last):
        begin, end = self.span(lock)[0], self.span(last)[0]
        what = " ".join(self.text[slice(*self.whole(last))].split())[:200]
        self.add("move", begin, end, "{ " + self.text[begin:end] + "} ",
                 f"behind the unlock: {what}")
