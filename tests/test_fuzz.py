"""A small share of what `python tests/fuzz.py` tries: 200 malformed and odd files through every reader."""

import numpy as np
from fuzz import Outcome, attempt, run


def test_malformed_files_are_read_or_refused():
    outcomes, faults = run(200)
    assert not faults, "\n".join(faults[:3])
    assert sum(outcome.counts.total() for outcome in outcomes.values()) == 200
    assert sum(outcome.counts["refused"] for outcome in outcomes.values()) > 40
    assert sum(outcome.counts["read"] for outcome in outcomes.values()) > 20


def test_a_fault_is_seen(tmp_path, monkeypatch):
    monkeypatch.setattr("fuzz.load_photo", lambda path: np.zeros(3)[7])
    outcome = Outcome()
    assert "IndexError" in attempt("jpg", b"\xff\xd8\xff", tmp_path, outcome) and outcome.counts == {"fault": 1}
