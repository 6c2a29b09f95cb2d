"""The packages that ``make libraries`` runs, and how."""

from dataclasses import dataclass, field
from pathlib import Path

__all__ = ("PACKAGES", "Package")


@dataclass(frozen=True)
class Package:
    """A distribution whose tests run.

    :param name: as pip knows it.
    :param tests: files and folders in its source distribution.
    :param program: a file in ``programs/``, of ours, where it ships no tests.
    :param needs: further distributions that the tests need.
    :param peers: the libraries that it uses, and that this package stands in for.
    :param extras: of the package, to install with it.
    :param folder: where its tests expect to be started, in its sources.
    :param path: folders of its sources that its tests import from.
    :param arguments: more arguments of pytest.
    :param variables: of the environment.
    :param left_out: tests that run on neither library, with the reason.
    :param differs: beginnings of tests' ids that may fail here, with the reason.
    :param quick: runs in CI.
    :param timeout: of one test, in seconds.
    """

    name: str
    tests: list[str] = field(default_factory=list)
    program: str = ""
    needs: tuple[str, ...] = ()
    peers: tuple[str, ...] = ("aiohttp",)
    extras: str = ""
    folder: str = "."
    path: tuple[str, ...] = ()
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    differs: dict[str, str] = field(default_factory=dict)
    quick: bool = False
    timeout: int = 60

    @property
    def installed(self) -> str:
        return f"{self.name}[{self.extras}]" if self.extras else self.name

    @property
    def note(self) -> str:
        what = "its own" if self.tests else "a program of ours"
        return "; ".join([what, *sorted(set(self.differs.values()))])

    def path_entries(self, sources: Path) -> list[str]:
        return [str(sources / folder) for folder in self.path]


NETWORK = "needs the internet"
PRIVATE = "a test reads or sets private attributes of aiohttp's or websockets' own making"
WORDING = "a test compares the wording of an error"
SERVICE = "needs a service that is not installed"

