"""Reading a query as a person types it: characters → tokens → tree, and where it went wrong. Pure."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from models.errors import QueryError, QuerySyntaxError
from models.moments import EXAMPLES, parse_moment
from models.query import (
    COMPARISONS,
    EVERYTHING,
    FIELDS,
    Field,
    Language,
    Main,
    Query,
    Ruling,
    Score,
    Since,
    Source,
    Story,
    Topic,
    Until,
    Verdict,
    Words,
    all_of,
    any_of,
    leaves,
    negated,
)
from models.words import IN_PAIRS, sought

MOST_CHARACTERS = 2_000
MOST_PARTS = 64  # words, phrases and conditions
MOST_WORDS = 256  # words as they are indexed: of a script without spaces, about one a letter
MOST_DEPTH = 16  # groups within groups
_MOST_VALUE = 500  # characters of a name
_SHORTEST_PREFIX = 2  # letters: what begins with one letter is a tenth of all there is

_QUOTES = {'"': '"', "“": '”“"', "„": '“”"', "”": '”"', "«": '»"', "»": '«"'}
_RUN = re.compile(r'[^\s()"“”„«»]+')
_SPACE = re.compile(r"\s*")
_FIELD = re.compile(r"([A-Za-z_]+)(>=|<=|>|<|:)")
_ALIASES = {"language": "lang", "topics": "topic", "sources": "source", "body": "text"}
_CODE = re.compile(r"[a-z]{2,3}(?:-[a-z0-9]{2,8})*")
_NUMBER = re.compile(r"\d{1,3}(?:\.\d{1,17})?|\.\d{1,17}", re.ASCII)
_STORY = re.compile(r"\d{1,18}", re.ASCII)
# Times are checked as of then; the longest span back that can be typed stays within the calendar.
_SOME_DAY = datetime(2030, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class _Token:
    """``kind``: "(", ")", "-", "and", "or", "leaf" or "end"."""

    kind: str
    start: int
    end: int
    leaf: Query | None = None


def read(text: str) -> Query:
    """The query of a text. Raises QuerySyntaxError."""
    if len(text) > MOST_CHARACTERS:
        raise QuerySyntaxError(
            text, MOST_CHARACTERS, f"the query has {len(text):,} characters",
            f"at most {MOST_CHARACTERS:,} are read",
        )  # fmt: skip
    return _Reader(text).query()


def read_literal(typed: str) -> Query:
    """Words and "phrases" that all are to be found, whatever else their characters mean in a query."""
    if len(typed) > MOST_CHARACTERS:
        raise QueryError(
            f"the text to find has {len(typed)} characters; at most {MOST_CHARACTERS} are allowed"
        )
    plain = typed.translate({ord(quote): '"' for quote in _QUOTES})
    found = []
    for number, part in enumerate(plain.split('"')):
        # "S-400" typed without quotes means these two words together.
        found += [Words(" ".join(one.split())) for one in ([part] if number % 2 else part.split())]
    wanted = [one for one in found if sought(one.text)]
    if not wanted:
        raise QueryError(f'there is no word to find in {typed!r}: give words, or a "phrase"')
    if len(wanted) > MOST_PARTS or _words(wanted) > MOST_WORDS:
        raise QueryError(f"more than {MOST_PARTS} words to find: leave some out")
    return all_of(*wanted)


def _words(found: list[Words]) -> int:
    return sum(len(form.words) for one in found for form in sought(one.text, prefix=one.prefix))


class _Reader:
    """A recursive descent over the tokens: or → and → not → group or leaf."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._depth = 0
        self._lexer = _Lexer(text)
        self._tokens = self._lexer.tokens()
        self._token = next(self._tokens)

    def query(self) -> Query:
        """The whole of it."""
        if self._token.kind == "end":
            if self._text.strip():
                raise QuerySyntaxError(
                    self._text, 0, "there is no word to find", 'words, a "phrase", or a condition'
                )
            return EVERYTHING
        found = self._any()
        if self._token.kind == ")":
            raise self._wrong("this parenthesis was never opened", 'a "(" before it, or the end')
        self._check(found)
        return found

    def _any(self) -> Query:
        parts = [self._all()]
        while self._token.kind == "or":
            self._next()
            parts.append(self._all())
        return any_of(*parts)

    def _all(self) -> Query:
        parts = [self._one()]
        while True:
            if self._token.kind == "and":
                self._next()
            elif self._token.kind not in {"leaf", "-", "("}:
                return all_of(*parts)
            parts.append(self._one())

    def _one(self) -> Query:
        token = self._token
        if token.kind == "-":
            self._next()
            self._enter(token)
            part = self._one()
            self._depth -= 1
            return negated(part)
        if token.kind == "(":
            self._next()
            self._enter(token)
            part = self._any()
            if self._token.kind != ")":
                raise self._wrong("this parenthesis is not closed", 'a ")" for it', token)
            self._depth -= 1
            self._next()
            return part
        if token.leaf is not None:
            self._next()
            return token.leaf
        what = {"end": "the query ends here", ")": "there is nothing before this parenthesis"}.get(
            token.kind, f"{self._text[token.start : token.end]} has nothing before it"
        )
        raise self._wrong(what, 'a word, a "phrase", a condition or a group in parentheses')

    def _enter(self, token: _Token) -> None:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise self._wrong("groups are nested too deep here", f"at most {MOST_DEPTH} levels", token)

    def _next(self) -> None:
        self._token = next(self._tokens)

    def _check(self, query: Query) -> None:
        words = [leaf for leaf in leaves(query) if isinstance(leaf, Words)]
        if _words(words) > MOST_WORDS:
            raise QuerySyntaxError(self._text, 0, "there are too many words to find", f"at most {MOST_WORDS}")

    def _wrong(self, problem: str, expected: str, token: _Token | None = None) -> QuerySyntaxError:
        return QuerySyntaxError(self._text, (token or self._token).start, problem, expected)


