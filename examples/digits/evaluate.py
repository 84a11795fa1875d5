"""Stage 3: the error on images that no decision has seen, and what one answer takes."""

import statistics
import time

import network
import numpy as np
import torch

import tuner

WARM_UP = 50
CALLS = 500


def main() -> None:
    data = np.load(tuner.stage_dir("prepare") / "digits.npz")
    saved = torch.load(tuner.stage_dir("train") / "model.pt")
    model = network.build(saved["inputs"], width=saved["width"], dropout=saved["dropout"])
    model.load_state_dict(saved["state"])
    images, labels = torch.from_numpy(data["test"]), torch.from_numpy(data["test_labels"])
    tuner.report(test_error=network.error(model, images, labels), latency_ms=latency(model, images))


@torch.no_grad()
def latency(model: torch.nn.Module, images: torch.Tensor) -> float:
    """The median time in milliseconds to classify one image."""
    model.eval()
    times = []
    for call in range(WARM_UP + CALLS):
        image = images[call % len(images)].unsqueeze(0)
        start = time.perf_counter()
        model(image)
        times.append(time.perf_counter() - start)
    return 1000 * statistics.median(times[WARM_UP:])


if __name__ == "__main__":
    main()
