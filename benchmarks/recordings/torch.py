"""A network in four stages: augment, pre-train an autoencoder, fine-tune, compress.

    OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python -m benchmarks.recordings.torch

Data: the handwritten digits that come with scikit-learn (UCI), 8 x 8 pixels. The task that is
tuned, `digits`, has 60 % of them; the earlier tasks have the other 40 %: which digit, whether it is
odd, whether it is above four. Loss: mean negative log-likelihood of the held-out third. Fine-tuning
reports it after each of 9 epochs (the fidelity); compression reports the final one.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks.recordings._command import main
from benchmarks.recordings._nested import Metrics, Recording, Stage, Values
from benchmarks.recordings._words import log_real, log_whole, real, whole

EPOCHS = 9
BATCH = 64
PIXELS = 64


@dataclass(frozen=True, slots=True)
class Images:
    """Pixels (n, 64) in [0, 1] and classes (n,), for training and held out."""

    train: Tensor
    train_classes: Tensor
    test: Tensor
    test_classes: Tensor

    @property
    def classes(self) -> int:
        """How many there are."""
        return int(self.train_classes.max()) + 1


def augment(values: Values, images: Any) -> tuple[object, Metrics]:
    """Copies of every image, turned, moved and noisy; the first copy stays as it is."""
    torch.manual_seed(0)
    copies = int(values["copies"])
    count = len(images.train) * (copies - 1)
    if not count:
        return images, {}
    angle = torch.deg2rad(torch.empty(count).uniform_(-1, 1) * float(values["turn"]))
    move = torch.empty(count, 2).uniform_(-1, 1) * float(values["move"]) / 4
    cosine, sine = torch.cos(angle), torch.sin(angle)
    theta = torch.stack(
        [torch.stack([cosine, -sine, move[:, 0]], 1), torch.stack([sine, cosine, move[:, 1]], 1)], 1
    )
    repeated = images.train.repeat(copies - 1, 1).reshape(-1, 1, 8, 8)
    grid = F.affine_grid(theta, [count, 1, 8, 8], align_corners=False)
    turned = F.grid_sample(repeated, grid, align_corners=False).reshape(-1, PIXELS)
    noisy = (turned + torch.randn_like(turned) * float(values["noise"])).clamp(0, 1)
    return (
        Images(
            torch.cat([images.train, noisy]),
            images.train_classes.repeat(copies),
            images.test,
            images.test_classes,
        ),
        {},
    )


def encoder_of(width: int) -> nn.Module:
    """Two layers."""
    return nn.Sequential(nn.Linear(PIXELS, width), nn.GELU(), nn.Linear(width, width), nn.GELU())


def pretrain(values: Values, images: Any) -> tuple[object, Metrics]:
    """A denoising autoencoder on the augmented images; its encoder is the stage's output."""
    torch.manual_seed(1)
    encoder = encoder_of(int(values["width"]))
    model = nn.Sequential(encoder, nn.Linear(int(values["width"]), PIXELS))
    steps = torch.optim.Adam(model.parameters(), lr=float(values["pretrain_lr"]))
    for _ in range(int(values["pretrain_epochs"])):
        for batch in torch.randperm(len(images.train)).split(BATCH):
            kept = (torch.rand(len(batch), PIXELS) >= float(values["mask"])).float()
            target = images.train[batch]
            step(steps, F.mse_loss(model(target * kept), target))
    return (encoder, images), {}


def finetune(values: Values, given: Any) -> tuple[object, Metrics]:
    """Trains encoder and head; the loss after every epoch is the curve."""
    torch.manual_seed(2)
    encoder, images = copy.deepcopy(given[0]), given[1]
    head = nn.Linear(encoder[2].out_features, images.classes)
    model = nn.Sequential(encoder, nn.Dropout(float(values["dropout"])), head)
    steps = torch.optim.AdamW(
        model.parameters(), lr=float(values["lr"]), weight_decay=float(values["decay"])
    )
    curve = {}
    for epoch in range(1, EPOCHS + 1):
        train_epoch(model, images, steps)
        curve[f"loss@{epoch}"] = held_out_loss(model, images)
    return (model, images), curve


