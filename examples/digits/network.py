"""The network, shared by the stages that train it and that measure it."""

import torch
from torch import nn


def build(inputs: int, *, width: int, dropout: float) -> nn.Module:
    """A perceptron with two hidden layers and ten classes."""
    return nn.Sequential(
        nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(width, width), nn.ReLU(), nn.Dropout(dropout),
        nn.Linear(width, 10),
    )  # fmt: skip


@torch.no_grad()
def error(model: nn.Module, images: torch.Tensor, labels: torch.Tensor) -> float:
    """The share of wrong answers."""
    model.eval()
    return (model(images).argmax(dim=1) != labels).float().mean().item()
