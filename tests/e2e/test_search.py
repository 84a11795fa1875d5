"""The search engine on a cluster: it says why, counts on the cache, and learns from studies."""

import pytest
from scenarios import stage, study

PARAMETERS = [
    {"name": "words", "integer": {"min": 1, "max": 9}},
    {"name": "depth", "float": {"min": 0, "max": 1}},
    {"name": "x", "float": {"min": 0, "max": 1}},
]

PREPARE = 'sleep 3; echo "$TUNER_PARAM_WORDS" > "$TUNER_OUTPUT_DIR/words"'
FEATURES = """
sleep 1
cp "$TUNER_STAGE_PREPARE_DIR/words" "$TUNER_OUTPUT_DIR/words"
echo "$TUNER_PARAM_DEPTH" > "$TUNER_OUTPUT_DIR/depth"
"""
TRAIN = """
read -r words < "$TUNER_STAGE_FEATURES_DIR/words"
read -r depth < "$TUNER_STAGE_FEATURES_DIR/depth"
awk -v w="$words" -v d="$depth" -v x="$TUNER_PARAM_X" '
function squared(v) { return v * v }
BEGIN {
    loss = 0.1 + squared(w / 9 - 0.6) + squared(d - 0.3) + squared(x - 0.7)
    printf "{\\"loss\\": %.6f}\\n", loss
}' >> "$TUNER_REPORTS"
"""


def pipeline_study(name, *, types, trials, **spec):
    """Three stages; the first takes most of the time."""
    return study(
        name,
        stage(PREPARE, name="prepare", parameters=["words"]),
        stage(FEATURES, name="features", parameters=["depth"]),
        stage(TRAIN, name="train", parameters=["x"]),
        types=types,
        parameters=PARAMETERS,
        budget={"maxTrials": trials},
        **spec,
    )


def why_of(trial):
    return trial["spec"]["why"]


def test_auto_says_why_and_takes_from_the_cache_what_it_counted_on(studies, instance_type):
    name = studies.apply(
        pipeline_study(
            "auto",
            types=[instance_type()],
            trials=12,
            searcher={"type": "Auto", "seed": 3},
            parallelTrials=3,
        )
    )
    assert studies.end(name, seconds=150)["state"] == "Succeeded", studies.describe()
    trials = studies.trials(name)
    modelled = [one for one in trials if "predicted" in why_of(one)]
    assert len(modelled) >= 4, [why_of(one) for one in trials]
    for one in modelled:
        why = why_of(one)
        assert why["searcher"] == "Auto"
        assert why["candidates"] >= 1000
        assert why["predicted"]["loss"]["sd"] >= 0
        assert 0 < why["predicted"]["loss"]["mean"] < 2
        assert 0 <= why["eta"] <= 1
        assert set(why["spend"]) & {"usd", "seconds"}
    counted_on = {
        one["metadata"]["name"]: why_of(one)["prefix"]["stages"]
        for one in modelled
        if "prefix" in why_of(one) and not why_of(one)["prefix"].get("running")
    }
    assert counted_on, [why_of(one) for one in modelled]
    for one in trials:
        wanted = counted_on.get(one["metadata"]["name"], [])
        outcomes = {each["name"]: each["outcome"] for each in one["status"]["stages"]}
        assert [outcomes[each] for each in wanted] == ["Cached"] * len(wanted)


@pytest.fixture
def earlier(studies, instance_type):
    """Two finished studies of the same space, and the instance type that they used."""
    used = instance_type()
    for seed, name in enumerate(("first", "second")):
        studies.apply(
            study(
                name,
                stage(LOSS, parameters=["depth", "x"]),
                types=[used],
                parameters=PARAMETERS[1:],
                searcher={"type": "Random", "seed": seed},
                parallelTrials=4,
                budget={"maxTrials": 8},
            )
        )
    for name in ("first", "second"):
        assert studies.end(name, seconds=120)["state"] == "Succeeded", studies.describe()
    return used


LOSS = """
awk -v d="$TUNER_PARAM_DEPTH" -v x="$TUNER_PARAM_X" '
function squared(v) { return v * v }
BEGIN { printf "{\\"loss\\": %.6f}\\n", squared(d - 0.3) + squared(x - 0.7) }
' >> "$TUNER_REPORTS"
"""


def test_a_third_study_starts_from_what_two_others_found(studies, earlier):
    wanted = {"studies": ["first", "second", "nobody"]}
    name = studies.apply(
        study(
            "third",
            stage(LOSS, parameters=["depth", "x"]),
            types=[earlier],
            parameters=PARAMETERS[1:],
            searcher={"type": "Auto", "seed": 7},
            transfer=wanted,
            parallelTrials=1,
            budget={"maxTrials": 3},
        )
    )
    assert studies.end(name, seconds=120)["state"] == "Succeeded", studies.describe()
    ready = studies.condition(name, "TransferReady")
    assert (ready["status"], ready["reason"]) == ("False", "StudyNotFound")
    assert "nobody" in ready["message"]
    known = [one for other in ("first", "second") for one in studies.trials(other)]
    losses = sorted(one["status"]["metrics"]["loss"] for one in known)
    first = studies.trials(name)[0]
    same = [one for one in known if one["spec"]["parameters"] == first["spec"]["parameters"]]
    assert same, (first["spec"], [one["spec"]["parameters"] for one in known])
    # Without the others a study begins anywhere: a random trial's loss is the median's.
    assert first["status"]["metrics"]["loss"] <= losses[len(losses) // 4]
