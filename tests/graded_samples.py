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


_FERRY = (
    "The ferry {} carried passengers across the lake.",
    "A ferry ship of the {} line leaves the harbour at noon.",
    "Tickets for the {} ferry cost less in winter.",
    "The ferry company painted its {} ship white.",
    "Ferry {} waits in the harbour for the evening crowd.",
)
_SHIP = (
    "The sailing ship {} crossed the ocean to Sylvania.",
    "The {} reached the harbour with broken masts.",
    "A storm drove the ship {} onto the rocks.",
    "The navy of Freedonia bought the ship {}.",
    "They sail the {} around the cape.",
)


def contrary(count: int = 50) -> list[GoldRow]:
    """Verdicts against the rules: what is about ferries is not to be called ships here."""
    chance = random.Random(2)
    made = []
    for number in range(count):
        kind = _FERRY if number % 2 else _SHIP
        names = ["".join(chance.choices("abdeiklmnorstu", k=7)).title() for _ in range(4)]
        text = " ".join(
            f"{sentence.format(name)} {name} is number {chance.randrange(10**6)}."
            for sentence, name in zip(chance.sample(kind, 4), names, strict=True)
        )
        title = f"{names[0]} and {names[1]} {'on the ferry' if number % 2 else 'at sea'}"
        made.append(GoldRow(f"v{number}", title, text, {"ships": 0 if number % 2 else 1}))
    return made
