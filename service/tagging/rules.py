"""The rule language: from a rule as a person writes it to a tree. `README.md` has the language in full.

::

    rule     = any { operator any }                  left to right
    operator = [ "NOT" ] ( "NEAR/n" | "BEFORE/n" | "AFTER/n" | "WITH/" unit )
    unit     = "sentence" | "paragraph" | "article"
    any      = phrase { "|" phrase }
    phrase   = item { item }
    item     = word | '"' words '"' | "{" list "}" | "(" rule ")" [ "?" ] | "/" regular expression "/" [ "c" ]

A group inside a phrase holds alternatives only, and a regular expression stands alone; both are checked here.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

import re2

from service.tagging.inflect import Mark
from service.tagging.normalise import fold
from service.tagging.tree import (
    Expression,
    Item,
    Lists,
    Near,
    Node,
    Order,
    Phrases,
    RuleError,
    Unit,
    With,
    Word,
    any_of,
    is_phrase,
    phrase_of,
)

MAX_RULE = 4_000  # characters
MAX_REGEX = 500  # characters
MAX_REGEX_SIZE = 1_000  # instructions of the compiled program
MAX_DISTANCE = 100  # words
MAX_DEPTH = 20  # nested parentheses
MIN_WILDCARD = 3  # letters beside a wildcard; a Hangul syllable counts as two


def parse_rule(text: str, lists: Lists) -> Node:
    """The tree of a rule. ``lists`` gives a named list's phrases. Raises `RuleError`."""
    if not text.strip():
        raise RuleError("the rule is empty")
    if len(text) > MAX_RULE:
        raise RuleError(f"the rule has {len(text)} characters, at most {MAX_RULE} are allowed")
    parser = _Parser(_tokens(text), lists)
    node = parser.rule()
    parser.expect_end()
    return node


class _Token(NamedTuple):
    kind: str
    text: str


