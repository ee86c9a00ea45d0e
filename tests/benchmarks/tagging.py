"""Articles of 500 words a second on one core: ``python -m tests.benchmarks.tagging``.

Beside the rules stand a plain ``re`` alternation of the same phrases and a bag-of-words classifier, timed in
the same minute: ratios hold from machine to machine, microseconds do not. The articles are made here, or with
``--texts FILE`` taken from JSON lines with ``title`` and ``text``.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random
from typing import TypeAlias

from service.tagging import Tagger, Taxonomy, load_topics, read_topics
from service.tagging.compiler import Compiler

WORDS = 500
TARGET = 5_000  # articles a second, rules alone
MOST_FOR_A_DOUBLING = 40  # microseconds an article
DOUBLINGS = (1_000, 2_000, 4_000, 8_000, 16_000, 32_000)  # phrases
ROUNDS = 15
MOST_MEMORY = 50  # MB of compiled rules

Article: TypeAlias = tuple[str, str]

COMMON = """
the of to and in a is that for it as was with be by on not he his but at are this have from or had an they
which one you were her all she there would their we him been has when who will more no if out so said what
up its about into than them can only other new some could time these two may then do first any my now such
like our over man me even most made after also did many before must through back years where much your way
well down should because each just those people how too little state good very make world still own see men
work long get here between both life being under never day same another know while last might us great old
year off come since against go came right used take three
""".split()  # noqa: SIM905 (a page of words reads better than a list of strings)
OTHER = """
season match goal coach club league player score film music album stage novel museum garden school teacher
pupil hospital doctor nurse patient market shares profit bank loan mortgage price shop customer factory worker
union wage strike road bridge train station airport flight hotel beach storm flood river forest farm wheat
milk cattle village mayor council budget tax election candidate vote poll party campaign court judge lawyer
trial jury prison police officer crime victim gun robbery phone software screen battery startup engineer
planet telescope vaccine virus diet recipe kitchen restaurant chef wine fashion dress
""".split()  # noqa: SIM905
TOPICAL = (
    """
sanctions|asset freeze|export controls|travel ban|the Treasury|Russian oil|price cap|embargo|blacklisted firms
missile|air defence systems|arms deal|ammunition|drones|warships|artillery shells|nuclear weapons|fighter jets
foreign minister|peace talks|summit|ambassador|Security Council|joint statement|state visit|ceasefire|envoy
Iran|Moscow|Beijing|North Korea|Kyiv|Washington|the European Union|Israel|Ankara|Tokyo|President Putin
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


def made_articles(count: int, seed: int = 1) -> list[Article]:
    """Articles of 500 words: one in three about the topics, the others about the rest of the news."""
    random = Random(seed)
    zipf = [1 / rank for rank in range(1, len(COMMON) + 1)]
    articles = []
    for number in range(count):
        special = TOPICAL if number % 3 == 0 else OTHER
        words: list[str] = []
        while len(words) < WORDS:
            for _ in range(random.randint(8, 30)):
                words += [random.choice(special)] if random.random() < 0.12 else random.choices(COMMON, zipf)
            words[-1] += random.choice([".", ".", ".", ",", "?", ".\n\n"])
        text = " ".join(words[:WORDS]).replace("\n\n ", "\n\n")
        title = f"{random.choice(special).capitalize()} and {random.choice(special)}"
        articles.append((title, text))
    return articles


def read_articles(path: Path, count: int) -> list[Article]:
    """The first articles of a file that have 500 words, cut there."""
    articles: list[Article] = []
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            pieces = re.findall(r"\s*\S+", row["text"], re.DOTALL)
            if len(pieces) >= WORDS:
                articles.append((row.get("title") or "", "".join(pieces[:WORDS])))
            if len(articles) == count:
                break
    return articles


def cost(work: Callable[[Article], object], articles: Sequence[Article]) -> float:
    """Microseconds of CPU an article takes."""
    started = time.process_time()
    for article in articles:
        work(article)
    return (time.process_time() - started) / len(articles) * 1e6


def phrases_of(taxonomy: Taxonomy) -> list[str]:
    """Every form of every phrase of the English rules, as a keyword list would have them."""
    compiler = Compiler("en")
    for rule in taxonomy.rules:
        if rule.language in ("en", "any"):
            compiler.compile(rule.node)
    return sorted({pattern.literal for pattern in compiler.patterns}, key=len, reverse=True)


def bag_of_words(articles: Sequence[Article]) -> Callable[[Article], list[float]]:
    """A linear classifier of three topics over word counts, as it is written without a library."""
    vocabulary = Counter(word for _, text in articles for word in re.findall(r"\w\w+", text.lower()))
    random = Random(2)
    weights = [{word: random.gauss(0, 1) for word in vocabulary} for _ in range(3)]

    def score(article: Article) -> list[float]:
        counts = Counter(re.findall(r"\w\w+", " ".join(article).lower()))
        logs = {word: 1 + math.log(count) for word, count in counts.items()}
        return [
            1 / (1 + math.exp(-sum(topic.get(word, 0.0) * value for word, value in logs.items()) / 100))
            for topic in weights
        ]

    return score


