"""The operator's decisions, pure: `reconcile(observed) -> chains of actions`."""

from tuner_operator.reconcile.core import reconcile

__all__ = ["reconcile"]
