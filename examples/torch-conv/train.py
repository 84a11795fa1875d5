"""Train a residual network on the digits, turned, shifted and blurred; one report an epoch."""

import os
import sys
from pathlib import Path

import torch
from sklearn.datasets import load_digits
from torch import nn
from torch.nn import functional

import tuner

SIZE = 16
"""Digits of 8 x 8 are drawn larger, so that turning them loses nothing."""


class Block(nn.Module):
    """Two convolutions around which the input is added again."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels), nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
        )  # fmt: skip

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.layers(x)


def build(channels: int, blocks: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, channels, 3, padding=1),
        *(Block(channels) for _ in range(blocks)),
        nn.AvgPool2d(2),
        *(Block(channels) for _ in range(blocks)),
        nn.BatchNorm2d(channels), nn.ReLU(),
        nn.AvgPool2d(2), nn.Flatten(), nn.Linear(16 * channels, 10),
    )  # fmt: skip


def load() -> tuple[torch.Tensor, torch.Tensor]:
    digits = load_digits()
    images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
    return functional.interpolate(images, SIZE, mode="bilinear"), torch.tensor(digits.target)


def distort(images: torch.Tensor) -> torch.Tensor:
    """Each image turned by up to 15 degrees and shifted by up to a tenth of its width."""
    angle = (torch.rand(len(images)) - 0.5) * 0.52
    shift = (torch.rand(len(images), 2) - 0.5) * 0.4
    rows = [torch.cos(angle), -torch.sin(angle), shift[:, 0]], [
        torch.sin(angle), torch.cos(angle), shift[:, 1],
    ]  # fmt: skip
    turned = torch.stack([torch.stack(row, dim=1) for row in rows], dim=1)
    grid = functional.affine_grid(turned, list(images.shape), align_corners=False)
    return functional.grid_sample(images, grid, align_corners=False)


def main() -> None:
    p = tuner.parameters()
    torch.manual_seed(int(os.environ["TUNER_SEED"]))
    images, labels = load()
    held_out = torch.arange(len(images)) % 4 == 0
    model = build(p.channels, p.blocks)
    optimizer = torch.optim.SGD(model.parameters(), lr=p.lr, momentum=0.9, nesterov=True)

    checkpoint = tuner.checkpoint_dir() / "last.pt"
    done = 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["epoch"]
        print(f"going on after epoch {done}")

    for epoch in range(done + 1, int(tuner.fidelity()) + 1):
        train(model, optimizer, images[~held_out], labels[~held_out], batch_size=p.batch_size)
        wrong = error(model, images[held_out], labels[held_out])
        # The checkpoint comes before the report: a report may be the last thing a trial does.
        state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
        save(state, checkpoint)
        print(f"epoch {epoch}: error {wrong:.4f}")
        tuner.report(epoch=epoch, error=wrong)


def train(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    images: torch.Tensor,
    labels: torch.Tensor,
    *,
    batch_size: int,
) -> None:
    """One pass over the images in random order, each distorted anew."""
    model.train()
    for batch in torch.randperm(len(images)).split(batch_size):
        if len(batch) < 2:
            continue
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(distort(images[batch])), labels[batch])
        loss.backward()
        optimizer.step()


@torch.no_grad()
def error(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    model.eval()
    return (model(images).argmax(dim=1) != labels).float().mean().item()


def save(state: dict, path: Path) -> None:
    """Write the file whole or not at all, whenever the process is killed."""
    unfinished = path.with_suffix(".unfinished")
    torch.save(state, unfinished)
    unfinished.replace(path)


if __name__ == "__main__":
    try:
        main()
    except tuner.TrialStopped as stopped:
        sys.exit(f"{stopped}; the checkpoint is written")
