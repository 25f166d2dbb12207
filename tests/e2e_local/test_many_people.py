"""A small run of the proof with many rows (``python -m bench.proof_10k``): 300 people."""

from pathlib import Path

import pytest

from bench.proof_10k import prove, report

pytestmark = [pytest.mark.slow, pytest.mark.loopback]


def test_nobody_is_lost_or_doubled_and_no_call_is_wasted(tmp_path: Path) -> None:
    told: list[str] = []
    proof = prove(300, tmp_path / "state", told.append)
    assert proof.holds, report(proof)
    assert [each.calls for each in proof.insurers] == [2, 2, 30]
    assert sum(each.people for each in proof.insurers) == 300
    # Ceilings over what was measured, so that a call more per person is seen.
    assert proof.aws_per_person["import"]["dynamodb"] < 0.6
    assert proof.aws_per_person["send"]["dynamodb"] < 9
    assert set(proof.peak_rss_kib) >= {"run-import", "send-to-insurer"}
    assert max(proof.peak_rss_kib.values()) < 128 * 1024
    assert [line.partition(":")[0] for line in told] == ["import", "send", "policy_numbers"]
