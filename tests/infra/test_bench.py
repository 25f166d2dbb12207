"""What the bench sets up by hand still answers: ``make bench`` is no part of every run."""

import subprocess
import sys

from tests.infra import stack

_ASK = """
from bench.warm import _event, _ours
from tests.support.fakes.pensions_office import Office

answer = _ours(Office())(_event(1))
assert answer["statusCode"] == 201, answer
"""


def test_the_warm_request_of_the_bench_is_answered() -> None:
    """In a process of its own: the application of pensions is replaced there."""
    path = [str(stack.ROOT / each) for each in ("functions", "layers/common", ".")]
    done = subprocess.run(
        [sys.executable, "-c", _ASK],
        cwd=stack.ROOT,
        env={"PYTHONPATH": ":".join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
