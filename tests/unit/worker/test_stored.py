"""The cached prefixes that a proposal may count on: those of the real stage cache."""

import pytest

from tuner.artifacts import FolderStore
from tuner.cache import StageCache, StageFacts
from tuner.pipeline import StudyIdentity, stage_keys
from tuner.trial import Trial
from tuner.worker.stored import LIST_SECONDS, VERIFY_SECONDS, StoredPrefixes, reusable_keys

STUDY = StudyIdentity(name="s", namespace="ml", uid="u1")
IMAGE = "example/image@sha256:" + "0" * 64
TYPES = {"prepare": "small", "train": "small", "measure": "small"}


class CountingStore(FolderStore):
    """Counts its requests."""

    requests = 0

    def list(self, prefix, *, start_after=""):
        self.requests += 1
        return super().list(prefix, start_after=start_after)

    def get(self, key, *, max_bytes):
        self.requests += 1
        return super().get(key, max_bytes=max_bytes)

    def stat(self, key):
        self.requests += 1
        return super().stat(key)


class Bench:
    """A cache, a clock, and stages that were stored for configurations."""

    def __init__(self, folder, spec, specs):
        self.store = CountingStore(folder / "store")
        self.cache = StageCache(self.store, STUDY.cache_prefix)
        self.output = folder / "output"
        self.output.mkdir()
        (self.output / "data").write_text("x")
        self.spec, self.specs = spec, specs
        self.now = 0.0
        self.stored = StoredPrefixes(
            self.cache,
            reusable_keys(spec, study=STUDY, instance_types=specs),
            clock=lambda: self.now,
        )

    def keys(self, parameters, *, study=STUDY):
        trial = Trial(name="t", worker=0, number=0, parameters=parameters, instance_types=TYPES)
        found = stage_keys(self.spec, study=study, trial=trial, instance_types=self.specs)
        return {name: key.digest for name, key in found.items()}

    def keep(self, parameters, stages, *, study=STUDY):
        for stage in stages:
            facts = StageFacts(
                stage=stage,
                study="other.u0",
                trial="other-0-0",
                first_run_seconds=10.0,
                instance_type="small",
                price_per_hour=1.0,
            )
            self.cache.store(self.keys(parameters, study=study)[stage], self.output, facts=facts)

    def count(self, **parameters):
        return self.stored(parameters, TYPES)


@pytest.fixture
def bench(tmp_path, manifest, instance_types):
    def build(*, measure_cache="Reuse", image=IMAGE):
        stages = [
            {"name": "prepare", "command": ["prepare"], "parameters": ["words"]},
            {"name": "train", "command": ["train"], "parameters": ["lr"]},
            {"name": "measure", "command": ["m"], "parameters": [], "cache": measure_cache},
        ]
        spec = manifest(pipeline={"image": image, "stages": stages}).spec
        return Bench(tmp_path, spec, {one.metadata.name: one.spec for one in instance_types})

    return build


def test_leading_stages_that_are_stored_are_counted(bench):
    here = bench()
    here.keep({"words": 100, "lr": 0.1}, ["prepare", "train"])
    assert here.count(words=100, lr=0.1) == 2
    assert here.count(words=100, lr=0.05) == 1
    assert here.count(words=200, lr=0.1) == 0


def test_a_gap_ends_the_prefix(bench):
    here = bench()
    here.keep({"words": 100, "lr": 0.1}, ["train", "measure"])
    assert here.count(words=100, lr=0.1) == 0


def test_numbers_are_typed_by_the_space_before_they_are_keyed(bench):
    here = bench()
    here.keep({"words": 100, "lr": 0.1}, ["prepare"])
    assert here.count(words=100.0, lr=0.1) == 1


def test_a_stage_that_is_never_reused_ends_the_prefix(bench):
    here = bench(measure_cache="Never")
    parameters = {"words": 100, "lr": 0.1}
    here.keep(parameters, ["prepare", "train", "measure"])
    assert here.count(**parameters) == 2


@pytest.mark.parametrize(("image", "count"), [(IMAGE, 1), ("example/image:1", 0)])
def test_other_studies_artifacts_count_where_the_image_has_a_digest(bench, image, count):
    here = bench(image=image)
    other = StudyIdentity(name="other", namespace="ml", uid="u0")
    here.keep({"words": 100, "lr": 0.1}, ["prepare"], study=other)
    assert here.count(words=100, lr=0.1) == count


def test_an_artifact_whose_object_is_gone_does_not_count(bench):
    here = bench()
    here.keep({"words": 100, "lr": 0.1}, ["prepare"])
    blobs = [info.key for info in here.store.list(f"{STUDY.cache_prefix}/blobs/")]
    here.store.delete(blobs)
    assert here.count(words=100, lr=0.1) == 0


def test_one_listing_answers_for_everything_that_is_not_stored(bench):
    here = bench()
    here.keep({"words": 100, "lr": 0.1}, ["prepare"])
    here.store.requests = 0
    for number in range(200):
        assert (
            here.count(words=100 + 100 * (number % 2), lr=0.0004 * (number + 1)) == 1 - number % 2
        )
    # The listing; of the one stored key its manifests, the manifest and the object.
    assert here.store.requests == 1 + 3


def test_what_others_store_is_seen_at_the_next_listing(bench):
    here = bench()
    assert here.count(words=100, lr=0.1) == 0
    here.keep({"words": 100, "lr": 0.1}, ["prepare"])
    here.now = LIST_SECONDS - 1
    assert here.count(words=100, lr=0.1) == 0
    here.now = LIST_SECONDS + 1
    assert here.count(words=100, lr=0.1) == 1


def test_what_is_removed_is_noticed_in_time(bench):
    here = bench()
    here.keep({"words": 100, "lr": 0.1}, ["prepare"])
    assert here.count(words=100, lr=0.1) == 1
    here.store.delete([info.key for info in here.store.list(f"{STUDY.cache_prefix}/blobs/")])
    assert here.count(words=100, lr=0.1) == 1
    here.now = VERIFY_SECONDS
    assert here.count(words=100, lr=0.1) == 0


def test_what_is_no_configuration_of_the_study_has_no_stored_stages(bench):
    here = bench()
    assert here.stored({"words": 100, "lr": "fast"}, TYPES) == 0
    assert here.stored({"words": 100, "lr": 0.1}, {**TYPES, "prepare": "gone"}) == 0
