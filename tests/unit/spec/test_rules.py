"""Every rule refuses what it should, with the words of the table shared with the API server."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tuner.spec import check, validate
from tuner.spec.loading import KINDS, Manifest
from tuner.spec.rules import RULES, TRANSITION_RULES

DATA = Path(__file__).parents[2] / "data"


def manifest(data: dict[str, Any]) -> Manifest:
    return Manifest(file="", data=data, lines={})


def test_the_objects_of_the_table_are_valid(spec_objects):
    assert [validate(manifest(data)) for data in spec_objects.values()] == [[]] * 4


def test_a_refusal_names_field_offender_and_suggestion(refusal, edit):
    data = edit(refusal.get("of", "forecast"), refusal["set"])
    assert sorted(map(str, validate(manifest(data)))) == sorted(refusal["tuner"])


def test_a_change_is_allowed_or_refused(change, edit):
    name = change.get("of", "forecast")
    before, after = edit(name, {}), edit(name, change["set"])
    model = KINDS[before["kind"]]
    problems = check(model.model_validate(after), old=model.model_validate(before))
    refused = [change["refused"]] if change["refused"] else []
    assert [problem.message for problem in problems] == refused


def test_every_rule_that_the_server_checks_has_a_case():
    table = yaml.safe_load((DATA / "refusals.yaml").read_text())
    said = [case["server"] for case in table if case["server"]]
    messages = {rule.message for rule in RULES if rule.cel is not None}
    assert {m for m in messages if not any(m in text or text in m for text in said)} == set()


def test_every_rule_of_changes_has_a_case():
    table = yaml.safe_load((DATA / "changes.yaml").read_text())
    assert {rule.message for rule in TRANSITION_RULES} == {
        case["refused"] for case in table if case["refused"]
    }


def test_a_generated_name_leaves_room_for_its_ending(edit):
    fits, long = ("a" * 35, "a" * 36)
    found = [
        validate(manifest(edit("tiny", {"metadata": {"generateName": name}})))
        for name in (fits, long)
    ]
    assert [len(problems) for problems in found] == [0, 1]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


def places(node: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    keys = node if isinstance(node, dict) else range(len(node)) if isinstance(node, list) else ()
    for key in keys:
        yield (*where, key)
        yield from places(node[key], (*where, key))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(data=st.data(), value=JSON)
def test_whatever_stands_in_a_field_is_judged_without_a_crash(data, value, spec_objects):
    study = copy.deepcopy(spec_objects["forecast"])
    *parents, last = data.draw(st.sampled_from(sorted(places(study["spec"]), key=repr)))
    node = study["spec"]
    for key in parents:
        node = node[key]
    node[last] = value
    problems = validate(manifest(study))
    assert all(str(problem).startswith("spec.") for problem in problems)
