"""Stage 2: train; report the validation error of every epoch; go on from a checkpoint."""

import os
import sys
from pathlib import Path
from types import SimpleNamespace

import network
import numpy as np
import torch
from torch import nn

import tuner


def main() -> None:
    p = tuner.parameters()
    torch.manual_seed(int(os.environ["TUNER_SEED"]))
    data = np.load(tuner.stage_dir("prepare") / "digits.npz")
    tensors = {name: torch.from_numpy(data[name]) for name in data.files}
    shape = {"width": p.width, "dropout": p.dropout}
    model = network.build(tensors["train"].shape[1], **shape)
    optimizer = make_optimizer(model, p)

    checkpoint = tuner.checkpoint_dir() / "last.pt"
    done = 0
    if checkpoint.exists():
        state = torch.load(checkpoint)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        done = state["epoch"]
        print(f"going on after epoch {done}")

    for epoch in range(done + 1, int(tuner.fidelity()) + 1):
        loss = train_epoch(model, optimizer, tensors, batch_size=p.batch_size)
        wrong = network.error(model, tensors["validation"], tensors["validation_labels"])
        # The checkpoint comes before the report: a report may be the last thing a trial does.
        save(
            {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch},
            checkpoint,
        )
        print(f"epoch {epoch}: loss {loss:.4f}, validation error {wrong:.4f}")
        tuner.report(epoch=epoch, error=wrong, loss=loss)

    save(
        {"state": model.state_dict(), "inputs": tensors["train"].shape[1], **shape},
        tuner.output_dir() / "model.pt",
    )


def make_optimizer(model: nn.Module, p: SimpleNamespace) -> torch.optim.Optimizer:
    if p.optimizer == "adam":
        return torch.optim.Adam(model.parameters(), lr=p.lr)
    return torch.optim.SGD(model.parameters(), lr=p.lr, momentum=p.momentum)


def train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    tensors: dict[str, torch.Tensor],
    *,
    batch_size: int,
) -> float:
    """One pass over the training images in random order; returns the mean loss."""
    model.train()
    total = 0.0
    batches = torch.randperm(len(tensors["train"])).split(batch_size)
    for batch in batches:
        optimizer.zero_grad()
        output = model(tensors["train"][batch])
        loss = nn.functional.cross_entropy(output, tensors["train_labels"][batch])
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches)


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
