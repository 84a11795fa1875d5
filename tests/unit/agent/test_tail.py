from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tuner.agent.tail import ReportTail


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "stages" / "train" / "reports.jsonl"
    path.parent.mkdir(parents=True)
    path.touch()
    return path


@pytest.fixture
def tail(file: Path, tmp_path: Path) -> ReportTail:
    return ReportTail(file, base=tmp_path, offset=0, fidelity_name="epoch", rungs=(3.0, 9.0))


def _append(file: Path, text: str) -> None:
    with file.open("a") as stream:
        stream.write(text)


def _line(epoch: int) -> str:
    return f'{{"epoch": {epoch}, "loss": 0.5}}\n'


def test_a_batch_waits_a_second(tail: ReportTail, file: Path) -> None:
    _append(file, _line(1))
    assert tail.take(now=100.0) is None
    _append(file, _line(2))
    taken = tail.take(now=101.0)
    assert taken is not None
    assert [report.fidelity for report in taken.reports] == [1.0, 2.0]
    assert taken.offset == file.stat().st_size
    assert tail.take(now=110.0) is None


def test_a_rung_does_not_wait(tail: ReportTail, file: Path) -> None:
    _append(file, _line(3))
    assert tail.take(now=100.0) is not None
    _append(file, _line(4))
    assert tail.take(now=100.5) is None


def test_a_hundred_reports_do_not_wait(tail: ReportTail, file: Path) -> None:
    _append(file, '{"loss": 1}\n' * 100)
    taken = tail.take(now=100.0)
    assert taken is not None
    assert len(taken.kept) == 100
    assert not taken.warnings


def test_a_flood_is_thinned(tail: ReportTail, file: Path) -> None:
    _append(file, "".join(f'{{"loss": {index}}}\n' for index in range(1, 1001)))
    taken = tail.take(now=100.0)
    assert taken is not None
    assert len(taken.reports) == 1000
    assert len(taken.kept) == 100
    assert taken.kept[-1].metrics == {"loss": 1000.0}
    assert taken.warnings == {"ReportsThinned": 900}


def test_half_a_line_waits_for_its_end(tail: ReportTail, file: Path) -> None:
    _append(file, '{"epoch": 3, "lo')
    assert tail.take(now=100.0) is None
    assert tail.take(now=200.0) is None
    _append(file, 'ss": 0.5}\n')
    taken = tail.take(now=201.0)
    assert taken is not None
    assert taken.reports[0].metrics == {"loss": 0.5}


def test_the_rest_counts_a_line_without_its_end(tail: ReportTail, file: Path) -> None:
    _append(file, _line(1) + '{"epoch": 2, "loss": 0.1}')
    (taken,) = tail.rest(now=100.0)
    assert [report.fidelity for report in taken.reports] == [1.0, 2.0]
    assert not list(tail.rest(now=101.0))


def test_a_line_without_end_is_given_up(tail: ReportTail, file: Path) -> None:
    _append(file, "x" * 200_000)
    tail.take(now=100.0)
    _append(file, "\n" + _line(1))
    (taken,) = tail.rest(now=102.0)
    assert taken.warnings["ReportTooLong"] >= 1
    assert taken.reports[-1].fidelity == 1.0


def test_a_truncated_file_is_read_from_its_beginning(tail: ReportTail, file: Path) -> None:
    _append(file, _line(1) + _line(2))
    assert tail.take(now=100.0) is None
    file.write_text(_line(3))
    taken = tail.take(now=102.0)
    assert taken is not None
    assert taken.warnings == {"ReportsTruncated": 1}
    assert [report.fidelity for report in taken.reports] == [1.0, 2.0, 3.0]


def test_a_restarted_agent_reads_on(file: Path, tmp_path: Path) -> None:
    _append(file, _line(1))
    offset = file.stat().st_size
    _append(file, _line(2))
    tail = ReportTail(file, base=tmp_path, offset=offset, fidelity_name="epoch")
    (taken,) = tail.rest(now=100.0)
    assert [report.fidelity for report in taken.reports] == [2.0]


@pytest.mark.parametrize("replacement", ["link", "folder link", "fifo", "folder", "nothing"])
def test_what_is_no_file_of_the_stages_own_is_not_read(
    tail: ReportTail, file: Path, tmp_path: Path, replacement: str
) -> None:
    secret = tmp_path / "elsewhere" / "reports.jsonl"
    secret.parent.mkdir()
    secret.write_text(_line(3))
    file.unlink()
    actions: dict[str, Any] = {
        "link": lambda: file.symlink_to(secret),
        "folder link": lambda: (file.parent.rmdir(), file.parent.symlink_to(secret.parent)),
        "fifo": lambda: os.mkfifo(file),
        "folder": file.mkdir,
        "nothing": lambda: None,
    }
    actions[replacement]()
    assert not list(tail.rest(now=100.0))


def test_the_rest_of_a_flood_comes_in_thinner_and_thinner_batches(
    tail: ReportTail, file: Path
) -> None:
    _append(file, "".join(f'{{"loss": {index}}}\n' for index in range(1, 60_001)))
    batches = list(tail.rest(now=100.0))
    assert len(batches) > 2
    assert sum(len(batch.reports) for batch in batches) == 60_000
    assert [len(batch.kept) for batch in batches[:3]] == [100, 50, 33]
    assert batches[-1].offset == file.stat().st_size
