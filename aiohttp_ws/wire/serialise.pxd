cpdef bytes serialise_response(
    int status, str reason, tuple version, object headers, object body=*
)
cpdef bytes serialise_response_head(int status, str reason, tuple version, object headers)
cpdef bytes serialise_request_head(str method, str target, tuple version, object headers)
cpdef bytes serialise_fields(object headers)
cpdef bint is_request_target(str target)
cpdef bytes encode_chunk(object data)
cpdef bytes encode_last_chunk(object trailers=*)