def compare(articles: Sequence[Article]) -> float:
    """Prints the methods side by side; returns the rules' articles a second."""
    taxonomy = load_topics()
    rules, full = Tagger(taxonomy, layer=None), Tagger(taxonomy)
    phrases = phrases_of(taxonomy)
    alternation = re.compile(r"\b(?:" + "|".join(map(re.escape, phrases)) + r")\b", re.IGNORECASE)
    methods = {
        "rules: tags with evidence": tag_of(rules),
        "rules and the learned layer": tag_of(full),
        "bag of words, no evidence": bag_of_words(articles),
    }
    spent = interleaved(list(methods.values()), articles)
    # The alternation is slow: a few articles, once.
    few = articles[: max(1, len(articles) // 40)]
    spent.append(cost(lambda article: alternation.findall("\n".join(article)), few))
    rows = list(zip([*methods, "re alternation, plain hits"], spent, strict=True))
    print(f"{len(articles)} articles of {WORDS} words, {len(taxonomy.rules)} rules, {len(phrases)} forms")
    print(f"{'':32}{'us/article':>12}{'articles/s':>12}{'x rules':>9}")
    for name, micros in rows:
        print(f"{name:32}{micros:12.0f}{1e6 / micros:12.0f}{micros / spent[0]:9.1f}")
    return 1e6 / spent[0]


def made_phrases(count: int) -> list[str]:
    """Phrases of a common word and a name, most of which no article has: as a list of firms would be."""
    random = Random(3)
    vocabulary = sorted(set(COMMON + OTHER))
    syllables = [one + two for one in "bdfgklmnprstvz" for two in ("a", "e", "i", "o", "u", "an", "er", "ol")]
    phrases: dict[str, None] = {}
    while len(phrases) < count:
        name = "".join(random.choices(syllables, k=random.randint(2, 4)))
        phrases[f"{random.choice(vocabulary)} {name}"] = None
    return list(phrases)


def tag_of(tagger: Tagger) -> Callable[[Article], object]:
    """Tagging as work to be timed."""
    return lambda article: tagger.tag(*article, language="en")


def interleaved(works: Sequence[Callable[[Article], object]], articles: Sequence[Article]) -> list[float]:
    """The cost of several works, in turns, so that a busy moment of the machine falls on all of them."""
    rounds = [[cost(work, articles) for work in works] for _ in range(ROUNDS)]
    return [min(costs) for costs in zip(*rounds, strict=True)]


def doublings(articles: Sequence[Article]) -> float:
    """Prints what more phrases cost; returns the most that a doubling adds, in microseconds an article."""
    phrases = made_phrases(DOUBLINGS[-1])
    spent = interleaved([tag_of(_tagger_of(phrases[:count])) for count in DOUBLINGS], articles)
    print(f"\n{'phrases':>8}{'us/article':>12}{'more':>8}")
    for count, micros, before in zip(DOUBLINGS, spent, [spent[0], *spent], strict=False):
        print(f"{count:8}{micros:12.0f}{micros - before:8.0f}")
    return max(after - before for before, after in itertools.pairwise(spent))


def _tagger_of(phrases: Sequence[str]) -> Tagger:
    rules = json.dumps(phrases)
    topics = f'format = 1\n[[topic]]\nname = "t"\n[[topic.rules]]\nlanguage = "en"\nmatch = {rules}'
    return Tagger(read_topics(topics))


_MEMORY = """
import gc
from service.tagging import Tagger, load_topics
def kilobytes():
    gc.collect()
    lines = open("/proc/self/smaps_rollup").read().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith("Private_Dirty"))
before = kilobytes()
tagger = Tagger(load_topics(), layer=None)
tagger.compile()
print(kilobytes() - before)
"""


def memory() -> float:
    """Megabytes that the compiled rules of all languages take, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", _MEMORY], capture_output=True, text=True, check=True)
    return int(done.stdout) / 1024


def main() -> None:
    """Prints the tables and the targets."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=Path, help="JSON lines with title and text")
    parser.add_argument("--count", type=int, default=300, help="articles (default 300)")
    options = parser.parse_args()
    articles = read_articles(options.texts, options.count) if options.texts else made_articles(options.count)
    if not articles:
        parser.error(f"no article of {WORDS} words in {options.texts}")
    speed = compare(articles)
    added = doublings(articles[:100])
    megabytes = memory()
    print()
    for name, value, target in (
        ("articles a second, rules alone", speed, TARGET),
        ("us more for a doubling of phrases", added, -MOST_FOR_A_DOUBLING),
        ("MB of compiled rules", megabytes, -MOST_MEMORY),
    ):
        met = value >= target if target > 0 else value <= -target
        bound = f"{'at least' if target > 0 else 'at most'} {abs(target)}"
        print(f"{name:36}{value:8.0f}   {bound:16}{'met' if met else 'MISSED'}")


if __name__ == "__main__":
    main()
