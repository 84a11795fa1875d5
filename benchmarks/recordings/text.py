"""Text classification: character n-grams, truncated SVD, a support vector machine.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.recordings.text --data DIR

needs the SMS Spam Collection (UCI, CC BY 4.0) as DIR/text_sms_spam/sms_spam.tsv. The task that is
tuned, `spam`, has 60 % of the messages; the earlier tasks have the other 40 %: whether a message is
spam, is a question, or exclaims something (the marks themselves are taken out of the text). Error:
1 - average precision on the held-out third of a task's messages.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import CountVectorizer
from sklearn.metrics import average_precision_score
from sklearn.svm import SVC
from sklearn.utils.extmath import randomized_svd

from benchmarks.recordings._command import main
from benchmarks.recordings._nested import Metrics, Recording, Stage, Values
from benchmarks.recordings._words import log_real, log_whole, real, whole

TRAIN_SHARE = 2 / 3


@dataclass(frozen=True, slots=True)
class Messages:
    """Texts (n,) and whether each is of the class that is looked for (n,)."""

    texts: tuple[str, ...]
    positive: NDArray[np.bool_]

    @property
    def train(self) -> int:
        """The first so many are for training, the rest is held out."""
        return int(TRAIN_SHARE * len(self.texts))


def features(values: Values, messages: Any) -> tuple[object, Metrics]:
    """Counts of character n-grams within words, damped, weighted by rarity, scaled to length 1."""
    vectorizer = CountVectorizer(
        analyzer="char_wb",
        ngram_range=(1, int(values["ngrams"])),
        max_features=int(values["features"]),
        min_df=2,
    )
    vectorizer.fit(messages.texts[: messages.train])
    counts = vectorizer.transform(messages.texts).astype(np.float64)
    counts.data **= float(values["tf_power"])
    present = np.bincount(counts[: messages.train].indices, minlength=counts.shape[1])
    rarity = np.log((1 + messages.train) / (1 + present)) + 1
    weighted = counts.multiply(rarity ** float(values["idf_power"])).tocsr()
    norms = np.sqrt(np.asarray(weighted.multiply(weighted).sum(axis=1))).ravel()
    weighted.data /= np.repeat(np.maximum(norms, 1e-12), np.diff(weighted.indptr))
    return (weighted, messages), {}


def reduction(values: Values, given: Any) -> tuple[object, Metrics]:
    """Truncated SVD of the training rows; `whiten` 0 keeps the singular values, 1 drops them."""
    matrix, messages = given
    rank = min(int(values["components"]), min(matrix.shape) - 1)
    _, singular, right = randomized_svd(
        matrix[: messages.train], rank, n_iter=int(values["iterations"]), random_state=0
    )
    reduced = matrix @ right.T / np.maximum(singular, 1e-9) ** float(values["whiten"])
    scale = np.sqrt(np.mean(np.sum(reduced[: messages.train] ** 2, axis=1)))
    return (reduced / scale, messages), {}


def classifier(values: Values, given: Any) -> tuple[object, Metrics]:
    """A support vector machine with a Gaussian kernel, scored on the held-out messages."""
    reduced, messages = given
    machine = SVC(
        C=float(values["C"]),
        gamma=float(values["gamma"]),
        class_weight={True: float(values["positive_weight"]), False: 1.0},
    )
    machine.fit(reduced[: messages.train], messages.positive[: messages.train])
    scores = machine.decision_function(reduced[messages.train :])
    held_out = messages.positive[messages.train :]
    return None, {"error": 1.0 - float(average_precision_score(held_out, scores))}


STAGES = (
    Stage(
        "features",
        (
            whole("ngrams", 2, 5),
            log_whole("features", 300, 20000),
            real("tf_power", 0.1, 1.0),
            real("idf_power", 0.0, 2.0),
        ),
        features,
    ),
    Stage(
        "reduction",
        (log_whole("components", 10, 250), whole("iterations", 1, 8), real("whiten", 0.0, 1.0)),
        reduction,
    ),
    Stage(
        "classifier",
        (
            log_real("C", 0.01, 1000.0),
            log_real("gamma", 0.01, 10.0),
            log_real("positive_weight", 0.3, 10.0),
        ),
        classifier,
    ),
)


def read(data: Path) -> dict[str, Messages]:
    """The messages of every task."""
    lines = (data / "text_sms_spam" / "sms_spam.tsv").read_text(encoding="utf-8").split("\n")
    pairs = [line.split("\t", 1) for line in lines if line]
    order = np.random.default_rng(0).permutation(len(pairs))
    cut = int(0.6 * len(pairs))
    ours, others = ([pairs[i] for i in half] for half in (order[:cut], order[cut:]))

    def spam(rows: list[list[str]]) -> Messages:
        return Messages(
            tuple(text for _, text in rows), np.array([kind == "spam" for kind, _ in rows])
        )

    def mark(sign: str) -> Messages:
        return Messages(
            tuple(text.replace(sign, " ") for _, text in others),
            np.array([sign in text for _, text in others]),
        )

    return {
        "spam": spam(ours),
        "spam-early": spam(others),
        "question": mark("?"),
        "exclamation": mark("!"),
    }


def recording(data: Path) -> Recording:
    """The recording; raises FileNotFoundError without the data."""
    return Recording(
        name="text",
        description="SMS Spam Collection: character n-grams, truncated SVD, support vector "
        "machine; error = 1 - average precision on held-out messages",
        stages=STAGES,
        tasks=read(data),
        design={
            "spam": (40, 4, 4),
            "spam-early": (25, 2, 4),
            "question": (25, 2, 4),
            "exclamation": (25, 2, 4),
        },
        objectives=({"metric": "error", "direction": "Minimize"},),
    )


if __name__ == "__main__":
    main(recording)
