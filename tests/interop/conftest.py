"""A certificate for the tests that talk over TLS."""

from pathlib import Path

import pytest

from tests.interop.talk import Tls


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    folder: Path = tmp_path_factory.mktemp("tls")
    return Tls.make(str(folder))
