"""Nets that find benchmark problems by their letters: equal texts, shared runs of words, near texts by characters."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from omr.contamination.benchmark_text import ngrams, normal_text, words
from omr.contamination.benchmarks import Pool
from omr.contamination.nets import Hit, best


class ExactNet:
    """Equal words (score 1), or a benchmark problem word for word inside a longer one.

    The score of the latter is the share of the problem's words that the benchmark problem makes up. Problems of fewer
    than `min_words` words are only compared as a whole: "find all values of x" is a part of many problems.
    """

    def __init__(self, pool: Pool, *, min_words: int, top_k: int) -> None:
        self._min_words = min_words
        self._top_k = top_k
        self._whole: dict[str, int] = {}
        self._long: dict[tuple[str, ...], list[tuple[int, list[str]]]] = {}
        for number, text in enumerate(pool.texts):
            found = words(text)
            if found:
                self._whole[" ".join(found)] = number
            if len(found) >= min_words:
                self._long.setdefault(tuple(found[:min_words]), []).append((number, found))

    def search(self, texts: Sequence[str]) -> list[list[Hit]]:
        """See `Net`."""
        return [best(self._search_one(words(text)), self._top_k) for text in texts]

    def _search_one(self, found: list[str]) -> list[Hit]:
        scores = {}
        for start in range(len(found) - self._min_words + 1):
            for number, wanted in self._long.get(tuple(found[start : start + self._min_words]), ()):
                if number not in scores and found[start : start + len(wanted)] == wanted:
                    scores[number] = len(wanted) / len(found)
        equal = self._whole.get(" ".join(found))
        if equal is not None:
            scores[equal] = 1.0
        return [Hit(number, score) for number, score in scores.items()]


class NgramNet:
    """Shared runs of `n` words; the score is the share of a benchmark problem's runs that the problem has.

    Benchmark problems of fewer than `n` words have no runs: `skipped` counts them, and the other nets search for them.
    """

    def __init__(self, pool: Pool, *, n: int, min_share: float, top_k: int) -> None:
        self._n = n
        self._min_share = min_share
        self._top_k = top_k
        self._texts_with: dict[int, list[int]] = {}
        self._sizes: list[int] = []
        for number, text in enumerate(pool.texts):
            runs = self._runs(text)
            self._sizes.append(len(runs))
            for run in runs:
                self._texts_with.setdefault(run, []).append(number)
        self.skipped = sum(1 for size in self._sizes if not size)

    def _runs(self, text: str) -> set[int]:
        # Hashes stand for the runs: they take a third of the memory, and a chance collision cannot make up a share.
        return {hash(run) for run in ngrams(words(text), self._n)}

    def search(self, texts: Sequence[str]) -> list[list[Hit]]:
        """See `Net`."""
        return [best(self._search_one(text), self._top_k) for text in texts]

    def _search_one(self, text: str) -> list[Hit]:
        shared: Counter[int] = Counter()
        for run in self._runs(text):
            shared.update(self._texts_with.get(run, ()))
        shares = ((number, count / self._sizes[number]) for number, count in shared.items())
        return [Hit(number, share) for number, share in shares if share >= self._min_share]


class TfidfNet:
    """Cosine similarity of TF-IDF weights of runs of 3 to 5 characters, fitted on the benchmark problems.

    Runs that more than `max_share` of a large pool has tell problems apart no better, and cost most of the time.
    """

    def __init__(self, pool: Pool, *, min_score: float, top_k: int, max_share: float = 0.1) -> None:
        # Imported here: it takes a second, and the other nets need nothing of it.
        import numpy
        from sklearn.feature_extraction.text import TfidfVectorizer

        self._min_score = min_score
        self._top_k = top_k
        self._vectorizer: Any = TfidfVectorizer(
            analyzer="char",
            ngram_range=(3, 5),
            lowercase=False,
            sublinear_tf=True,
            dtype=numpy.float32,
            max_df=max(_SMALL_POOL, int(max_share * len(pool.texts))),
        )
        spelled = [_padded(text) for text in pool.texts]
        # The vectorizer refuses a pool without a single run of three characters.
        self._weights = self._vectorizer.fit_transform(spelled).T.tocsr() if any(map(_has_runs, spelled)) else None

    def search(self, texts: Sequence[str]) -> list[list[Hit]]:
        """See `Net`."""
        if self._weights is None or not texts:
            return [[] for _ in texts]
        scores = self._vectorizer.transform([_padded(text) for text in texts]) @ self._weights
        return [self._hits(scores, row) for row in range(len(texts))]

    def _hits(self, scores: Any, row: int) -> list[Hit]:
        start, end = scores.indptr[row], scores.indptr[row + 1]
        values, places = scores.data[start:end], scores.indices[start:end]
        near = values >= self._min_score
        hits = zip(places[near].tolist(), values[near].tolist(), strict=True)
        # Rounded before they are ranked: the last digits depend on the order of a sum.
        return best([Hit(number, round(score, 4)) for number, score in hits], self._top_k)


#: Below so many texts no run counts as common: in a pool of three, everything is in a third of it.
_SMALL_POOL = 100


def _padded(text: str) -> str:
    return f" {normal_text(text)} "


def _has_runs(spelled: str) -> bool:
    return len(spelled) >= 3