PACKAGES = [
    Package("aiohttp-jinja2", tests=["tests"], needs=("pytest-aiohttp",), quick=True),
    Package(
        "aiohttp-session",
        extras="secure,pycrypto",
        tests=["tests"],
        needs=("pytest-aiohttp", "pytest-mock", "pynacl", "aiomcache", "redis", "docker"),
        left_out={
            "tests/test_memcached_storage.py": SERVICE,
            "tests/test_redis_storage.py": SERVICE,
        },
        quick=True,
    ),
    Package(
        "aiohttp-cors",
        tests=["tests/unit"],
        needs=("pytest-aiohttp", "selenium"),
        quick=True,
    ),
    Package(
        "aiohttp-security",
        tests=["tests"],
        needs=("pytest-aiohttp", "aiohttp-session[secure]", "pyjwt"),
        quick=True,
    ),
    Package(
        "aiohttp-sse",
        tests=["tests"],
        needs=("pytest-aiohttp",),
        quick=True,
    ),
    Package(
        "aiohttp-swagger3",
        program="aiohttp_swagger3_docs.py",
        needs=("pytest-aiohttp",),
        quick=True,
    ),
    Package(
        "aiohttp-debugtoolbar",
        program="aiohttp_debugtoolbar_pages.py",
        needs=("pytest-aiohttp",),
        quick=True,
    ),
    Package(
        "aiohttp-pydantic",
        program="aiohttp_pydantic_views.py",
        needs=("pytest-aiohttp",),
    ),
    Package("aiojobs", extras="aiohttp", tests=["tests"], needs=("pytest-aiohttp",), quick=True),
    Package("pytest-aiohttp", tests=["tests"], quick=True),
    Package(
        "aiohttp-retry", program="aiohttp_retry_client.py", needs=("pytest-aiohttp",), quick=True
    ),
    Package("aioresponses", tests=["tests"], needs=("ddt",), quick=True),
    Package(
        "aiohttp-socks",
        program="aiohttp_socks_proxies.py",
        needs=("pytest-aiohttp", "tiny-proxy", "trustme"),
        quick=True,
    ),
    Package(
        "aiohttp-client-cache",
        extras="all",
        tests=["test/unit", "test/integration"],
        needs=("pytest-aiohttp", "faker", "pytest-xdist", "brotli", "flask"),
        left_out={
            "test/integration/test_dynamodb.py": SERVICE,
            "test/integration/test_mongodb.py": SERVICE,
            "test/integration/test_redis.py": SERVICE,
        },
    ),
    Package(
        "vcrpy",
        tests=["tests/integration/test_aiohttp.py"],
        differs={
            "tests/integration/test_aiohttp.py::"
            "test_aiohttp_sync_generator_body_is_rejected_as_without_vcr": WORDING,
        },
        needs=("pytest-aiohttp", "pytest-httpbin", "requests", "urllib3"),
    ),
    Package(
        "python-engineio",
        tests=["tests/async", "tests/common"],
        needs=("aiohttp", "tornado", "requests", "websocket-client", "eventlet", "uvicorn"),
    ),
    Package(
        "python-socketio",
        tests=["tests/async", "tests/common"],
        needs=("aiohttp", "msgpack", "redis", "valkey", "requests", "uvicorn", "websocket-client"),
    ),
    Package(
        "strawberry-graphql",
        program="strawberry_graphql.py",
        needs=("pytest-aiohttp",),
        quick=True,
    ),
    Package(
        "gql",
        extras="all",
        tests=["tests"],
        needs=("pytest-aiohttp", "parse", "vcrpy", "pytest-console-scripts", "mock", "aiofiles"),
        peers=("aiohttp", "websockets"),
        differs={
            "tests/test_aiohttp_websocket_subscription.py::"
            "test_subscribe_on_closing_transport": PRIVATE,
        },
        left_out={
            "tests/test_aiohttp_online.py": NETWORK,
            "tests/test_websocket_online.py": NETWORK,
        },
    ),
    Package(
        "sentry-sdk",
        tests=["tests/integrations/aiohttp"],
        needs=(
            "pytest-aiohttp",
            "pytest-localserver",
            "pytest-forked",
            "jsonschema",
            "executing",
            "asttokens",
            "responses",
            "pysocks",
            "socksio",
            "httpcore[http2]",
            "brotli",
            "docker",
        ),
    ),
    Package(
        "opentelemetry-instrumentation-aiohttp-client",
        tests=["tests"],
        needs=("opentelemetry-test-utils", "pytest-aiohttp", "http-server-mock"),
    ),
    Package(
        "opentelemetry-instrumentation-aiohttp-server",
        tests=["tests"],
        needs=("opentelemetry-test-utils", "pytest-aiohttp"),
        quick=True,
    ),
    Package("discord.py", program="discord_py.py"),
    Package(
        "aiogram",
        tests=["tests"],
        differs={
            "tests/test_api/test_client/test_session/test_aiohttp_session.py::"
            "TestAiohttpSession::test_build_form_data_with_": PRIVATE,
        },
        extras="proxy,redis,mongo,i18n,signature",
        needs=(
            "pytest-aiohttp",
            "pytest-mock",
            "pytest-html",
            "aresponses",
            "pytz",
            "pycryptodomex",
        ),
    ),
    Package(
        "aiobotocore",
        extras="awscli,boto3,httpx",
        tests=["tests"],
        needs=(
            "moto[server,s3,ec2,dynamodb,sns,sqs,awslambda,batch]",
            "pytest-aiohttp",
            "pytest-xdist",
            "tiny-proxy",
            "trustme",
            "dill",
            "docker",
            "time-machine",
            "pip",
        ),
    ),
    Package("ccxt", program="ccxt_exchange.py"),
    Package(
        "slack-bolt",
        program="slack_bolt_app.py",
        needs=("aiohttp", "pytest-aiohttp"),
        quick=True,
    ),
    Package(
        "kubernetes_asyncio",
        tests=["kubernetes_asyncio"],
        arguments=("-o", "python_files=*_test.py test_rest.py"),
    ),
    Package(
        "fsspec",
        extras="http",
        program="fsspec_http.py",
    ),
    Package(
        "aiohttp-sse-client", program="aiohttp_sse_client_events.py", needs=("pytest-aiohttp",)
    ),
    Package("hikari", tests=["tests"], needs=("mock", "async-timeout", "freezegun")),
    Package(
        "uvicorn",
        extras="standard",
        tests=[
            "tests/protocols/test_websocket.py",
            "tests/middleware",
            "tests/protocols/test_http.py",
        ],
        needs=("trustme", "cryptography", "httpx2", "pytest-mock", "a2wsgi", "anyio"),
        peers=("websockets",),
        differs={
            "tests/protocols/test_websocket.py::test_server_keepalive_ping_timeout": PRIVATE,
        },
    ),
    Package(
        "sanic",
        tests=["tests/test_websockets.py", "tests/test_ws_handlers.py"],
        needs=("sanic-testing", "beautifulsoup4", "chardet", "uvicorn", "aioquic"),
        peers=("websockets",),
        quick=True,
    ),
    Package(
        "web3",
        tests=[
            "tests/core/providers",
            "tests/beacon",
            "tests/core/utilities/test_http_session_manager.py",
        ],
        needs=(
            "pytest-mock",
            "eth-tester[py-evm]",
            "py-geth",
            "hypothesis",
            "flaky",
            "pytest-xdist",
        ),
        peers=("aiohttp", "websockets"),
    ),
]
