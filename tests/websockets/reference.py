"""Which version of websockets the message API is held against."""

import pytest
import websockets

RELEASE = int(websockets.__version__.partition(".")[0])

# A test that says "as websockets does" means this release; Python 3.10 has none after 16.
as_websockets_17 = pytest.mark.skipif(
    RELEASE < 17,
    reason=f"websockets {websockets.__version__} does otherwise: needs 17 (Python 3.11+)",
)
