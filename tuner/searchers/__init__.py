"""What to try next: searchers behind one Protocol."""

from tuner.searchers._protocol import History, Searcher, StoredStages, Suggestion
from tuner.searchers.factory import SearcherFactory, make_searcher
from tuner.searchers.initial import InitialTrialsFirst
from tuner.searchers.joint import JointSpace
from tuner.searchers.random import RandomSearcher
from tuner.searchers.rng import proposal_rng
from tuner.searchers.sobol import SobolSearcher

__all__ = [
    "History",
    "InitialTrialsFirst",
    "JointSpace",
    "RandomSearcher",
    "Searcher",
    "SearcherFactory",
    "SobolSearcher",
    "StoredStages",
    "Suggestion",
    "make_searcher",
    "proposal_rng",
]
