"""``aiohttp.streams``: bodies that are read."""

from .. import exports as _exports

__getattr__, __dir__ = _exports.face(
    __name__,
    """
    AsyncStreamIterator ChunkTupleAsyncStreamIterator DataQueue EMPTY_PAYLOAD EmptyStreamReader
    EofStream FlowControlDataQueue StreamReader
    """,
    alone={
        "AsyncStreamIterator": "http.streams",
        "ChunkTupleAsyncStreamIterator": "http.streams",
        "EmptyStreamReader": "http.streams",
    },
)
