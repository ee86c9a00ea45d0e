"""The topics file: what it may say (`README.md` describes it), and the taxonomy that is made of it."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal, TypeAlias, TypeVar

import msgspec

from service.errors import TopicsError
from service.tagging.compiler import Compiler
from service.tagging.learned import GROUP, WEIGHTS, Phrase, present, read_phrases
from service.tagging.model import load_layer
from service.tagging.rules import parse_rule
from service.tagging.taxonomy import ANY_LANGUAGE, Mask, Place, Rule, Saturation, Taxonomy, Topic
from service.tagging.toml_lines import TomlPath, line_of, toml_lines
from service.tagging.tree import Node, Phrases, RuleError, Word

MAX_FILE = 8 << 20  # bytes
MAX_RULES = 50_000
MAX_TOPICS = 500
MAX_PROBLEMS = 20  # shown at once
MAX_SHOWN = 200  # characters of a rule in a message
DEFAULT_LEAD = 600  # characters; what signals call the lead
_T = TypeVar("_T")
# Part of every hash: raised when the engine gives other tags for the same topics file.
ENGINE = "1"


# -- what the file may say -----------------------------------------------------------------------------

_Name: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
_Language: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^([a-z]{2,3}|any)$")]
# msgspec's bounds refuse NaN, too.
_Weight: TypeAlias = Annotated[float, msgspec.Meta(ge=-20, le=20)]
_Share: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Factor: TypeAlias = Annotated[float, msgspec.Meta(ge=0, le=10)]
_Saturates: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^(log|once|none|cap:[1-9][0-9]{0,2})$")]
_Group: TypeAlias = Annotated[str, msgspec.Meta(max_length=64)]
_Rules: TypeAlias = Annotated[list[str], msgspec.Meta(min_length=1)]


class _MaskBlock(msgspec.Struct, forbid_unknown_fields=True):
    match: _Rules
    language: _Language = ANY_LANGUAGE


class _RuleBlock(msgspec.Struct, forbid_unknown_fields=True):
    match: _Rules
    language: _Language = ANY_LANGUAGE
    weight: _Weight = 1.0
    group: _Group = ""
    place: Place = msgspec.field(default=Place.ANY, name="in")
    saturation: _Saturates | None = None


class _SignalBlock(msgspec.Struct, forbid_unknown_fields=True):
    match: _Rules
    language: _Language = ANY_LANGUAGE
    group: _Group = ""
    place: Place = msgspec.field(default=Place.ANY, name="in")


class _TopicTable(msgspec.Struct, forbid_unknown_fields=True):
    name: _Name
    description: Annotated[str, msgspec.Meta(max_length=2_000)] = ""
    iptc: list[Annotated[str, msgspec.Meta(pattern=r"^medtop:\d{8}$")]] = []
    gdelt: list[Annotated[str, msgspec.Meta(pattern=r"^[A-Z][A-Z0-9_]*$")]] = []
    threshold: _Share = 0.5
    main_threshold: _Share = 0.85
    bias: _Weight = -3.0
    title_factor: _Factor = 2.0
    lead_factor: _Factor = 1.3
    lead: Annotated[int, msgspec.Meta(ge=0, le=10_000)] = 600
    saturation: _Saturates = "log"
    length_exponent: Annotated[float, msgspec.Meta(ge=0, le=2)] = 0.0
    length_reference: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 400
    rules: list[_RuleBlock] = []
    masks: list[_MaskBlock] = []


class _File(msgspec.Struct, forbid_unknown_fields=True):
    format: Literal[1]
    topic: Annotated[list[_TopicTable], msgspec.Meta(min_length=1, max_length=MAX_TOPICS)]
    lists: dict[str, list[str]] = {}
    masks: list[_MaskBlock] = []
    signals: list[_SignalBlock] = []


# -- reading it ----------------------------------------------------------------------------------------


def load_topics(
    path: Path | None = None, weights: Path | None = None, learned: Path | None = None
) -> Taxonomy:
    """The taxonomy of a topics file, with what was learned for its topics.

    Args:
        path: None: the topics that come with the program.
        weights: of the statistical layer; None: those that come with the program, where they know a topic.
        learned: the folder of what this installation learned (`learned`), which may be missing: accepted
            phrases are rules of their topics, and its weights stand in place of the others.

    Raises:
        TopicsError: a file cannot be read or used; the text names each problem's line, topic and reason.
    """
    taxonomy = load_rules(path, learned)
    layer = None
    if learned is not None and present(learned / WEIGHTS):
        layer = load_layer(learned / WEIGHTS, taxonomy.topics)
    layer = layer or load_layer(weights, taxonomy.topics)
    if layer is None:
        return taxonomy
    # Other weights give other labels, so they are another taxonomy.
    both = hashlib.blake2b(f"{taxonomy.hash} {layer.version}".encode(), digest_size=16).hexdigest()
    return replace(taxonomy, layer=layer, hash=both)


def load_rules(path: Path | None = None, learned: Path | None = None) -> Taxonomy:
    """`load_topics` without weights: the rules alone decide."""
    origin = str(path) if path is not None else "topics.toml (packaged)"
    source = path if path is not None else files("service.tagging").joinpath("topics.toml")
    try:
        with source.open("rb") as stream:
            content = stream.read(MAX_FILE + 1)
    except OSError as error:
        raise TopicsError(f"{origin}: cannot be read: {error.strerror or error}") from error
    if len(content) > MAX_FILE:
        raise TopicsError(f"{origin}: larger than {MAX_FILE >> 20} MB")
    try:
        document = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TopicsError(f"{origin}: line {line}: not UTF-8") from error
    return read_topics(document, origin=origin, accepted=read_phrases(learned) if learned else ())


def read_topics(document: str, *, origin: str = "topics", accepted: Iterable[Phrase] = ()) -> Taxonomy:
    """The taxonomy of a topics file's text, with phrases that people accepted. Raises `TopicsError`."""
    try:
        raw = tomllib.loads(document)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise TopicsError(f"{origin}: not valid TOML: {error}") from error
    lines = toml_lines(document)
    try:
        file = msgspec.convert(raw, _File)
    except msgspec.ValidationError as error:
        raise TopicsError(_said(str(error), raw, lines, origin)) from error
    _add_accepted(file, accepted)
    return _Builder(file, lines, origin).taxonomy()


