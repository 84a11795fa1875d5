import json

import pytest
import yaml

GOOD = """\
apiVersion: tuner.dev/v1alpha1
kind: TuningStudy
metadata: {name: ranker}
spec:
  objectives: [{metric: loss, direction: Minimize}]
  parameters:
  - {name: batch_size, ordinal: {values: [256, 512]}}
  hardware: {selector: {}}
  pipeline:
    image: example
    stages:
    - name: train
      command: [run]
      parameters: [batch_size]
  budget: {maxTrials: 3}
"""


@pytest.fixture
def manifest(tmp_path):
    def write(text):
        path = tmp_path / "ranker.yaml"
        path.write_text(text)
        return path.name

    return write


def test_a_valid_manifest_is_said_to_be_valid(invoke, manifest):
    result = invoke("validate", manifest(GOOD))
    assert (result.exit_code, result.stdout) == (0, "ranker.yaml: TuningStudy ranker is valid\n")


def test_a_broken_rule_is_shown_with_its_line(invoke, manifest):
    result = invoke("validate", manifest(GOOD.replace("[batch_size]", "[batchsize]")))
    assert result.exit_code == 2
    assert result.stdout == (
        'ranker.yaml:14 spec.pipeline.stages[train].parameters: "batchsize" is not in '
        'spec.parameters; did you mean "batch_size"?\n'
    )


def test_what_this_version_does_not_do_is_shown_too(invoke, manifest):
    text = "apiVersion: tuner.dev/v1alpha1\nkind: InstanceType\nmetadata: {name: large}\n"
    result = invoke("validate", manifest(text + "spec: {nodes: 2}\n"))
    assert result.exit_code == 2
    assert result.stdout.startswith("ranker.yaml:4 spec.nodes: ")


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_problems_can_be_read_by_programs(invoke, manifest, form, read):
    result = invoke("validate", "-o", form, manifest(GOOD.replace("maxTrials: 3", "")))
    (problem,) = read(result.stdout)
    assert result.exit_code == 2
    assert (problem["file"], problem["line"], problem["path"]) == ("ranker.yaml", 15, "spec.budget")
    assert read(invoke("validate", "-o", form, manifest(GOOD)).stdout) == []


def test_files_without_a_document_of_ours_are_bad_manifests(invoke, manifest):
    result = invoke("validate", manifest("apiVersion: v1\nkind: Secret\n"))
    assert result.exit_code == 2
    assert "no document" in result.stderr
