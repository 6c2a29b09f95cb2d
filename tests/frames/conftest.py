"""What the tests of the frame API share: certificates."""

from tests.net.conftest import authority, serving, trusting

__all__ = ("authority", "serving", "trusting")
