import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.cache import Manifest, StageFacts
from tuner.cache.manifest import (
    MAX_MANIFEST_BYTES,
    MAX_REPORTS,
    decode_manifest,
    encode_manifest,
    thinned,
)
from tuner.errors import ArtifactError, ObjectCorrupt

numbers = st.floats(allow_nan=False, allow_infinity=False)
texts = st.text(max_size=20)
facts = st.builds(
    StageFacts,
    stage=texts,
    study=texts,
    trial=texts,
    first_run_seconds=numbers,
    instance_type=texts,
    price_per_hour=numbers,
    fidelity=st.none() | numbers,
    metrics=st.dictionaries(texts, numbers, max_size=3),
    reports=st.lists(st.dictionaries(texts, numbers, max_size=3), max_size=5).map(tuple),
    components=st.dictionaries(texts, texts, max_size=3),
)
manifests = st.builds(
    Manifest,
    key=texts,
    digest=texts,
    size_bytes=st.integers(0),
    files=st.integers(0),
    created=numbers,
    facts=facts,
    warnings=st.lists(texts, max_size=3).map(tuple),
)


@given(manifests)
def test_round_trip(manifest: Manifest) -> None:
    assert decode_manifest(encode_manifest(manifest), name="x") == manifest


@given(manifests, st.data())
def test_no_document_breaks_the_decoder(manifest: Manifest, data: st.DataObject) -> None:
    document = json.loads(encode_manifest(manifest))
    place = data.draw(st.sampled_from([document, document["facts"]]))
    name = data.draw(st.sampled_from(sorted(place)))
    place[name] = data.draw(st.none() | st.booleans() | st.just(-1) | texts | st.just([[1]]))
    try:
        decoded = decode_manifest(json.dumps(document).encode(), name="x")
    except ObjectCorrupt:
        return
    assert isinstance(decoded, Manifest)


def test_fields_of_later_versions_are_passed_over() -> None:
    manifest = Manifest(
        key="k", digest="d", size_bytes=1, files=1, created=1.0,
        facts=StageFacts(stage="s", study="s", trial="t", first_run_seconds=1.0,
                         instance_type="i", price_per_hour=1.0),
    )  # fmt: skip
    document = json.loads(encode_manifest(manifest)) | {"v": 7, "colour": "blue"}
    assert decode_manifest(json.dumps(document).encode(), name="x") == manifest


@given(st.integers(0, 60), st.integers(0, 20))
def test_a_thinned_curve_keeps_its_last_point(count: int, limit: int) -> None:
    reports = [{"step": step} for step in range(count)]
    kept = thinned(reports, limit=limit)
    assert len(kept) == min(count, limit)
    assert [report["step"] for report in kept] == sorted({report["step"] for report in kept})
    if kept:
        assert kept[-1] == reports[-1]


def large(reports: list[dict[str, object]], **changes: object) -> Manifest:
    return Manifest(
        key="k", digest="d", size_bytes=1, files=1, created=1.0,
        facts=StageFacts(stage="s", study="s", trial="t", first_run_seconds=1.0,
                         instance_type="i", price_per_hour=1.0, reports=reports, **changes),
    )  # fmt: skip


def test_a_long_curve_is_thinned() -> None:
    data = encode_manifest(large([{"step": step} for step in range(5 * MAX_REPORTS)]))
    reports = decode_manifest(data, name="x").facts.reports
    assert len(reports) == MAX_REPORTS
    assert reports[-1] == {"step": 5 * MAX_REPORTS - 1}


def test_a_curve_of_large_reports_is_thinned_further() -> None:
    data = encode_manifest(large([{"step": step, "note": "x" * 5000} for step in range(900)]))
    assert len(data) <= MAX_MANIFEST_BYTES
    reports = decode_manifest(data, name="x").facts.reports
    assert 100 < len(reports) < 300
    assert reports[-1]["step"] == 899


def test_facts_that_are_too_large_are_refused() -> None:
    with pytest.raises(ArtifactError, match="bytes"):
        encode_manifest(large([], components={"image": "x" * MAX_MANIFEST_BYTES}))
