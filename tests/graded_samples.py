"""Graded articles made up for tests: two small worlds that rules and weights can tell apart."""

from __future__ import annotations

import random

from service.tagging.gold import GoldRow

TOPICS = """
format = 1

[[signals]]
language = "en"
group = "country"
match = ['Freedonia', 'Sylvania', 'Ruritania']

[[topic]]
name = "ships"
threshold = 0.5

  [[topic.rules]]
  language = "en"
  group = "vessel"
  weight = 1.0
  match = ['ship', 'harbour', 'sail~']
"""

_SEA = (
    "The ship left the harbour of Freedonia at dawn.",
    "Two ships will sail for Sylvania next week.",
    "The captain said the harbour was full of boats.",
    "Ruritania bought a ship with three masts.",
    "Sailors repaired the ship in the harbour.",
)
_LAND = (
    "The train crossed the mountains of Ruritania in the night.",
    "Farmers of Freedonia sold wheat at the market.",
    "The station master waved a red flag.",
    "A bridge was opened by the mayor of Sylvania.",
    "Hikers found an old road in the forest.",
)
_PASSING = "One poster showed a ship."


def rows(count: int = 60, *, seed: int = 3) -> list[GoldRow]:
    """Half of them about ships; every fourth of the others mentions one in passing."""
    chance = random.Random(seed)
    made = []
    for number in range(count):
        about = number % 2 == 0
        sentences = chance.sample(_SEA if about else _LAND, 3) + chance.sample(_LAND, 1)
        if not about and number % 4 == 1:
            sentences.append(_PASSING)
        chance.shuffle(sentences)
        words = " ".join(f"Note {chance.randrange(10**6)} of day {number}." for _ in range(2))
        made.append(
            GoldRow(
                id=f"r{number}",
                title=f"Report number {number} from the {'coast' if about else 'hills'} today",
                text=" ".join([*sentences, words]),
                grades={"ships": 2 if about else 0},
                sure=number % 7 != 0,
                why="made up",
            )
        )
    return made
