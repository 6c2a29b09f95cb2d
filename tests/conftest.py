"""What every test can use: the rule for absent peers (``peers.py``), the event loop
(``loops.py``), the effort of a run.
"""

from collections.abc import Callable

import pytest
from hypothesis import settings

from tests.effort import examples
from tests.loops import LoopFactory, chosen_loop
from tests.peers import require

# No deadline: a busy machine is not a fault of the code under test.
settings.register_profile("house", max_examples=examples(100), deadline=None, print_blob=True)
settings.load_profile("house")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "peer(*names): the test talks to these programs or libraries; it is skipped where one "
        "is absent, and fails there with REQUIRE_PEERS=1",
    )


def pytest_asyncio_loop_factories() -> dict[str, LoopFactory]:
    return chosen_loop()


def pytest_runtest_setup(item: pytest.Item) -> None:
    for marker in item.iter_markers("peer"):
        for name in marker.args:
            require(name)


@pytest.fixture(scope="session")
def peer() -> Callable[[str], str]:
    """A function that gives a peer's path: ``peer("curl")``. It skips as the marker does."""
    return require
