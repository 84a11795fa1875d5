import json
from pathlib import Path

import pytest
import yaml

from tuner.errors import BackendError
from tuner.pipeline import Layout

LOCAL_FRONT = """\
  TRIAL       loss    cost   train on  vs production
* ranker-0-1  0.2871  $6.10  large     loss -4.3%, cost -39%
  ranker-0-2  0.4     $2.00  small     loss +33%, cost -80%
spent $20.10 (workers $0.00, preempted $0.00); saved by stopping $0.00, by cache $4.00 (4/5 hits); \
1 trial with p95 over 20
"""

CLUSTER_FRONT = """\
  TRIAL       loss    cost    train on  vs production
* ranker-1-7  0.2     $50.00  large     loss -33%, cost +400%
  ranker-0-1  0.2871  $6.10   large     loss -4.3%, cost -39%
  ranker-0-2  0.4     $2.00   small     loss +33%, cost -80%
spent $20.10 (workers $0.80, preempted $0.00); saved by stopping $2.00, by cache $4.00 (4/5 hits); \
1 trial with p95 over 20
"""


def test_the_front_of_a_local_run(invoke, local):
    result = invoke("front", "ranker")
    assert (result.exit_code, result.stdout) == (0, LOCAL_FRONT)


def test_the_front_of_a_cluster_is_completed_from_its_trials(invoke, cluster):
    result = invoke("front", "ranker", "-n", "ml")
    assert (result.exit_code, result.stdout) == (0, CLUSTER_FRONT)


@pytest.mark.parametrize(("form", "read"), [("json", json.loads), ("yaml", yaml.safe_load)])
def test_the_front_can_be_read_by_programs(invoke, local, form, read):
    shape = read(invoke("front", "ranker", "-o", form).stdout)
    assert [point["trial"] for point in shape["paretoFront"]] == ["ranker-0-1", "ranker-0-2"]
    assert shape["paretoFront"][0]["instanceTypes"]["train"] == "large"
    assert shape["cost"]["spent"] == pytest.approx(20.1)
    assert shape["infeasible"] == {"p95": 1}


def test_both_sources_print_the_same_shape(invoke, local, cluster):
    here = json.loads(invoke("front", "ranker", "-o", "json").stdout)
    there = json.loads(invoke("front", "ranker", "-o", "json", "-n", "ml").stdout)
    assert here.keys() == there.keys()
    assert here["paretoFront"][0].keys() == there["paretoFront"][0].keys()


def test_a_front_without_a_feasible_trial(invoke, empty):
    running = invoke("front", "ranker")
    assert (running.exit_code, running.stdout.splitlines()[0]) == (
        0,
        "no feasible trial at full fidelity yet",
    )
    empty.end(succeeded=False, reason="NoTrialCompleted")
    ended = invoke("front", "ranker")
    assert (ended.exit_code, ended.stdout.splitlines()[0]) == (
        3,
        "no feasible trial at full fidelity",
    )


def test_status_of_one_and_of_all(invoke, local):
    text = (
        "NAME    STATE    TRIALS         RUNNING  FRONT  BEST    SPENT\n"
        "ranker  Running  5 (1 stopped)  0        2      0.2871  $20.10/$200.00\n"
    )
    assert invoke("status", "ranker").stdout == text
    assert invoke("status").stdout == text
    local.end()
    assert invoke("status", "ranker").stdout.splitlines()[1:] == [
        "ranker  Succeeded  5 (1 stopped)  0        2      0.2871  $20.10/$200.00",
        "MaxTrialsReached: 9 trials have ended",
    ]


def test_status_of_a_cluster(invoke, cluster):
    shape = json.loads(invoke("status", "-n", "ml", "-o", "json").stdout)
    assert [(each["study"], each["namespace"], each["state"]) for each in shape] == [
        ("ranker", "ml", "Succeeded")
    ]
    cluster.list_studies = list
    assert invoke("status", "-n", "ml").stdout == "no studies\n"


def test_trials_of_both_sources(invoke, local, cluster):
    lines = invoke("trials", "ranker").stdout.splitlines()
    assert lines[0] == (
        "NAME        STATE      train on  FIDELITY  loss    cost    PAID    CACHED   REASON"
    )
    assert lines[2] == (
        "ranker-0-1  Completed  large     9/9       0.2871  $6.10   $6.10   prepare"
    )
    assert lines[5].split()[-1] == "Rung"
    assert invoke("trials", "ranker", "-n", "ml").stdout.splitlines() == lines
    rows = json.loads(invoke("trials", "ranker", "-n", "ml", "-o", "json").stdout)
    assert rows == json.loads(invoke("trials", "ranker", "-o", "json").stdout)
    assert rows[0]["label"] == "production"


def test_a_study_without_trials(invoke, empty):
    assert invoke("trials", "ranker").stdout == "no trials yet\n"
    assert invoke("status", "ranker").stdout.splitlines()[1].split()[1] == "Pending"


def test_logs_of_a_local_trial_are_those_of_all_its_attempts(invoke, local):
    for attempt in (1, 2, 10):
        output = Layout(Path(".tuner/attempts/ranker.local-1/ranker-0-1") / str(attempt)).output_log
        output.parent.mkdir(parents=True)
        output.write_text(f"attempt {attempt}\n")
    result = invoke("logs", "ranker-0-1")
    assert result.stdout == "attempt 1\nattempt 2\nattempt 10\n"


def test_logs_of_a_cluster_are_those_of_its_segments(invoke, cluster):
    result = invoke("logs", "ranker-0-1", "-n", "ml")
    assert result.stdout == "ranker-0-1-1: one\ntwo\nranker-0-1-2: one\ntwo\n"


def test_logs_that_are_gone_are_said_to_be(invoke, cluster):
    cluster.pod_log = lambda pod: iter(())
    result = invoke("logs", "ranker-0-1", "-n", "ml")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "nothing is left" in result.stderr


def test_the_brief_view_of_a_cluster_reads_no_trials(invoke, cluster):
    cluster.list_trials = None
    line = "ranker  Succeeded  5 (1 stopped)  0        3      0.2   $20.10/$200.00"
    assert invoke("status", "-n", "ml").stdout.splitlines()[1] == line
    assert invoke("status", "ranker", "-n", "ml").stdout.splitlines()[1] == line
    assert invoke("wait", "ranker", "-n", "ml").exit_code == 0


def test_a_local_study_does_not_hide_one_of_the_cluster_with_a_longer_name(invoke, local, cluster):
    cluster.study["metadata"]["name"] = "ranker-2"
    shape = json.loads(invoke("status", "ranker-2", "-o", "json").stdout)
    assert shape["namespace"] == "ml"
    assert json.loads(invoke("status", "ranker", "-o", "json").stdout)["namespace"] == "local"


def test_an_object_of_another_version_is_said_to_be(invoke, cluster):
    cluster.study["spec"] = {**cluster.study["spec"], "budget": {"maxTrials": "many"}}
    with pytest.raises(BackendError, match="TuningStudy ranker was written for another version"):
        invoke("status", "ranker", "-n", "ml")
