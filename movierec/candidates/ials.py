"""iALS: implicit-feedback matrix factorisation by alternating least squares (Hu, Koren, Volinsky 2008)."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp
from threadpoolctl import threadpool_limits

from movierec.interactions import Interactions, Rows, Scores

log = logging.getLogger(__name__)

SLOW_SECONDS = 1.0  # an iteration that takes longer is worth a line of progress


@dataclass(frozen=True)
class IALSParams:
    """Names as in `implicit`. `min_rating`: ratings below it are not taken as a sign of liking."""

    factors: int = 64
    iterations: int = 15
    regularization: float = 30.0
    alpha: float = 8.0
    confidence: Literal["linear", "log", "binary"] = "binary"
    min_rating: float = 3.5
    seed: int = 7


# The hyper-parameters of the seed design, kept for comparison.
REFERENCE = IALSParams(factors=128, iterations=20, regularization=0.01, alpha=15, confidence="linear", min_rating=0.0)


@dataclass(frozen=True)
class IALS:
    """A user's score of a movie is the product of their factors (float32)."""

    interactions: Interactions
    params: IALSParams
    user_factors: Scores
    item_factors: Scores

    @classmethod
    def fit(cls, interactions: Interactions, params: IALSParams | None = None) -> Self:
        from implicit.cpu.als import AlternatingLeastSquares  # noqa: PLC0415  fitting needs it, serving does not

        p = params or IALSParams()

        def report(iteration: int, seconds: float, _loss: Any = None) -> None:
            if seconds > SLOW_SECONDS or iteration + 1 == p.iterations:
                log.info("ials: iteration %d of %d, %.1f s each", iteration + 1, p.iterations, seconds)

        with threadpool_limits(1, "blas"):  # implicit runs its own threads; BLAS threads beneath them only wait
            model = AlternatingLeastSquares(
                factors=p.factors,
                iterations=p.iterations,
                regularization=p.regularization,
                alpha=1.0,
                random_state=p.seed,
            )
            confidences = confidence(interactions.user_items, p)
            model.fit(confidences, show_progress=False, callback=report)
        users, items = np.asarray(model.user_factors), np.asarray(model.item_factors)
        liked_nothing = np.diff(confidences.indptr) == 0
        if not liked_nothing.all():
            # Without a sign of liking the factors are zero and every order is as good; the mean user's is better.
            users[liked_nothing] = users[~liked_nothing].mean(axis=0)
        return cls(interactions, p, users, items)

    def score(self, rows: Rows) -> Scores:
        scores: Scores = self.user_factors[rows] @ self.item_factors.T
        return scores

    def save(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.interactions.save(folder / "interactions")
        np.save(folder / "user_factors.npy", self.user_factors)
        np.save(folder / "item_factors.npy", self.item_factors)
        (folder / "config.json").write_text(json.dumps(asdict(self.params), indent=1))

    @classmethod
    def load(cls, folder: Path) -> Self:
        user_factors, item_factors = (
            np.load(folder / f"{part}_factors.npy", mmap_mode="r") for part in ("user", "item")
        )
        params = IALSParams(**json.loads((folder / "config.json").read_text()))
        return cls(Interactions.load(folder / "interactions"), params, user_factors, item_factors)


def confidence(user_items: sp.csr_array, params: IALSParams) -> sp.csr_matrix:
    """How sure each rating makes us of a preference: c = 1 + alpha*r, 1 + alpha*log(1+r), or alpha."""
    ratings = user_items.data
    by_mode: dict[str, Callable[[], npt.NDArray[np.floating[Any]]]] = {
        "linear": lambda: 1 + params.alpha * ratings,
        "log": lambda: 1 + params.alpha * np.log1p(ratings),
        "binary": lambda: np.full_like(ratings, params.alpha),
    }
    # implicit reads a stored zero as "seen, no confidence": such ratings have no part in the fit.
    values = np.where(ratings >= params.min_rating, by_mode[params.confidence](), 0).astype(np.float32)
    parts = (values, user_items.indices, user_items.indptr)
    matrix = sp.csr_matrix(parts, shape=user_items.shape, copy=params.min_rating > 0)
    if params.min_rating > 0:
        matrix.eliminate_zeros()
    return matrix
