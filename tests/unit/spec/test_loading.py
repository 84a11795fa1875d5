"""Manifests from files, problems with their lines."""

from __future__ import annotations

import pytest

from tuner.errors import ManifestError
from tuner.spec import TuningStudy, load_manifests, validate

STUDY = """\
apiVersion: tuner.dev/v1alpha1
kind: TuningStudy
metadata: {name: small}
spec:
  objectives: [{metric: loss, direction: Minimize}]
  parameters:
  - name: batch_size
    ordinal: {values: [16, 32]}
  - name: lr
    float: {min: 1e-4, max: 1e-2, scale: Log}
  hardware: {instanceTypes: [cpu]}
  pipeline:
    image: busybox:1
    stages:
    - name: train
      command: [sh, train.sh, "$(TUNER_ARGS)"]
      parameters: [lr, batch_size]
  budget: {maxTrials: 9}
"""


@pytest.fixture
def write(tmp_path):
    def make(text, name="study.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return make


def problems(path):
    return [
        str(problem).removeprefix(f"{path.parent}/")
        for manifest in load_manifests([path])
        for problem in validate(manifest)
    ]


def test_a_valid_manifest_becomes_a_model(write):
    (manifest,) = load_manifests([write(STUDY)])
    study = manifest.parse()
    assert isinstance(study, TuningStudy)
    assert study.spec.parameters[1].domain.min == 1e-4


def test_a_problem_names_line_field_offender_and_suggestion(write):
    path = write(STUDY.replace("[lr, batch_size]", "[lr, batchsize]"))
    assert problems(path) == [
        'study.yaml:17 spec.pipeline.stages[train].parameters: "batchsize" is not in '
        'spec.parameters; did you mean "batch_size"?'
    ]


def test_problems_stand_in_the_order_of_lines(write):
    text = STUDY.replace("1e-4", "1").replace("{maxTrials: 9}", "{}").replace("32]", "16]")
    lines = [line.partition(" ")[0] for line in problems(write(text))]
    assert lines == ["study.yaml:8"]
    text = STUDY.replace("1e-4", "1").replace("{maxTrials: 9}", "{}")
    lines = [line.partition(" ")[0] for line in problems(write(text))]
    assert lines == ["study.yaml:10", "study.yaml:18"]


def test_a_missing_field_is_shown_where_it_is_missing(write):
    path = write(STUDY.replace("    direction", "").replace(", direction: Minimize", ""))
    assert problems(path) == ["study.yaml:5 spec.objectives[loss].direction: required"]


def test_parse_raises_with_the_problems(write):
    (manifest,) = load_manifests([write(STUDY.replace("small", "Small"))])
    with pytest.raises(ManifestError, match=r"study.yaml:3 metadata.name: ") as caught:
        manifest.parse()
    assert [problem.line for problem in caught.value.problems] == [3]


def test_kinds_and_versions_that_are_unknown(write):
    path = write(STUDY.replace("TuningStudy", "TuningStudies"))
    assert problems(path) == [
        'study.yaml:2 kind: "TuningStudies" is unknown; did you mean "TuningStudy"?'
    ]
    path = write(STUDY.replace("v1alpha1", "v1"))
    assert problems(path) == [
        'study.yaml:1 apiVersion: "tuner.dev/v1" is unknown; use tuner.dev/v1alpha1'
    ]


def test_objects_of_others_are_passed_over(write):
    path = write(f"apiVersion: v1\nkind: ConfigMap\n---\n{STUDY}")
    manifests = load_manifests([path])
    assert [manifest.is_ours for manifest in manifests] == [False, True]
    assert problems(path) == []


def test_folders_are_read_in_order(write, tmp_path):
    write(STUDY, "b.yaml")
    write(STUDY.replace("small", "first"), "a.yml")
    write("not: [a manifest", "notes.txt")
    names = [manifest.data["metadata"]["name"] for manifest in load_manifests([tmp_path])]
    assert names == ["first", "small"]


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"- a\n- b\n", "study.yaml:1 not a mapping"), (b"\xff\xfe\xfa", "cannot be read")],
)
def test_files_that_are_no_manifests(tmp_path, content, message):
    path = tmp_path / "study.yaml"
    path.write_bytes(content)
    with pytest.raises(ManifestError, match=message):
        load_manifests([path])


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(ManifestError, match="cannot be read: "):
        load_manifests([tmp_path / "none.yaml"])
