"""The operator: turns studies and trials into pods, and what became of the pods into their status.

Decisions are pure (`reconcile`, `verdicts`, `manifests`); `client`, `bucket` and `handlers` are the
edges that look and act.
"""
