"""The search engine: a joint model, one pool of actions, one acquisition (docs/design/0005)."""

from tuner.searchers.engine.engine import Engine
from tuner.searchers.engine.facts import Facts, facts_of
from tuner.searchers.engine.settings import EngineSettings

__all__ = ["Engine", "EngineSettings", "Facts", "facts_of"]
