"""The net that finds problems by their meaning: cosine similarity of sentence embeddings, compared with the whole pool.

An exact matrix product, since 12,000 benchmark problems need no approximate index. Runs in the environment of
envs/embeddings.yaml; everything else in the workflow does without its libraries.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omr.contamination.benchmarks import Pool
from omr.contamination.nets import Hit, best
from omr.errors import UserError

DTYPES = ("float32", "bfloat16", "float16")


def load_model(path: str, *, revision: str | None, device: str | None, dtype: str) -> Any:
    """A sentence-transformers model from a local folder or the hub. Raises UserError if it cannot be loaded.

    `device` None takes a GPU where there is one. Code that comes with a model is never run.
    """
    try:
        import torch
        from sentence_transformers import SentenceTransformer
    except ImportError as error:
        raise UserError(
            f"the embeddings environment is incomplete: {error}",
            remedy="run this step in the environment of envs/embeddings.yaml, or leave the net out of config",
        ) from error
    is_folder = Path(path).is_dir()
    try:
        return SentenceTransformer(
            path,
            device=device or ("cuda" if torch.cuda.is_available() else "cpu"),
            revision=None if is_folder else revision,
            local_files_only=is_folder,
            model_kwargs={"dtype": dtype},
        )
    except (OSError, ValueError, RuntimeError) as error:
        raise UserError(
            f"the embedding model {path!r} cannot be loaded: {str(error).splitlines()[0] if str(error) else error!r}",
            remedy="check its path or hub id, its revision and the device; HF_HUB_OFFLINE=1 restricts it to the cache",
        ) from error


class EmbeddingNet:
    """Cosine similarity of embeddings; a text beyond the model's length is represented by its beginning."""

    def __init__(self, pool: Pool, model: Any, *, batch_size: int, min_score: float, top_k: int) -> None:
        self._model = model
        self._batch_size = batch_size
        self._min_score = min_score
        self._top_k = min(top_k, len(pool.texts))
        self._pool = self._embed(pool.texts)

    def _embed(self, texts: Sequence[str]) -> Any:
        # `encode` sorts what it is given by length, so that a batch holds little padding, and restores the order.
        found = self._model.encode(
            list(texts),
            batch_size=self._batch_size,
            convert_to_tensor=True,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        if not bool(found.isfinite().all()):
            raise UserError(
                "the embedding model computed something that is no number, so its matches would be missing",
                remedy="use the dtype float32 or bfloat16: float16 overflows with some models",
            )
        # Products of half-precision vectors would round away the difference between neighbours.
        return found.float()

    def search(self, texts: Sequence[str]) -> list[list[Hit]]:
        """See `Net`."""
        if not texts:
            return []
        values, places = (self._embed(texts) @ self._pool.T).topk(self._top_k, dim=1)
        # Rounded before they are ranked: the last digits depend on the batch that a text was in.
        scores = values.cpu().double().numpy().round(4).tolist()
        return [self._hits(row, numbers) for row, numbers in zip(scores, places.cpu().tolist(), strict=True)]

    def _hits(self, scores: Sequence[float], numbers: Sequence[int]) -> list[Hit]:
        hits = (Hit(number, score) for number, score in zip(numbers, scores, strict=True))
        return best([hit for hit in hits if hit.score >= self._min_score], self._top_k)
