cpdef bint sendable_close_code(int code) noexcept
cpdef object named_close_code(int code)
