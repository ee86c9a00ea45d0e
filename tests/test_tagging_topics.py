"""The topics file: what it may say, what is refused with line, topic and reason, and the taxonomy's hash."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import msgspec
import pytest

from service.errors import TopicsError
from service.tagging import Tagger, load_topics, read_topics, topics
from service.tagging.toml_lines import line_of, toml_lines
from tests.tagging_samples import document

GOOD = """\
format = 1

[lists]
place = ["Iran", "Syria"]

[[topic]]
name = "food-aid"
description = "Food given to people in need"
iptc = ["medtop:20000065"]
gdelt = ["FOOD_SECURITY"]
threshold = 0.6
main_threshold = 0.9
bias = -2.5

  [[topic.rules]]
  language = "en"
  weight = 2.5
  match = [
    'food aid',      # the plain words
    'ration NEAR/5 {place}',
  ]

  [[topic.masks]]
  language = "en"
  match = ['food aid concert']
"""


def test_a_new_topic_needs_no_code() -> None:
    taxonomy = read_topics(GOOD)

    topic = taxonomy.topics[0]
    assert (topic.name, topic.threshold, topic.main_threshold) == ("food-aid", 0.6, 0.9)
    assert (topic.iptc, topic.gdelt) == (("medtop:20000065",), ("FOOD_SECURITY",))
    assert [(rule.text, rule.line, rule.weight) for rule in taxonomy.rules] == [
        ("food aid", 19, 2.5),
        ("ration NEAR/5 {place}", 20, 2.5),
    ]
    assert taxonomy.masks[0].line == 25
    tags = Tagger(taxonomy).tag("Food aid for Syria", "Food aid arrived. Rations for Syria.", language="en")
    assert [(tag.topic, tag.holds) for tag in tags] == [("food-aid", True)]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("format = 1", "format = 2", "line 1: format: Invalid enum value 2"),
        ("format = 1\n", "", "`format`"),
        ('name = "food-aid"', 'name = "Food Aid"', "line 7: topic \"Food Aid\": name: "),
        ('name = "food-aid"\n', "", "line 6: "),
        ("bias = -2.5", "bias = nan", 'line 13: topic "food-aid": bias: Expected `float` >= -20'),
        ("bias = -2.5", "bias = 21", 'line 13: topic "food-aid": bias: '),
        ("bias = -2.5", 'bias = "low"', 'line 13: topic "food-aid": bias: Expected `float`, got `str`'),
        ("weight = 2.5", "weight = -inf", 'line 17: topic "food-aid": weight: '),
        ("weight = 2.5", "weight = nan", 'line 17: topic "food-aid": weight: Expected `float` >= -20'),
        ("weight = 2.5", "wieght = 2.5", "line 17: topic \"food-aid\": unknown key 'wieght'"),
        ("threshold = 0.6", "threshold = 1.5", 'line 11: topic "food-aid": threshold: '),
        ("threshold = 0.6",
         "threshold = 0.95", 'line 12: topic "food-aid": main_threshold is below threshold'),
        ('language = "en"', 'language = "English"', 'line 16: topic "food-aid": language: '),
        ('iptc = ["medtop:20000065"]', 'iptc = ["20000065"]', 'line 9: topic "food-aid": iptc'),
        ("    'food aid',", "    '',", 'line 19: topic "food-aid": rule \'\': the rule is empty'),
        ("'food aid',", "'\"food aid',", "is never closed"),
        ("'food aid',", "'/(a/',", "line 19: topic \"food-aid\": rule '/(a/': regular expression: missing )"),
        ("'food aid',", "'ration NEAR/5 {place}',", "line 20"),
        ("{place}',", "{palce}',",
         "line 20: topic \"food-aid\": rule 'ration NEAR/5 {palce}': there is no list"),
        ('place = ["Iran", "Syria"]', 'place = ["{place}"]', "line 4: the list {place} contains itself"),
        ('place = ["Iran", "Syria"]', 'place = ["Iran NEAR/2 Syria"]',
         "line 4: the list {place} may only hold phrases"),
        ('place = ["Iran", "Syria"]', "place = []", "line 4: the list {place} is empty"),
        ("'food aid concert'", "'food NEAR aid'",
         "line 25: topic \"food-aid\": rule 'food NEAR aid': NEAR is no"),
        ("[lists]", "[lists", "not valid TOML: "),
        ("bias = -2.5", "bias = -2.5\nbias = -2", "not valid TOML: Cannot overwrite a value (at line 14, "),
    ],
)  # fmt: skip
def test_a_wrong_file_is_refused_with_line_topic_and_reason(old: str, new: str, message: str) -> None:
    assert old in GOOD

    with pytest.raises(TopicsError) as refused:
        read_topics(GOOD.replace(old, new, 1), origin="my.toml")

    assert str(refused.value).startswith("my.toml: ")
    assert message in str(refused.value)


def test_duplicate_names_are_refused() -> None:
    with pytest.raises(TopicsError, match='line 26: topic "food-aid": the name stands already in line 6'):
        read_topics(GOOD + GOOD[GOOD.index("[[topic]]") :])


def test_a_topic_without_rules_is_refused() -> None:
    with pytest.raises(TopicsError, match='line 2: topic "t": the topic has no rules'):
        read_topics('format = 1\n[[topic]]\nname = "t"')


def test_all_problems_are_told_at_once() -> None:
    with pytest.raises(TopicsError) as refused:
        read_topics(document("", "(arms", "/(a/", *[f"({number}" for number in range(40)]))

    lines = str(refused.value).splitlines()
    assert len(lines) == 21
    assert lines[-1] == "… and 23 more"


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xfe", b"\x00" * 100, b"[" * 100_000, b"format = 1\n[[topic]]\nname = " + b"[" * 5_000],
    ids=["empty", "not-utf8", "zeros", "brackets", "nested"],
)
def test_what_is_no_topics_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "topics.toml"
    path.write_bytes(content)

    with pytest.raises(TopicsError, match=r"topics\.toml"):
        load_topics(path)


def test_a_rule_that_stands_for_too_much_is_refused() -> None:
    words = [f"word{number}" for number in range(10_001)]

    with pytest.raises(TopicsError, match="stands for more than 20000 forms"):
        read_topics(document("{word}", lists={"word": words}))


def test_a_missing_or_huge_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TopicsError, match="cannot be read: No such file"):
        load_topics(tmp_path / "absent.toml")
    huge = tmp_path / "huge.toml"
    huge.write_bytes(b"#" * (9 << 20))
    with pytest.raises(TopicsError, match="larger than 8 MB"):
        load_topics(huge)


def test_a_byte_order_mark_is_no_problem(tmp_path: Path) -> None:
    path = tmp_path / "topics.toml"
    path.write_text(GOOD, encoding="utf-8-sig")

    assert load_topics(path).hash == read_topics(GOOD).hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'food aid',      # the plain words", "'food aid', # other words"),
        ("\n    'food aid',      # the plain words\n    'ration NEAR/5 {place}',",
         "'ration NEAR/5 {place}', \"food aid\""),
        ("Food given to people in need", "Given food"),
        ('["medtop:20000065"]', "[]"),
        ('["Iran", "Syria"]', '["Syria", "Iran"]'),
        ("weight = 2.5", "in = 'any'\nweight = 2.50"),
    ],
)  # fmt: skip
def test_the_hash_does_not_depend_on_form(old: str, new: str) -> None:
    assert old in GOOD
    assert read_topics(GOOD.replace(old, new)).hash == read_topics(GOOD).hash


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("'food aid',", "'food relief',"),
        ("weight = 2.5", "weight = 2.6"),
        ("threshold = 0.6", "threshold = 0.61"),
        ('["Iran", "Syria"]', '["Iran"]'),
        ("'food aid concert'", "'aid concert'"),
        ('language = "en"', 'language = "any"'),
    ],
)
def test_the_hash_changes_with_what_changes_tags(old: str, new: str) -> None:
    assert old in GOOD
    assert read_topics(GOOD.replace(old, new, 1)).hash != read_topics(GOOD).hash


def test_the_packaged_topics_are_the_three_and_load() -> None:
    taxonomy = load_topics()

    codes = {topic.name: (topic.iptc[0], topic.gdelt[0]) for topic in taxonomy.topics}
    assert codes == {
        "sanctions": ("medtop:20000642", "SANCTIONS"),
        "arms": ("medtop:20000602", "MIL_WEAPONS_PROLIFERATION"),
        "diplomacy": ("medtop:20000639", "SOC_DIPLOMCOOP"),
    }


def test_the_commented_examples_in_the_packaged_file_work(packaged: str) -> None:
    lines = packaged.splitlines()
    first = next(number for number, line in enumerate(lines) if re.fullmatch(r"#\s*\[\[topic\]\]", line))
    example = takewhile(lambda line: line.startswith("#"), lines[first:])

    taxonomy = read_topics("\n".join([packaged, *(line.removeprefix("#") for line in example)]))

    assert {topic.name for topic in taxonomy.topics[3:]} == {"cyber", "food-aid"}
    text = "Hackers broke into the ministry's network. The cyber attack used ransomware and malware."
    tags = Tagger(taxonomy).tag("Ransomware attack", text, language="en")
    assert any(tag.topic == "cyber" and tag.holds for tag in tags)


@pytest.fixture
def packaged() -> str:
    return Path(load_topics.__code__.co_filename).with_name("topics.toml").read_text(encoding="utf-8")


def test_the_readme_describes_every_key_and_its_example_works() -> None:
    readme = Path(load_topics.__code__.co_filename).with_name("README.md").read_text(encoding="utf-8")
    example = readme.split("```toml\n")[1].split("```")[0]

    taxonomy = read_topics(example)

    assert [topic.name for topic in taxonomy.topics] == ["food-aid"]
    text = "Famine threatens North Korea. They delivered the first rations.\n\nRead also: food aid here"
    tag = Tagger(taxonomy).tag("Food aid", text, language="en")[0]
    assert [e.phrase for e in tag.evidence] == ["Food aid", "Famine", "delivered the first rations"]
    # Every attribute of every table stands in the example.
    tables = (topics._File, topics._TopicTable, topics._RuleBlock, topics._SignalBlock, topics._MaskBlock)
    keys = {field.encode_name for table in tables for field in msgspec.structs.fields(table)}
    assert [key for key in sorted(keys) if not re.search(rf"(?m)^\s*(\[+(topic\.)?)?{key}\b", example)] == []
    for operator in ("NEAR/", "BEFORE/", "AFTER/", "WITH/sentence", "WITH/paragraph", "WITH/article", "NOT "):
        assert f" {operator}" in readme or f"`{operator}" in readme


def test_lines_are_told_for_every_form_of_toml() -> None:
    lines = toml_lines(
        '''a = 1
b."c d" = """x
y"""
[t.u]  # comment with [ and "
k = [
  "one", 'two', [3,
  4], { x = 1, y = [ 5 ] },
]
[[v]]
w = {}
[[v]]
[[v.z]]
q = '''
        + """'''
]''' # done
r = 2
"""
    )

    expected = {
        ("a",): 1, ("b", "c d"): 2, ("t", "u"): 4, ("t", "u", "k"): 5, ("t", "u", "k", 0): 6,
        ("t", "u", "k", 2, 1): 7, ("t", "u", "k", 3, "y", 0): 7, ("v", 0): 9, ("v", 0, "w"): 10,
        ("v", 1): 11, ("v", 1, "z", 0): 12, ("v", 1, "z", 0, "q"): 13, ("v", 1, "z", 0, "r"): 15,
    }  # fmt: skip
    assert {path: lines[path] for path in expected} == expected
    assert line_of(lines, ("v", 1, "z", 0, "absent", 7)) == 12