_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<near>(?:NOT\s+)?(?:NEAR|BEFORE|AFTER)/\d+(?=[\s()]|$))
  | (?P<with>(?:NOT\s+)?WITH/(?:sentence|paragraph|article)(?=[\s()]|$))
  | (?P<regex>/(?:[^/\\]|\\.)+/c?(?=[\s()|]|$))
  | (?P<quoted>"[^"]*")
  | (?P<list>\{[^{}]*\})
  | (?P<open>\()
  | (?P<close>\)\??)
  | (?P<or>\|)
  | (?P<word>[^\s|()"{}?]+)
    """,
    re.VERBOSE,
)
_MEANT_AS_OPERATOR = re.compile(r"(AND|OR|NOT|NEAR|WITH|BEFORE|AFTER|WITHIN|THEN|UNLESS)(/\w*)?|near/\d+")
_OPERATORS = (
    "NEAR/n, BEFORE/n, AFTER/n, WITH/sentence, WITH/paragraph, WITH/article, each also after NOT, and |"
)


def _tokens(text: str) -> list[_Token]:
    tokens, position = [], 0
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            raise RuleError(_unreadable(text, position))
        kind = str(match.lastgroup)
        if kind == "word" and _MEANT_AS_OPERATOR.fullmatch(match.group()):
            raise RuleError(
                f"{match.group()} is no operator (they are {_OPERATORS}); put it in quotes to mean the word"
            )
        if kind != "space":
            tokens.append(_Token(kind, match.group()))
        position = match.end()
    return tokens


def _unreadable(text: str, position: int) -> str:
    where = f"at character {position + 1}"
    match text[position]:
        case '"':
            return f"a quotation mark {where} is never closed"
        case "{":
            return f"a brace {where} is never closed"
        case "?":
            return f'a "?" {where} may only follow a group: (the|their)? assets'
    return f"{text[position]!r} {where} is not understood"


class _Parser:
    def __init__(self, tokens: list[_Token], lists: Lists) -> None:
        self._tokens = tokens
        self._next = 0
        self._lists = lists
        self._depth = 0

    def _peek(self) -> str:
        return self._tokens[self._next].kind if self._next < len(self._tokens) else "end"

    def _take(self) -> str:
        self._next += 1
        return self._tokens[self._next - 1].text

    def expect_end(self) -> None:
        if self._peek() != "end":
            raise RuleError(f"{self._take()!r} stands where an operator or the end of the rule is expected")

    def rule(self) -> Node:
        left = self._any()
        while self._peek() in ("near", "with"):
            kind, operator = self._peek(), self._take()
            right = self._any()
            left = _near(operator, left, right) if kind == "near" else _with(operator, left, right)
        return left

    def _any(self) -> Node:
        parts = [self._phrase()]
        while self._peek() == "or":
            self._take()
            parts.append(self._phrase())
        return any_of(parts)

    def _phrase(self) -> Node:
        items: list[Item] = []
        while (kind := self._peek()) in ("word", "quoted", "list", "open", "regex"):
            node, optional = self._item(kind, self._take())
            if is_phrase(node):
                items.append(Item(node, optional))
            elif items or optional or self._peek() in ("word", "quoted", "list", "open", "regex"):
                what = "a regular expression" if kind == "regex" else "a group with operators"
                raise RuleError(f"{what} cannot be part of a phrase: put an operator between")
            else:
                return node
        if not items:
            before = self._tokens[self._next].text if self._peek() != "end" else "the end"
            raise RuleError(f"words are missing before {before}")
        return phrase_of(items)

    def _item(self, kind: str, text: str) -> tuple[Node, bool]:
        if kind == "word":
            return Phrases(((_word(text, quoted=False),),)), False
        if kind == "quoted":
            return Phrases((_quoted(text[1:-1]),)), False
        if kind == "list":
            return self._lists(text[1:-1].strip()), False
        if kind == "regex":
            return _expression(text), False
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise RuleError(f"parentheses are nested more than {MAX_DEPTH} deep")
        node = self.rule()
        if self._peek() != "close":
            raise RuleError("a parenthesis is never closed")
        self._depth -= 1
        return node, self._take().endswith("?")


def _quoted(text: str) -> tuple[Word, ...]:
    words = tuple(_word(part, quoted=True) for part in text.split())
    if not words:
        raise RuleError("there is nothing between the quotation marks")
    return words


@lru_cache(maxsize=20_000)  # rules share most of their words
def _word(written: str, *, quoted: bool) -> Word:
    text = written
    cased = text.startswith("^")
    text = text.removeprefix("^")
    mark = Mark.EXACT if quoted else None
    open_left = open_right = False
    if not quoted:
        open_left, open_right = text.startswith("*"), text.endswith("*")
        text = text.strip("*") if open_left or open_right else text
        if text.endswith(("~", "+")):
            mark = Mark.VERB if text.endswith("~") else Mark.NOUN
            text = text[:-1]
        if any(character in text for character in "*~^+"):
            raise RuleError(f"{written}: *, ~, + and ^ may only stand at the ends of a word")
    folded = fold(text)
    if not any(character.isalnum() for character in folded.text):
        raise RuleError(f"{written}: a word needs a letter or digit")
    if open_left or open_right:
        if mark is not None:
            raise RuleError(f"{written}: a wildcard and an inflection exclude each other")
        mark = Mark.EXACT
        size = sum(1 + ("가" <= character <= "힣") for character in folded.text if character.isalnum())
        if size < MIN_WILDCARD:
            raise RuleError(f"{written}: a wildcard needs {MIN_WILDCARD} letters beside it (2 in Hangul)")
    if folded.text != folded.text.strip():
        raise RuleError(f"{written}: a word may not begin or end with a hyphen")
    as_written = folded.cased.replace("-", " ") if cased else None
    return Word(folded.text, mark, as_written, text[:1].isupper(), open_left, open_right)


def _expression(text: str) -> Expression:
    body, _, flag = text[1:].rpartition("/")
    if len(body) > MAX_REGEX:
        raise RuleError(f"the regular expression has {len(body)} characters, at most {MAX_REGEX} are allowed")
    pattern = body.replace("\\/", "/")
    if compile_expression(pattern).search("") is not None:
        raise RuleError("the regular expression matches the empty text")
    return Expression(pattern if flag else f"(?i:{pattern})")


def regex_options() -> re2.Options:
    """RE2's options for every expression here: bounded memory, nothing written to stderr."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = 4 << 20
    return options


def compile_expression(pattern: str) -> re2._Regexp:
    """A regular expression on the linear-time engine. Raises `RuleError` with the engine's reason."""
    try:
        compiled = re2.compile(pattern, regex_options())
    except re2.error as error:
        detail = error.args[0] if error.args else "unreadable"
        reason = detail.decode("utf-8", "replace") if isinstance(detail, bytes) else str(detail)
        raise RuleError(
            f"regular expression: {reason} (RE2 has no look-around and no back-reference)"
        ) from error
    if compiled.programsize > MAX_REGEX_SIZE:
        raise RuleError(
            f"the regular expression is too large: {compiled.programsize} instructions of {MAX_REGEX_SIZE}"
        )
    return compiled


def _near(operator: str, left: Node, right: Node) -> Near:
    name, _, distance = operator.removeprefix("NOT").strip().partition("/")
    # A number of many digits is refused before it is converted.
    if len(distance) > len(str(MAX_DISTANCE)) or int(distance) > MAX_DISTANCE:
        raise RuleError(f"{name}/{distance[:10]}: at most {MAX_DISTANCE} words apart are allowed")
    return Near(left, right, int(distance), Order(name.lower()), operator.startswith("NOT"))


def _with(operator: str, left: Node, right: Node) -> With:
    return With(left, right, Unit(operator.rpartition("/")[2]), operator.startswith("NOT"))
