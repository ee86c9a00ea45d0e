"""Learning from the verdicts in the database: what there is to learn from, and where it is kept."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from models import labels
from models import sources as source_store
from models.records import ArticleText, SourceState
from service.tagging.gold import GoldRow
from service.tagging.improve import nothing_learned
from service.tagging.learn import revert, save
from service.tagging.learned import WEIGHTS, present
from service.tagging.model import Model, load_layer, read_model
from service.tagging.script import language_of
from service.tagging.taxonomy import Taxonomy
from service.targets import priors

OTHERS = 400  # articles that nobody judged, of each language in which there are verdicts; the newest
MOST_VERDICTS = 50_000


@dataclass(frozen=True, slots=True)
class Material:
    """What people said of stored articles, and others that they did not speak of."""

    verdicts: tuple[GoldRow, ...]  # a row an article, grades 1 for yes and 0 for no
    others: tuple[GoldRow, ...]
    priors: Mapping[str, Mapping[str, float]]  # by a row's id: what its source makes likelier

    @property
    def said(self) -> int:
        """How many verdicts there are, an article may have several."""
        return sum(len(row.grades) for row in self.verdicts)


def material(taxonomy: Taxonomy) -> Material:
    """The verdicts that stand in the open database, on topics that there are.

    :raises models.errors.StorageError: the database does not answer
    """
    topics = {topic.name for topic in taxonomy.topics}
    grades: defaultdict[int, dict[str, int]] = defaultdict(dict)
    for verdict in labels.verdicts(limit=MOST_VERDICTS):
        if verdict.topic in topics:
            grades[verdict.article_id][verdict.topic] = int(verdict.value > 0)
    judged = labels.texts(list(grades))
    rows = tuple(_row(article, grades[article.article_id]) for article in judged)
    languages = sorted({article.language for article in judged if article.language})
    rest = [article for language in languages for article in labels.unjudged(language, OTHERS)]
    known = {source.id: priors(source) for source in source_store.list_sources(states=tuple(SourceState))}
    return Material(
        rows,
        tuple(_row(article, {}) for article in rest),
        {_id(article): known.get(article.source_id, {}) for article in (*judged, *rest)},
    )


def _id(article: ArticleText) -> str:
    return f"article {article.article_id}"  # graded articles of a file may be called by numbers


def _row(article: ArticleText, grades: Mapping[str, int]) -> GoldRow:
    language = article.language
    if not language or language == "und":
        language = language_of(article.title, article.text)
    return GoldRow(_id(article), article.title, article.text, grades, language=language)


# -- the weights -----------------------------------------------------------------------------------------


def starting_model(taxonomy: Taxonomy, weights: Path | None) -> Model:
    """What learning starts from, whatever was learned before: the weights that come with the topics.

    :raises service.errors.TopicsError: ``weights`` cannot be read
    """
    return load_layer(weights, taxonomy.topics) or nothing_learned()


def learned_model(folder: Path) -> Model | None:
    """What was learned here, if anything was. Raises TopicsError where it cannot be read."""
    return read_model(folder / WEIGHTS) if present(folder / WEIGHTS) else None


def adopt(model: Model, folder: Path) -> Path:
    """Put learned weights in force, those before are kept; gives the file. Raises OSError."""
    folder.mkdir(parents=True, exist_ok=True)
    save(model, folder / WEIGHTS)
    return folder / WEIGHTS


def take_back(folder: Path) -> bool | None:
    """Take the last `adopt` back: True where earlier weights are in force again, False where it is those
    that came with the topics, None where there was nothing to take back. Raises OSError.
    """
    path = folder / WEIGHTS
    if not present(path):
        return None
    if revert(path):
        return True
    path.unlink()
    return False