def _add_accepted(file: _File, phrases: Iterable[Phrase]) -> None:
    """Make accepted phrases rules of their topics.

    One whose topic is gone waits for it, as does one in a language that the topic does not cover: a single
    phrase is not enough to judge a language by.
    """
    tables = {table.name: table for table in file.topic}
    languages = {name: {block.language for block in table.rules} for name, table in tables.items()}
    for phrase in phrases:
        covered = languages.get(phrase.topic, set())
        language = phrase.language if phrase.language in covered else ANY_LANGUAGE
        if not phrase.accepted or (language == ANY_LANGUAGE and covered != {ANY_LANGUAGE}):
            continue
        rules = tables[phrase.topic].rules
        if not any(phrase.rule in block.match and block.language == language for block in rules):
            rules.append(_RuleBlock([phrase.rule], language, phrase.weight, GROUP))


_AT = re.compile(r" - at `(?:key in )?\$(.*?)`$", re.DOTALL)
_UNKNOWN = re.compile(r"unknown field `(.*?)`")


def _said(message: str, raw: Mapping[str, object], lines: Mapping[TomlPath, int], origin: str) -> str:
    """msgspec's message with the line, the topic and the file's own words."""
    path: TomlPath = ()
    if where := _AT.search(message):
        steps = re.findall(r"\.([\w-]+)|\[(\d+)\]|\[(\.\.\.)\]", where.group(1))
        path = tuple(name or (int(index) if index else dots) for name, index, dots in steps)
        message = message[: where.start()]
    line = line_of(lines, path)
    if unknown := _UNKNOWN.search(message):
        line = line_of(lines, (*path, unknown.group(1)))
        message = f"unknown key {unknown.group(1)!r}"
    names = [step for step in path if isinstance(step, str) and step != "..."]
    key = f"{names[-1]}: " if names and not message.startswith("unknown") else ""
    return f"{origin}: line {line}: {_topic_at(raw, path)}{key}{message}"


