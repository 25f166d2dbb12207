"""Write the points of faults anew: ``python -m tests.budgets``."""

from tests.budgets import fault_points
from tests.crash.use_cases import USE_CASES, small_groups
from tests.support.drive import Explorer, driving


def main() -> None:
    """Run every use case once and note its calls."""
    table = {}
    with small_groups():
        for use_case in USE_CASES:
            with driving() as drive:
                table[use_case.name] = Explorer(drive, use_case, lambda _drive: []).trace()
    fault_points.write(table)


if __name__ == "__main__":
    main()
