"""Memory under late, repeated and lost messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner_operator.actions import Ref
from tuner_operator.client.patches import merge_patch
from tuner_operator.memory import Memory

KEY = ("ns", "s")


def obj(version, *, uid="u", kind="Pod", name="p", **more):
    return {
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "ns",
            "uid": uid,
            "resourceVersion": str(version),
            "labels": {"tuner.dev/study": "s"},
        },
        "spec": {"study": "s"},
        **more,
    }


@pytest.fixture
def changes():
    return []


@pytest.fixture
def memory(changes):
    return Memory(changed=changes.append, types_changed=lambda: changes.append("types"))


def version(memory, kind="Pod"):
    known = memory.get(kind, "ns", "p")
    return known and known["metadata"]["resourceVersion"]


def test_an_older_version_changes_nothing(memory, changes):
    memory.put(obj(5))
    memory.put(obj(3))
    memory.put(obj(5))
    assert version(memory) == "5"
    assert changes == [KEY]


def test_what_was_deleted_does_not_come_back(memory):
    memory.put(obj(5))
    memory.remove(obj(6))
    memory.put(obj(7))
    assert version(memory) is None
    assert memory.gone("Pod", "ns", "p") is not None


def test_a_late_deletion_spares_the_successor(memory):
    memory.put(obj(5))
    memory.put(obj(9, uid="second"))
    memory.remove(obj(6))
    assert version(memory) == "9"


def test_a_list_removes_what_is_older_than_it(memory):
    memory.put(obj(5))
    memory.put(obj(20, name="young"))
    memory.relist("Pod", [], version=10)
    assert version(memory) is None
    assert memory.get("Pod", "ns", "young") is not None


def test_a_deleted_pod_is_kept_as_it_was_seen_last_until_it_is_forgotten(memory):
    memory.put(obj(5))
    memory.remove(obj(6, status={"phase": "Failed"}))
    ((last, gone),) = memory.of_study("Pod", KEY)
    assert gone
    assert last["status"] == {"phase": "Failed"}
    memory.forget(Ref(kind="Pod", namespace="ns", name="p"))
    assert list(memory.of_study("Pod", KEY)) == []


def test_types_and_nodes_concern_everybody(memory, changes):
    node = obj(1, kind="Node", name="n", status={"conditions": []})
    node["metadata"] |= {"namespace": "", "labels": {}}
    memory.put(node)
    assert changes == ["types"]


@pytest.mark.parametrize(
    ("kind", "before", "after", "told"),
    [
        ("InstanceType", {"runningTrials": 1}, {"runningTrials": 2}, 0),
        ("InstanceType", {"nodes": 1}, {"nodes": 2}, 1),
        ("Node", {"lastHeartbeatTime": "a"}, {"lastHeartbeatTime": "b"}, 0),
        ("Node", {"status": "True"}, {"status": "False"}, 1),
    ],
)
def test_only_what_is_decided_by_concerns_everybody(kind, before, after, told):
    heard = []
    memory = Memory(changed=lambda key: None, types_changed=lambda: heard.append(1))
    for number, status in enumerate((before, after), start=1):
        found = {"conditions": [{"type": "Ready", **status}]} if kind == "Node" else status
        memory.put(obj(number, kind=kind, status=found))
    assert len(heard) == 1 + told
    assert version(memory, kind) == "2"


def test_of_a_pod_only_what_is_read_is_kept(memory):
    memory.put({**obj(1), "spec": {"nodeName": "n", "containers": [{"name": "stage"}]}})
    assert memory.get("Pod", "ns", "p")["spec"] == {"nodeName": "n"}


MESSAGES = st.permutations(
    [("put", 1), ("put", 2), ("put", 2), ("put", 3), ("remove", 4), ("put", 4)]
)


@given(MESSAGES)
def test_any_order_of_messages_ends_the_same(messages):
    memory = Memory(changed=lambda key: None, types_changed=lambda: None)
    for what, number in messages:
        getattr(memory, what)(obj(number))
    assert version(memory) is None


DOCUMENTS = st.recursive(
    st.integers() | st.text(max_size=3) | st.lists(st.integers(), max_size=2),
    lambda inner: st.dictionaries(st.text(max_size=2), inner, max_size=3),
)
OBJECTS = st.dictionaries(st.text(max_size=2), DOCUMENTS, max_size=4)


def apply(target, patch):
    """RFC 7386."""
    if not isinstance(patch, dict):
        return patch
    merged = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = apply(merged.get(key), value)
    return merged


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_leads_from_old_to_new(old, new):
    assert apply(old, merge_patch(old, new)) == new


@given(OBJECTS)
def test_there_is_nothing_to_patch_between_equals(document):
    assert merge_patch(document, document) == {}
