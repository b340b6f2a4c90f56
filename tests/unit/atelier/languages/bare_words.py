"""Finds words for people that stand in a template or a script and go through no translation."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Final

from jinja2 import Environment, nodes

_TOLD: Final = {"_", "gettext", "ngettext"}
_ATTRIBUTES: Final = {"alt", "title", "placeholder", "label", "summary"} | {
    f"aria-{name}" for name in ("label", "description", "roledescription", "valuetext")
}
_NAMES: Final = {"Atelier"}
_KEYS: Final = {"Enter", "Key"}  # as scripts ask for them
_NO_WORDS: Final = {"script", "style"}
_VALUE: Final = "\ufffc"  # where a template puts something in
_WORD: Final = re.compile(r"[^\W\d_]{2,}")
# A macro may write attributes of a tag that others open.
_WRITTEN: Final = re.compile(rf'([\w{_VALUE}:-]+)="([^"]*)"')
# As a sentence or a label begins, or several words in a row; not a class, an address or a state.
_PROSE: Final = re.compile(r"^\W*[A-Z][a-z]+(?![\w:/-])|[a-z]+ [a-z]+ [a-z]+|^[a-z]+, |[a-z][.?!]$")
_LITERAL: Final = re.compile(r'"((?:[^"\\\n]|\\.)*)"|`((?:[^`\\]|\\.)*)`')
_COMMENT: Final = re.compile(r"^\s*//.*$|(?<=\s)//\s.*$|/\*.*?\*/", re.MULTILINE | re.DOTALL)


def in_template(source: str) -> list[str]:
    """The bare words of a Jinja template, in its HTML and in the strings of its expressions."""
    environment = Environment(extensions=["jinja2.ext.i18n"], autoescape=True)
    html = "".join(
        value if kind == "data" else _VALUE if kind in ("variable_end", "raw_end") else ""
        for _, kind, value in environment.lex(source)
    )
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return [*reader.found, *_literals(environment.parse(source))]


def in_script(source: str) -> list[str]:
    """The bare words of a script: strings that read as prose."""
    found = []
    for double, template in _LITERAL.findall(_COMMENT.sub("", source)):
        text = re.sub(r"\$\{[^}]*\}", _VALUE, double or template)
        if text not in _KEYS and _PROSE.search(text) and not re.search(r"[#\[=<>()]", text):
            found.append(text)
    return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self._silent = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in _NO_WORDS
        for name, value in attrs:
            if name in _ATTRIBUTES:
                self._see(value or "")

    def handle_endtag(self, tag: str) -> None:
        self._silent -= tag in _NO_WORDS

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        for name, value in _WRITTEN.findall(data):
            if name in _ATTRIBUTES:
                self._see(value)
        self._see(_WRITTEN.sub("", data))

    def _see(self, text: str) -> None:
        if set(_WORD.findall(text)) - _NAMES:
            self.found.append(" ".join(text.split()))


def _literals(tree: nodes.Node) -> Iterator[str]:
    told = {
        id(constant)
        for call in tree.find_all(nodes.Call)
        if isinstance(call.node, nodes.Name) and call.node.name in _TOLD
        for constant in call.find_all(nodes.Const)
    }
    for constant in tree.find_all(nodes.Const):
        text = constant.value
        if isinstance(text, str) and id(constant) not in told and _PROSE.search(text):
            yield text
