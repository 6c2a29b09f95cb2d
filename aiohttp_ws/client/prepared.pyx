"""What is prepared once for the requests of a session: heads as bytes, keys of connections.

Most requests of a session differ in their URL alone. What they have in common is made by the very
classes that make any other request, once, and kept while the session's settings and the methods
that had a say stay the same. Whatever is out of the ordinary is not prepared: a login, a proxy, a
middleware, a subclass that overrides a step, a method that a test has patched.
"""

from multidict import CIMultiDict, getversion

from aiohttp_ws.client.pool cimport ConnectionPool

from aiohttp_ws import hdrs
from aiohttp_ws.http.headers import HttpVersion11
from aiohttp_ws.http.payload import BytesPayload
from aiohttp_ws.wire.http1 import HTTP_11, serialise_request_head
from aiohttp_ws.wire.serialise import is_request_target, serialise_fields

cdef extern from "Python.h":
    ctypedef struct PyObject:
        pass
    PyObject *PyDict_GetItemWithError(object mapping, object key) except? NULL

cdef extern from "aiohttp_ws/client/type_tag.h":
    unsigned int aws_type_tag(object type)

# So many URLs are remembered; then all are forgotten at once.
cdef enum:
    MOST_TARGETS = 512
    MOST_ORIGINS = 64

# A header field that shows where those of one request go.
cdef str MARK = "X-Fields-Of-The-Request"
# Fields that decide how a message is read, or what becomes of the connection.
cdef frozenset FRAMING = frozenset(
    {"connection", "content-length", "expect", "host", "te", "transfer-encoding", "upgrade"}
)
# Settings of a session whose change makes what was prepared wrong.
SETTINGS = (
    "_base_url",
    "_connector",
    "_cookie_jar",
    "_default_auth",
    "_default_headers",
    "_default_proxy",
    "_json_serialize",
    "_json_serialize_bytes",
    "_loop",
    "_middlewares",
    "_raise_for_status",
    "_request_class",
    "_response_class",
    "_skip_lower",
    "_trace_configs",
    "_trust_env",
    "_usual_plan",
    "_version",
)
cdef tuple _SETTINGS = SETTINGS
# Class -> what its methods were when the package was loaded.
cdef dict ORIGINALS = {}
# Methods of connectors that lend and take back.
cdef tuple LENDING = (
    "_close_protocol",
    "_give_back",
    "_has_room",
    "_lend_kept",
    "_pop_idle",
    "_release",
    "_take",
    "_wake",
    "acquire_idle",
    "connect",
)
cdef object SESSION = None
cdef object REQUEST = None
cdef object RESPONSE = None


def remember(session, request, response, connector):
    """Take note of the classes as they are, before anybody can have patched them."""
    global SESSION, REQUEST, RESPONSE
    SESSION, REQUEST, RESPONSE = session, request, response
    for cls in (session, request, response):
        names = {name for base in cls.__mro__ if base is not object for name in vars(base)}
        ORIGINALS[cls] = {
            name: found_in(cls, name)
            for name in names
            if callable(getattr(cls, name, None))
            # What begins and ends a session, and what users call, is not of a request.
            and (name[0] == "_" if cls is session else True)
            and (name[:2] != "__" or name == "__init__" and cls is not session)
        }
    ORIGINALS[connector] = {name: found_in(connector, name) for name in LENDING}


cdef object found_in(object cls, object name):
    """What *cls* has under *name*, as it stands in the class."""
    for base in cls.__mro__:
        if name in base.__dict__:
            return base.__dict__[name]
    return None


cdef bint is_original(object cls, dict originals) except -1:
    for name, value in originals.items():
        if found_in(cls, name) is not value:
            return False
    return True


cdef object request_of(object session, object method, object url, object headers, object skip,
                       object data, object cookies=None):
    """Let the usual class make a request."""
    return REQUEST(
        method,
        url,
        session=session,
        headers=headers,
        skip_auto_headers=skip,
        data=data,
        cookies=cookies,
        version=HttpVersion11,
    )


cdef object body_of(bytes body, str content_type):
    return None if body is None else BytesPayload(body, content_type=content_type)


cdef class Asked:
    """A request that was sent from prepared parts."""

    def as_request(self):
        """The request as an object, made now."""
        if self.request is None:
            self.request = request_of(
                self.session,
                self.method,
                self.original_url,
                self.headers,
                self.skip,
                body_of(self.body, self.content_type),
            )
        return self.request


cdef class Parts:
    """A head in parts, between which goes what differs."""


