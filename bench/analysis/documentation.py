"""The part of a page that is measured, between two marks, so that one command renews it and what a
person wrote around it stays."""

import os

from samples import BadInput

BEGIN = "<!-- measured: begin (scripts/bench --update-docs) -->"
END = "<!-- measured: end -->"


def replaced(page, block):
    """The page with its block replaced; BadInput when it has none."""
    begin, end = page.find(BEGIN), page.find(END)
    if begin < 0 or end < begin:
        raise BadInput("the page has no place for what is measured")
    return f"{page[:begin]}{BEGIN}\n\n{block.strip()}\n\n{page[end:]}"


def replace_block(path, block):
    with open(path, encoding="utf-8") as file:
        page = file.read()
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(replaced(page, block))
    os.replace(path + ".new", path)
