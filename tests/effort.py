"""How hard the property tests try: ``make fuzz`` gives them FUZZ=50 times their examples."""

import os

FUZZ = int(os.environ.get("FUZZ", "1"))


def examples(usual: int) -> int:
    """The number of examples for a test that usually has this many."""
    return usual * FUZZ