def compress(values: Values, given: Any) -> tuple[object, Metrics]:
    """Prunes the smallest weights, trains the rest for an epoch, rounds, sets a temperature."""
    torch.manual_seed(3)
    model, images = copy.deepcopy(given[0]), given[1]
    weights = [one for one in model.parameters() if one.dim() == 2]
    masks = [prune(one, float(values["sparsity"])) for one in weights]
    steps = torch.optim.SGD(model.parameters(), lr=float(values["recovery_lr"]))
    train_epoch(model, images, steps)
    with torch.no_grad():
        for weight, mask in zip(weights, masks, strict=True):
            weight.mul_(mask)
            scale = weight.abs().max().clamp_min(1e-12) / (2 ** (int(values["bits"]) - 1) - 1)
            weight.copy_((weight / scale).round() * scale)
    return None, {"loss": held_out_loss(model, images, temperature=float(values["temperature"]))}


@torch.no_grad()
def prune(weight: Tensor, share: float) -> Tensor:
    """Sets the smallest weights to 0 and says which are left."""
    mask = (weight.abs() >= torch.quantile(weight.abs(), share)).float()
    weight.mul_(mask)
    return mask


@torch.no_grad()
def held_out_loss(model: nn.Module, images: Images, *, temperature: float = 1.0) -> float:
    """Mean negative log-likelihood; at most 10, as diverged networks know no bound."""
    model.eval()
    loss = F.cross_entropy(model(images.test) / temperature, images.test_classes)
    model.train()
    return min(10.0, float(torch.nan_to_num(loss, nan=10.0)))


def train_epoch(model: nn.Module, images: Images, steps: torch.optim.Optimizer) -> None:
    """One pass over the augmented images."""
    for batch in torch.randperm(len(images.train)).split(BATCH):
        step(steps, F.cross_entropy(model(images.train[batch]), images.train_classes[batch]))


def step(steps: torch.optim.Optimizer, loss: Tensor) -> None:
    """One step down the gradient."""
    steps.zero_grad()
    loss.backward()
    steps.step()


STAGES = (
    Stage(
        "augment",
        (
            whole("copies", 1, 5),
            real("turn", 0.0, 30.0),
            real("move", 0.0, 1.5),
            real("noise", 0.0, 0.4),
        ),
        augment,
    ),
    Stage(
        "pretrain",
        (
            log_whole("width", 16, 256),
            log_real("pretrain_lr", 1e-4, 3e-2),
            whole("pretrain_epochs", 3, 15),
            real("mask", 0.0, 0.7),
        ),
        pretrain,
    ),
    Stage(
        "finetune",
        (log_real("lr", 1e-4, 3e-2), log_real("decay", 1e-4, 1.0), real("dropout", 0.0, 0.6)),
        finetune,
    ),
    Stage(
        "compress",
        (
            real("sparsity", 0.0, 0.95),
            whole("bits", 3, 8),
            log_real("recovery_lr", 1e-3, 0.3),
            log_real("temperature", 0.5, 3.0),
        ),
        compress,
    ),
)


def read() -> dict[str, Images]:
    """The images of every task."""
    pixels, digits = load_digits(return_X_y=True)
    order = np.random.default_rng(0).permutation(len(pixels))
    ours, others = np.split(order, [int(0.6 * len(order))])

    def images(rows: np.ndarray, classes: np.ndarray) -> Images:
        cut = 2 * len(rows) // 3
        x = torch.tensor(pixels[rows] / 16, dtype=torch.float32)
        y = torch.tensor(classes[rows], dtype=torch.int64)
        return Images(x[:cut], y[:cut], x[cut:], y[cut:])

    return {
        "digits": images(ours, digits),
        "digits-early": images(others, digits),
        "odd": images(others, digits % 2),
        "above-four": images(others, (digits > 4).astype(int)),
    }


def recording(data: Path) -> Recording:
    """The recording; needs no data but scikit-learn's."""
    torch.set_num_threads(1)
    return Recording(
        name="torch",
        description="Digits of scikit-learn: augmentation, denoising autoencoder, fine-tuning, "
        "pruning and rounding; loss = negative log-likelihood on held-out digits",
        stages=STAGES,
        tasks=read(),
        design={
            "digits": (32, 2, 2, 5),
            "digits-early": (25, 2, 2, 2),
            "odd": (25, 2, 2, 2),
            "above-four": (25, 2, 2, 2),
        },
        objectives=({"metric": "loss", "direction": "Minimize"},),
        earlier_repeats=1,
        fidelity={"name": "epoch", "stage": "finetune", "min": 1, "max": EPOCHS},
        packages=("numpy", "scipy", "scikit-learn", "torch"),
    )


if __name__ == "__main__":
    main(recording)
