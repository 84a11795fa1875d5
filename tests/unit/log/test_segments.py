import gzip
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.artifacts import validate_key
from tuner.errors import LogError, ObjectCorrupt
from tuner.log.segments import (
    Block,
    SegmentName,
    decode_segment,
    encode_segment,
    line_of,
    new_block,
    parse_segment_name,
    route,
    segment_name,
)

times = st.integers(0, 10**13 - 1)
writers = st.from_regex(r"[cm][0-9]{1,4}-[0-9a-f]{8}", fullmatch=True)
names = st.builds(
    lambda one, other, writer: SegmentName(min(one, other), max(one, other) + 1, writer),
    st.integers(0, 10**12),
    st.integers(0, 10**12),
    writers,
)
bodies = st.dictionaries(st.text(max_size=5), st.integers() | st.text(max_size=8), max_size=3)
rows = st.lists(st.tuples(st.from_regex(r"[0-9]{13}\.[a-z.0-9]+", fullmatch=True), bodies))


@given(names)
def test_names_round_trip(name: SegmentName) -> None:
    text = segment_name(name)
    assert parse_segment_name(text) == name
    assert validate_key(f"studies/n/s.u/segments/{text}")


@given(names, names)
def test_names_sort_as_their_keys(one: SegmentName, other: SegmentName) -> None:
    if one.begin != other.begin or one.end != other.end:
        assert (one < other) == (segment_name(one) < segment_name(other))


@given(st.text(max_size=70))
def test_no_name_breaks_the_parser(text: str) -> None:
    name = parse_segment_name(text)
    assert name is None or segment_name(name) == text


@pytest.mark.parametrize(
    "name", [SegmentName(2, 2, "c0-ab"), SegmentName(0, 10**13, "c0-ab"), SegmentName(0, 1, "x0")]
)
def test_names_are_checked(name: SegmentName) -> None:
    with pytest.raises(LogError):
        segment_name(name)


def block(name: SegmentName, content) -> Block:
    return new_block(name, [line_of(key, json.dumps(body).encode()) for key, body in content])


@given(st.lists(st.tuples(names, rows), unique_by=lambda one: one[0], max_size=4))
def test_segments_round_trip_and_show_as_lines(content) -> None:
    data = encode_segment(block(name, found) for name, found in content)
    blocks = decode_segment(data, key="k")
    assert [one.name for one in blocks] == [name for name, _ in content]
    assert [[(key, body) for key, body in one.rows()] for one in blocks] == [
        found for _, found in content
    ]
    assert [one.names() for one in blocks] == [[key for key, _ in found] for _, found in content]
    # Copied whole: a segment made of these blocks is the same.
    assert encode_segment(blocks) == data
    header, *lines = gzip.decompress(data).decode().splitlines()
    assert json.loads(header)["v"] == 1
    assert [tuple(json.loads(line)) for line in lines] == [
        one for _, found in content for one in found
    ]


def test_a_body_of_several_lines_becomes_one() -> None:
    assert line_of("a", b'{\n "v": 1}\n') == b'["a",{"v":1}]'


NAME = SegmentName(1, 2, "c0-ab")


@pytest.mark.parametrize("cut", range(0, 140, 7))
def test_what_is_cut_off_is_no_segment(cut: int) -> None:
    data = encode_segment([block(NAME, [("a", {"v": 1})])])
    with pytest.raises(ObjectCorrupt):
        decode_segment(data[: min(cut, len(data) - 1)], key="k")


@pytest.mark.parametrize(
    "header", [b"{}", b"[]", b'{"blocks":[["x",1,1]]}', b'{"blocks":[1]}', b"x"]
)
def test_what_has_no_table_is_no_segment(header: bytes) -> None:
    with pytest.raises(ObjectCorrupt):
        decode_segment(gzip.compress(header), key="k")


@pytest.mark.parametrize("lines", [[b'["a"]'], [b"[1,2]"], [b'["a",{}]', b'["b",{}]']])
def test_what_has_other_lines_is_no_block(lines: list[bytes]) -> None:
    made = new_block(NAME, lines)
    with pytest.raises(ObjectCorrupt):
        Block(NAME, 1, made.data).rows()


def test_a_block_with_a_wrong_byte_is_none() -> None:
    made = block(NAME, [("a", {"v": 1})])
    wrong = bytearray(made.data)
    wrong[-6] ^= 1
    with pytest.raises(ObjectCorrupt):
        Block(NAME, 1, bytes(wrong)).rows()


@given(
    st.lists(st.tuples(st.integers(0, 60), st.integers(1, 30)), max_size=12),
    st.data(),
)
def test_the_route_comes_by_every_block(spans, data) -> None:
    """Whatever a segment turns out to hold besides its own block."""
    segments = [SegmentName(b, b + n, f"c{i}-ab") for i, (b, n) in enumerate(spans)]
    done: set[SegmentName] = set()
    visited = []
    for name in route(segments, done=done.__contains__):
        assert name not in done
        visited.append(name)
        held = data.draw(st.sets(st.sampled_from(segments)))
        done.update({name, *held})
    assert done >= set(segments)
    assert len(visited) == len(set(visited))


def test_the_route_takes_the_segment_that_repeats_the_others() -> None:
    cuts = [SegmentName(10 * i - 60, 10 * i, "c0-ab") for i in range(10, 22)]
    holds = {one: {other for other in cuts if one.begin < other.end <= one.end} for one in cuts}
    done: set[SegmentName] = set()
    visited = []
    for name in route(cuts, done=done.__contains__):
        visited.append(name.end)
        done.update(holds[name])
    assert visited == [150, 210]
