"""`tuner pretrain` and `tuner prior show` on the folder of `tuner run`."""

import json
from dataclasses import asdict

import pytest
import yaml

from tuner.artifacts import FolderStore
from tuner.log import Kind, StudyLog, study_prefix
from tuner.study.bodies import proposed_body
from tuner.transfer.record import TransferRecord, put_record
from tuner.trial import Outcome, Trial, TrialResult

MANIFEST = """
apiVersion: tuner.dev/v1alpha1
kind: InstanceType
metadata: {name: small}
spec: {pricePerHour: 1}
---
apiVersion: tuner.dev/v1alpha1
kind: TuningStudy
metadata: {name: second}
spec:
  objectives: [{metric: loss, direction: Minimize}]
  parameters: [{name: lr, float: {min: 0, max: 1}}]
  hardware: {instanceTypes: [small]}
  pipeline: {image: example, stages: [{name: train, command: [run]}]}
  budget: {maxTrials: 4}
  transfer: {studies: [first, nope]}
"""


@pytest.fixture
def folder(tmp_path):
    """The folder of `tuner run` with a finished study, `first`, and the manifest of `second`."""
    (document,) = [one for one in yaml.safe_load_all(MANIFEST) if one["kind"] == "TuningStudy"]
    (tmp_path / "second.yaml").write_text(MANIFEST)
    log = StudyLog(FolderStore(tmp_path / ".tuner"), study_prefix("local", "first", uid="local-1"))
    spec = {key: value for key, value in document["spec"].items() if key != "transfer"}
    log.put_marker({"name": "first", "uid": "local-1", "spec": spec})
    for number in range(8):
        _completed(log, number, lr=number / 8)
    return tmp_path / ".tuner"


def _completed(log, number, *, lr):
    name = f"first-0-{number}"
    trial = Trial(
        name=name,
        worker=0,
        number=number,
        parameters={"lr": lr},
        instance_types={"train": "small"},
    )
    result = TrialResult(
        trial=name,
        attempt=1,
        outcome=Outcome.COMPLETED,
        reason="",
        message="",
        fidelity=1.0,
        metrics={"loss": (lr - 0.4) ** 2},
        stages=(),
    )
    log.append(Kind.PROPOSED, trial=name, attempt=0, body=proposed_body(trial))
    log.append(Kind.RESULT, trial=name, attempt=1, body=asdict(result))


def test_pretraining_stores_what_the_study_will_use(invoke, folder):
    first = invoke("pretrain", "second.yaml", "-o", "json")
    assert first.exit_code == 0
    said = json.loads(first.stdout)
    assert [one["study"] for one in said["sources"]] == ["first"]
    assert (said["missing"], said["trained"]) == (["nope"], True)
    assert (folder / "cache/local/priors" / f"{said['key']}.safetensors").is_file()
    again = json.loads(invoke("pretrain", "second.yaml", "-o", "json").stdout)
    assert again == {**said, "trained": False}


def test_people_read_whom_was_learned_from_and_what_to_do(invoke, folder):
    result = invoke("pretrain", "second.yaml")
    assert "learned from first" in result.stdout
    assert "no study named nope has a log here" in result.stdout


def test_a_study_without_transfer_is_told_to_name_studies(invoke, folder):
    from tuner.errors import ManifestError

    manifest = folder.parent / "second.yaml"
    manifest.write_text(MANIFEST.replace("  transfer: {studies: [first, nope]}\n", ""))
    with pytest.raises(ManifestError, match=r"second has no spec\.transfer"):
        invoke("pretrain", manifest)


def test_what_a_study_learned_is_shown(invoke, folder):
    said = json.loads(invoke("pretrain", "second.yaml", "-o", "json").stdout)
    store, prefix = FolderStore(folder), study_prefix("local", "second", uid="local-1")
    StudyLog(store, prefix).put_marker({"name": "second", "uid": "local-1"})
    put_record(store, prefix, record=TransferRecord(prior=said["key"], missing=("nope",)))
    shown = yaml.safe_load(invoke("prior", "show", "second", "-o", "yaml").stdout)
    assert shown["prior"] == said["prior"]
    assert shown["missing"] == ["nope"]
    assert "nope" in invoke("prior", "show", "second").stdout


def test_studies_that_learned_nothing_or_do_not_exist_are_named(invoke, folder):
    from tuner.errors import UnknownObject

    with pytest.raises(UnknownObject, match="first has not learned"):
        invoke("prior", "show", "first")
    with pytest.raises(UnknownObject, match="no study third in the store; it has: first"):
        invoke("prior", "show", "third")


def test_a_bucket_must_be_known(invoke, folder, monkeypatch):
    from tuner.errors import TunerError

    monkeypatch.delenv("TUNER_STORE", raising=False)
    with pytest.raises(TunerError, match="TUNER_STORE is not set"):
        invoke("prior", "show", "first", "-n", "ml")
