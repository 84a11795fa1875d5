import json
from dataclasses import dataclass

from benchmarks._resuming import resumed


@dataclass(frozen=True)
class Run:
    task: int

    def to_json(self):
        return json.dumps(self.task)


def test_what_a_file_has_is_not_run_again(tmp_path):
    ran = []

    def execute(left):
        for task in left:
            ran.append(task)
            yield Run(task)

    def asked(tasks, *, file):
        runs = resumed(
            tasks,
            file=file,
            parse=lambda line: Run(json.loads(line)),
            execute=execute,
            describe=lambda run: str(run.task),
        )
        return [run.task for run in runs]

    file = tmp_path / "runs.jsonl"
    assert asked([1, 2], file=file) == [1, 2]
    assert asked([1, 2, 3], file=file) == [1, 2, 3]
    assert ran == [1, 2, 3]
    assert asked([3], file=None) == [3]
    assert ran == [1, 2, 3, 3]