class _Lexer:
    """Cuts a query into tokens. A run of characters in which there is no word is passed over."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._parts = 0

    def tokens(self) -> Iterator[_Token]:
        """All tokens, then "end" without end."""
        place = 0
        while (place := self._skip(place)) < len(self._text):
            char = self._text[place]
            if char in "()":
                token: _Token | None = _Token(char, place, place + 1)
                end = place + 1
            elif char == "-" and self._skip(place + 1) == place + 1 < len(self._text):
                token, end = _Token("-", place, place + 1), place + 1
            else:
                token, end = self._word(place)
            if token is not None:
                self._parts += token.kind == "leaf"
                if self._parts > MOST_PARTS:
                    raise self._wrong(
                        place, "there are too many parts", f"at most {MOST_PARTS} words and conditions"
                    )
                yield token
            place = end
        while True:
            yield _Token("end", len(self._text), len(self._text))

    def _skip(self, place: int) -> int:
        found = _SPACE.match(self._text, place)
        return found.end() if found else place

    def _word(self, place: int) -> tuple[_Token | None, int]:
        """A phrase, an operator, a condition or a word."""
        if self._text[place] in _QUOTES:
            phrase, end = self._phrase(place)
            return _Token("leaf", place, end, self._found(place, phrase, Field.ANYWHERE, quoted=True)), end
        found = _RUN.match(self._text, place)
        assert found is not None  # neither a space, a parenthesis nor a quote
        run, end = found[0], found.end()
        if run in {"AND", "OR"}:
            return _Token(run.lower(), place, end), end
        if run == "NOT":
            return _Token("-", place, end), end
        condition = self._condition(place, run, end)
        if condition is not None:
            return condition, condition.end
        if not sought(run):
            self._refuse_negated(place)
            return None, end
        return _Token("leaf", place, end, self._found(place, run, Field.ANYWHERE)), end

    def _refuse_negated(self, place: int) -> None:
        if place and self._text[place - 1] == "-":
            raise self._wrong(place, "there is no word to find here", "something to leave out")

    def _condition(self, place: int, run: str, end: int) -> _Token | None:
        """``field:value``; None where the run is text."""
        found = _FIELD.match(run)
        if found is None:
            return None
        name = found[1].lower()
        name = _ALIASES.get(name, name)
        begin, rest = place + found.end(), run[found.end() :]
        known = name in FIELDS
        if not known and (found[2] != ":" or rest.startswith("//")):
            return None  # "a<b", or an address
        quoted = not rest and end < len(self._text) and self._text[end] in _QUOTES
        if not known:
            if not rest and not quoted:
                return None  # "Note: …"
            raise self._wrong(place, f'there is no condition "{found[1]}:"', _suggestion(found[1]))
        if quoted:
            rest, end = self._phrase(end)
        comparison = found[2]
        if name == "score" and comparison == ":":
            comparison = next((one for one in COMPARISONS if rest.startswith(one)), ":")
            rest = rest.removeprefix(comparison)
        elif name != "score" and comparison != ":":
            raise self._wrong(begin - len(comparison), f'"{name}" is not compared', FIELDS[name])
        if not rest.strip():
            raise self._wrong(begin, f'"{name}:" has no value', f"{FIELDS[name]}, without a space")
        value = " ".join(rest.split())
        if name in {"title", "text"}:
            leaf: Query = self._found(begin, value, Field(name), quoted=quoted)
        else:
            leaf = self._leaf(begin, name, comparison, value)
        return _Token("leaf", place, end, leaf)

    def _leaf(self, place: int, name: str, comparison: str, value: str) -> Query:
        if len(value) > _MOST_VALUE:
            raise self._wrong(place, f'"{name}:" has a value of {len(value)} characters', FIELDS[name])
        match name:
            case "topic":
                return Topic(value)
            case "source":
                return Source(value)
            case "since" | "until":
                return self._time(place, name, value.lower())
            case "score":
                return self._score(place, comparison, value)
            case "lang" if _CODE.fullmatch(value.lower()):
                return Language(value.lower())
            case "main" if value.lower() in {"yes", "no"}:
                return Main(value.lower() == "yes")
            case "verdict" if value.lower() in set(Ruling):
                return Verdict(Ruling(value.lower()))
            case "story" if _STORY.fullmatch(value):
                return Story(int(value))
        raise self._wrong(place, f'"{_short(value)}" is no value of {name}:', FIELDS[name])

    def _time(self, place: int, name: str, value: str) -> Query:
        try:
            parse_moment(value, _SOME_DAY, end=name == "until")
        except ValueError:
            raise self._wrong(place, f'"{_short(value)}" is no time', EXAMPLES) from None
        return Since(value) if name == "since" else Until(value)

    def _score(self, place: int, comparison: str, value: str) -> Query:
        if not _NUMBER.fullmatch(value) or float(value) > 1:
            raise self._wrong(
                place, f'"{_short(value)}" is no score', "a number from 0 to 1, as in score>0.7"
            )
        return Score(">=" if comparison == ":" else comparison, float(value))

    def _found(self, place: int, typed: str, field: Field, *, quoted: bool = False) -> Words:
        text = typed.rstrip("* ")
        prefix = text != typed
        if "*" in text and not quoted:
            raise self._wrong(
                place + typed.index("*"), 'a "*" may only end a word', "sanction*, or quotes around it"
            )
        forms = sought(text, prefix=prefix)
        if not forms:
            raise self._wrong(place, f'there is no word to find in "{_short(typed)}"', "letters or digits")
        begun = forms[-1].words[-1]
        if prefix and len(begun) < _SHORTEST_PREFIX and not IN_PAIRS.match(begun):
            raise self._wrong(place, f'"{_short(typed)}" is too short', 'two letters or more before a "*"')
        return Words(text, prefix, field)

    def _phrase(self, place: int) -> tuple[str, int]:
        r"""What stands between quotes, with ``\"`` and ``\\`` resolved, and where it ends."""
        closing = _QUOTES[self._text[place]]
        said: list[str] = []
        at = place + 1
        while at < len(self._text):
            char = self._text[at]
            if char in closing:
                return " ".join("".join(said).split()), at + 1
            if char == "\\" and self._text[at + 1 : at + 2] in {'"', "\\"}:
                at += 1
                char = self._text[at]
            said.append(char)
            at += 1
        raise self._wrong(place, "this quote is not closed", f"a {closing[0]} at the end of the phrase")

    def _wrong(self, place: int, problem: str, expected: str) -> QuerySyntaxError:
        return QuerySyntaxError(self._text, place, problem, expected)


def _suggestion(name: str) -> str:
    close = difflib.get_close_matches(name.lower(), FIELDS, n=1)
    if close:
        return f'"{close[0]}:", or quotes around it to find it as text'
    return f"one of {', '.join(FIELDS)}, or quotes around it to find it as text"


def _short(text: str) -> str:
    return text if len(text) <= 40 else f"{text[:39]}…"  # noqa: PLR2004
