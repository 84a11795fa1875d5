"""The study as a state machine without I/O, its budget, its history and its summary.

Modules are imported by name (`from tuner.study.budget import admit`), so that a process pays only
for what it uses.
"""