cdef class Target:
    """What requests for one URL have in common."""


cdef class Prepared:
    """What the requests of one session have in common, for as long as its settings stay."""

    def __cinit__(self):
        self.targets = {}
        self.origins = {}
        self.size = -1

    cdef bint holds(self, object session) except -1:
        """Whether a request of *session* may be made of prepared parts."""
        cdef dict settings = session.__dict__
        cdef PyObject *found
        cdef Py_ssize_t i
        if (
            len(settings) != self.size
            or aws_type_tag(type(session)) != self.tags[0]
            or aws_type_tag(REQUEST) != self.tags[1]
            or aws_type_tag(RESPONSE) != self.tags[2]
            or self.connector is None
            or aws_type_tag(type(self.connector)) != self.tags[3]
            or not (self.tags[0] and self.tags[1] and self.tags[2] and self.tags[3])
        ):
            self.look(session, settings)
        else:
            for i in range(len(_SETTINGS)):
                found = PyDict_GetItemWithError(settings, _SETTINGS[i])
                if found == NULL or <object>found is not (<tuple>self.kept)[i]:
                    self.look(session, settings)
                    break
            else:
                if getversion(self.default_headers) != self.headers_version:
                    self.look(session, settings)
        # A list, which its owner may add to.
        return self.usable and not settings["_trace_configs"]

    cdef int look(self, object session, dict settings) except -1:
        """Look at the settings of *session*, and at the classes that make its requests."""
        cdef object cls = type(session)
        self.targets.clear()
        self.origins.clear()
        self.size = len(settings)
        self.usable = False
        self.kept = tuple([settings.get(name) for name in SETTINGS])
        self.connector = connector = settings.get("_connector")
        self.default_headers = settings.get("_default_headers")
        self.headers_version = None
        self.tags[0] = 0
        if connector is None or not isinstance(connector, ConnectionPool):
            return 0
        self.usable = (
            is_original(cls, <dict>ORIGINALS[SESSION])
            and is_original(REQUEST, <dict>ORIGINALS[REQUEST])
            and is_original(RESPONSE, <dict>ORIGINALS[RESPONSE])
            and all(
                is_original(type(connector), hooks)
                for owner, hooks in ORIGINALS.items()
                if isinstance(connector, owner)
            )
            and (<dict>ORIGINALS[SESSION]).keys().isdisjoint(settings)
            and settings.get("_request_class") is REQUEST
            and settings.get("_response_class") is RESPONSE
            and settings.get("_version") == HttpVersion11
            and settings.get("_default_auth") is None
            and settings.get("_default_proxy") is None
            and not settings.get("_trust_env")
            and not settings.get("_middlewares")
            and type(self.default_headers) is CIMultiDict
        )
        if self.usable:
            self.headers_version = getversion(self.default_headers)
            self.headers_then = self.default_headers.copy()
        self.plan = settings.get("_usual_plan")
        self.json_text = settings.get("_json_serialize")
        self.json_bytes = settings.get("_json_serialize_bytes")
        self.jar = settings.get("_cookie_jar")
        self.skip = settings.get("_skip_lower")
        # A type has a tag once it was asked for something.
        session._asked_url, REQUEST.send, RESPONSE.read, connector.connect
        self.tags[0] = aws_type_tag(cls)
        self.tags[1] = aws_type_tag(REQUEST)
        self.tags[2] = aws_type_tag(RESPONSE)
        self.tags[3] = aws_type_tag(type(connector))
        return 0

    cdef Target target_of(self, object session, object url, object params):
        """What is known of a URL; ``None`` where a request of it has to be made as any other."""
        cdef Target target
        cdef PyObject *found
        cdef bint known = params is None and type(url) is str
        if known:
            found = PyDict_GetItemWithError(self.targets, url)
            if found != NULL:
                return <Target>found
        whole = session._asked_url(url, params, self.connector)
        if whole.raw_user is not None or whole.raw_password is not None:
            return None
        line = whole.raw_path_qs
        if not is_request_target(line):
            return None
        origin = (whole.scheme, whole.raw_authority)
        if len(self.origins) > MOST_ORIGINS:
            self.origins.clear()
            self.targets.clear()
        common = self.origins.get(origin)
        if common is None:
            request = request_of(session, "GET", whole, None, self.skip, None)
            common = self.origins[origin] = (request.connection_key, {})
        target = Target.__new__(Target)
        target.url = whole
        target.key, target.parts = common
        target.line = line
        target.whole = {}
        if known:
            if len(self.targets) > MOST_TARGETS:
                self.targets.clear()
            self.targets[url] = target
        return target

    cdef bytes head_of(
        self, object session, Target target, str method, str kind, Py_ssize_t size, object given
    ):
        """The head of a request, ``None`` where it has to be made as any other.

        :param kind: the media type of the body, ``None`` for no body.
        :param given: header fields of this request alone.
        """
        cdef bytes head
        cdef PyObject *found
        cdef Parts parts
        cdef bint whole = kind is None and given is None
        if whole:
            found = PyDict_GetItemWithError(target.whole, method)
            if found != NULL:
                return <bytes>found
        found = PyDict_GetItemWithError(target.parts, (method, kind))
        if found != NULL:
            parts = <Parts>found
        else:
            parts = target.parts[(method, kind)] = self.split(session, target, method, kind)
        if parts.start is None:
            return None
        line = f"{method} {target.line} HTTP/1.1\r\n".encode("ascii")
        fields = b""
        if given is not None:
            for name in given:
                if not isinstance(name, str) or (<str>name).lower() in parts.names:
                    return None
            fields = serialise_fields(given)
        if kind is None:
            head = b"".join((line, parts.start, fields, parts.middle))
        else:
            head = b"%b%b%b%b%d%b" % (line, parts.start, fields, parts.middle, size, parts.end)
        if whole:
            target.whole[method] = head
        return head

    cdef Parts split(self, object session, Target target, str method, str kind):
        """Let the usual classes make a head, and take it apart."""
        cdef Parts parts = Parts.__new__(Parts)
        data = body_of(None if kind is None else b"", kind)
        marked = self.default_headers.copy()
        marked[MARK] = "x"
        request = request_of(session, method, target.url, marked, self.skip, data)
        if not is_plain(request, method):
            return parts
        head = serialise_request_head(method, "/", HTTP_11, request.headers)
        start, _, rest = head[head.index(b"\r\n") + 2 :].partition(f"{MARK}: x\r\n".encode())
        middle, length, end = rest, b"", b""
        if kind is not None:
            middle, length, end = rest.partition(b"Content-Length: 0\r\n")
            if not length:
                return parts
            middle += b"Content-Length: "
            end = b"\r\n" + end
        parts.start, parts.middle, parts.end = start, middle, end
        parts.names = FRAMING.union([name.lower() for name in request.headers])
        return parts

    cdef bytes make(
        self, object session, Asked asked, Target target, object given, object cookies
    ):
        """The head of a request with something of its own, and the request."""
        asked.headers = session._prepare_headers(given)
        asked.request = request = request_of(
            session,
            asked.method,
            target.url,
            asked.headers,
            self.skip,
            body_of(asked.body, asked.content_type),
            cookies,
        )
        if not is_plain(request, asked.method):
            return None
        return serialise_request_head(asked.method, target.line, HTTP_11, request.headers)

    cdef Asked ask(
        self, object session, Target target, str method, object given, str kind, bytes body
    ):
        """Put a request together; ``None`` where it has to be made as any other."""
        cdef Asked asked
        cdef bytes head = None
        asked = Asked.__new__(Asked)
        asked.session = session
        asked.method = method
        asked.original_url = target.url
        asked.key = target.key
        asked.body = body
        asked.content_type = kind
        asked.skip = self.skip
        cookies = self.jar.filter_cookies(target.url) if len(self.jar) else None
        if not cookies and (given is None or type(given) is dict):
            head = self.head_of(
                session, target, method, kind, 0 if body is None else len(body), given
            )
            if head is not None:
                asked.headers = self.headers_then
                if given is not None:
                    asked.headers = self.headers_then.copy()
                    asked.headers.extend(given)
        if head is None:
            head = self.make(session, asked, target, given, cookies)
            if head is None:
                return None
        asked.head = head
        return asked


cdef bint is_plain(object request, str method) except -1:
    """Whether *request* is a head and a body of known length, and asks for nothing more."""
    headers = request.headers
    size = 0 if request._body is None else request._body.size
    lengths = headers.getall(hdrs.CONTENT_LENGTH, ())
    return (
        method == request.method
        and not request.chunked
        and not request.expect100
        and hdrs.TRANSFER_ENCODING not in headers
        and hdrs.UPGRADE not in headers
        and hdrs.CONNECTION not in headers
        and (not lengths or list(lengths) == [str(size)])
        and (request._body is None or (type(request._body) is BytesPayload and len(lengths) == 1))
    )