def _topic_at(raw: Mapping[str, object], path: TomlPath) -> str:
    """``topic "arms": `` for a path inside a topic that has a name."""
    topics = raw.get("topic")
    if len(path) > 1 and path[0] == "topic" and isinstance(topics, list) and isinstance(path[1], int):
        topic = topics[path[1]]
        if isinstance(topic, dict) and isinstance(topic.get("name"), str):
            return f'topic "{topic["name"]}": '
    return ""


class _Builder:
    """Checks what a schema cannot and makes the taxonomy, gathering every problem on the way."""

    def __init__(self, file: _File, lines: Mapping[TomlPath, int], origin: str) -> None:
        self._file = file
        self._lines = lines
        self._origin = origin
        self._problems: list[tuple[int, str]] = []
        self._lists: dict[str, Phrases | None] = {}  # None while one is being read
        self._compilers: dict[str, Compiler] = {}
        self._rules: list[Rule] = []
        self._masks: list[Mask] = []

    def taxonomy(self) -> Taxonomy:
        """The taxonomy; raises `TopicsError` with every problem found."""
        for name in self._file.lists:
            self._check(None, ("lists", name), partial(self._list, name))
        self._add_masks(None, self._file.masks, ())
        for position, block in enumerate(self._file.signals):
            signal = _RuleBlock(block.match, block.language, 0.0, block.group, block.place)
            self._add_rules(None, signal, ("signals", position))
        topics = [self._topic(table, ("topic", index)) for index, table in enumerate(self._file.topic)]
        self._names(topics)
        if len(self._rules) > MAX_RULES:
            self._problem(1, None, f"{len(self._rules)} rules, at most {MAX_RULES} are allowed")
        if self._problems:
            raise TopicsError(self._report())
        return Taxonomy(
            topics=tuple(topics),
            rules=tuple(self._rules),
            masks=tuple(self._masks),
            hash=_hash(self._file),
            origin=self._origin,
        )

    def _problem(self, line: int, topic: str | None, reason: str) -> None:
        where = f'topic "{topic}": ' if topic is not None else ""
        self._problems.append((line, f"{self._origin}: line {line}: {where}{reason}"))

    def _report(self) -> str:
        problems = [text for _, text in sorted(self._problems)]
        more = len(problems) - MAX_PROBLEMS
        return "\n".join(problems[:MAX_PROBLEMS] + ([f"… and {more} more"] if more > 0 else []))

    def _check(self, topic: str | None, path: TomlPath, work: Callable[[], _T]) -> _T | None:
        """What ``work`` gives, or a problem at the path's line."""
        try:
            return work()
        except RuleError as error:
            self._problem(line_of(self._lines, path), topic, str(error))
            return None

    def _list(self, name: str) -> Phrases:
        """The phrases of a named list, which may use other lists."""
        if name not in self._file.lists:
            known = ", ".join(sorted(self._file.lists)) or "none"
            raise RuleError(f"there is no list {{{name}}} (lists: {known})")
        if name in self._lists:
            phrases = self._lists[name]
            if phrases is None:
                raise RuleError(f"the list {{{name}}} contains itself")
            return phrases
        if not self._file.lists[name]:
            raise RuleError(f"the list {{{name}}} is empty")
        self._lists[name] = None
        sequences: dict[tuple[Word, ...], None] = {}
        try:
            for entry in self._file.lists[name]:
                node = parse_rule(entry, self._list)
                sequences.update(dict.fromkeys(_only_phrases(node, name, entry).sequences))
        except RuleError:
            del self._lists[name]
            raise
        phrases = self._lists[name] = Phrases(tuple(sequences), shared=True)
        return phrases

    def _parsed(self, topic: str | None, language: str, text: str, path: TomlPath) -> Node | None:
        """A rule's tree; its language's compiler counts what it stands for, which is bounded, too."""

        def work() -> Node:
            try:
                node = parse_rule(text, self._list)
                self._compilers.setdefault(language, Compiler(language)).check(node)
            except RuleError as error:
                shown = text if len(text) <= MAX_SHOWN else text[:MAX_SHOWN] + "…"
                raise RuleError(f"rule {shown!r}: {error}") from error
            return node

        return self._check(topic, path, work)

    def _add_masks(self, topic: str | None, blocks: list[_MaskBlock], path: TomlPath) -> None:
        for position, block in enumerate(blocks):
            for index, text in enumerate(block.match):
                at = (*path, "masks", position, "match", index)
                node = self._parsed(topic, block.language, text, at)
                if node is not None:
                    self._masks.append(Mask(topic, block.language, text, line_of(self._lines, at), node))

    def _add_rules(
        self, topic: _TopicTable | None, block: _RuleBlock, path: TomlPath, seen: dict[str, int] | None = None
    ) -> None:
        name = topic.name if topic is not None else None
        saturation = block.saturation or (topic.saturation if topic is not None else "none")
        kind, _, cap = saturation.partition(":")
        for index, text in enumerate(block.match):
            at = (*path, "match", index)
            node = self._parsed(name, block.language, text, at)
            if node is None:
                continue
            rule = Rule(
                index=len(self._rules),
                topic=name,
                language=block.language,
                group=block.group,
                weight=block.weight,
                text=text,
                line=line_of(self._lines, at),
                place=block.place,
                saturation=Saturation(kind, float(cap or 0)),
                lead=topic.lead if topic is not None else DEFAULT_LEAD,
                node=node,
            )
            self._rules.append(rule)
            if seen is not None and seen.setdefault(rule.key, rule.line) != rule.line:
                self._problem(rule.line, name, f"rule {text!r} stands already in line {seen[rule.key]}")

    def _topic(self, table: _TopicTable, path: TomlPath) -> Topic:
        line = line_of(self._lines, path)
        if table.main_threshold < table.threshold:
            at = line_of(self._lines, (*path, "main_threshold"))
            self._problem(at, table.name, "main_threshold is below threshold")
        if not table.rules:
            self._problem(line, table.name, "the topic has no rules")
        seen: dict[str, int] = {}
        for position, block in enumerate(table.rules):
            self._add_rules(table, block, (*path, "rules", position), seen)
        self._add_masks(table.name, table.masks, path)
        return Topic(
            name=table.name,
            description=table.description,
            iptc=tuple(table.iptc),
            gdelt=tuple(table.gdelt),
            threshold=table.threshold,
            main_threshold=table.main_threshold,
            bias=table.bias,
            title_factor=table.title_factor,
            lead_factor=table.lead_factor,
            lead=table.lead,
            length_exponent=table.length_exponent,
            length_reference=table.length_reference,
            languages=frozenset(block.language for block in table.rules) - {ANY_LANGUAGE},
            line=line,
        )

    def _names(self, topics: list[Topic]) -> None:
        first: dict[str, Topic] = {}
        for topic in topics:
            other = first.setdefault(topic.name, topic)
            if other is not topic:
                self._problem(topic.line, topic.name, f"the name stands already in line {other.line}")


def _only_phrases(node: Node, name: str, entry: str) -> Phrases:
    if not isinstance(node, Phrases):
        raise RuleError(f"the list {{{name}}} may only hold phrases and lists, not {entry!r}")
    return node


def _hash(file: _File) -> str:
    """BLAKE2b-128 over everything that can change a tag, whatever its order and formatting."""
    raw = msgspec.to_builtins(file)
    for topic in raw["topic"]:
        for key in ("description", "iptc", "gdelt"):
            del topic[key]
    content = json.dumps([ENGINE, _sorted(raw)], sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(content.encode(), digest_size=16).hexdigest()


def _sorted(value: object) -> object:
    """A value with every array in one order: that of its elements' JSON."""
    if isinstance(value, dict):
        return {key: _sorted(item) for key, item in value.items()}
    if isinstance(value, list):
        return sorted((_sorted(item) for item in value), key=lambda item: json.dumps(item, sort_keys=True))
    return value
