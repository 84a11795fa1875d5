"""Draws a study's trials and its front: `python docs/plot_front.py digits > docs/front.svg`.

Reads what `tuner trials -o json` and `tuner front -o json` print, so it draws local studies and
those of a cluster alike. Dollars to the right (log), the first objective upwards (log).
"""

import json
import math
import subprocess
import sys
from collections.abc import Callable
from typing import Any

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 400, 70, 20, 30, 50
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")


def ask(verb: str, study: str) -> Any:
    words = [sys.executable, "-m", "tuner", verb, study, "-o", "json"]
    return json.loads(subprocess.run(words, capture_output=True, check=True, text=True).stdout)


def axis(values: list[float], start: float, end: float) -> Callable[[float], float]:
    low, high = math.log10(min(values)) - 0.08, math.log10(max(values)) + 0.08
    return lambda value: start + (math.log10(value) - low) / (high - low) * (end - start)


def ticks(values: list[float]) -> list[float]:
    low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
    steps = [m * 10.0**e for e in range(low, high + 1) for m in (1, 2, 5)]
    return [one for one in steps if min(values) * 0.85 <= one <= max(values) * 1.18]


def text(x: float, y: float, words: str, anchor: str = "middle", extra: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" {extra}>{words}</text>'


def dot(x: float, y: float, colour: str, *, full: bool, front: bool) -> str:
    fill = colour if full else "white"
    ring = f'<circle cx="{x:.1f}" cy="{y:.1f}" r="10" fill="none" stroke="#333"/>' if front else ""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="5" fill="{fill}" stroke="{colour}"/>{ring}'


def main(study: str) -> None:
    trials = [one for one in ask("trials", study) if "cost" in one["objectives"]]
    front = {one["trial"] for one in ask("front", study)["paretoFront"]}
    metric = next(iter(trials[0]["objectives"]))
    costs = [one["objectives"]["cost"] for one in trials]
    values = [one["objectives"][metric] for one in trials]
    x = axis(costs, LEFT, WIDTH - RIGHT)
    y = axis(values, HEIGHT - BOTTOM, TOP)
    types = sorted({one["instanceTypes"]["train"] for one in trials})
    colour = dict(zip(types, COLOURS, strict=False))

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
        'font-family="sans-serif" font-size="12" fill="#333">',
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>',
    ]
    for value in ticks(costs):
        parts.append(f'<path d="M{x(value):.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="#eee"/>')
        parts.append(text(x(value), HEIGHT - BOTTOM + 18, f"${value:g}"))
    for value in ticks(values):
        parts.append(f'<path d="M{LEFT} {y(value):.1f}H{WIDTH - RIGHT}" stroke="#eee"/>')
        parts.append(text(LEFT - 8, y(value) + 4, f"{value:g}", "end"))
    for one in trials:
        objectives = one["objectives"]
        parts.append(
            dot(
                x(objectives["cost"]),
                y(objectives[metric]),
                colour[one["instanceTypes"]["train"]],
                full=one["state"] == "Completed",
                front=one["trial"] in front,
            )
        )
    parts.append(text(WIDTH / 2, HEIGHT - 12, "dollars of one run, from scratch"))
    parts.append(text(16, HEIGHT / 2, metric, extra=f'transform="rotate(-90 16 {HEIGHT / 2})"'))
    for place, name in enumerate(types):
        parts.append(dot(LEFT + 12 + 90 * place, 16, colour[name], full=True, front=False))
        parts.append(text(LEFT + 22 + 90 * place, 20, name, "start"))
    note = "hollow: stopped at a rung; ringed: on the front of error, dollars and seconds"
    parts.append(text(WIDTH - RIGHT, 20, note.replace("error", metric), "end"))
    print("\n".join([*parts, "</svg>"]))


if __name__ == "__main__":
    main(sys.argv[1])
