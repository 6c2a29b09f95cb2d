"""Messages that were read and not yet received."""

from cpython.ref cimport Py_INCREF, Py_XDECREF
from libc.stdlib cimport free, malloc


cdef class MessageQueue:
    def __cinit__(self):
        self.items = self.first
        self.capacity = QUEUE_INLINE

    def __dealloc__(self):
        self.clear()

    cdef int push(self, object message, Py_ssize_t cost) except -1:
        cdef Queued *larger
        cdef Queued *slot
        cdef Py_ssize_t i
        if self.count == self.capacity:
            larger = <Queued *>malloc(2 * self.capacity * sizeof(Queued))
            if larger == NULL:
                raise MemoryError("no memory for the receive queue")
            for i in range(self.count):
                larger[i] = self.items[(self.head + i) % self.capacity]
            if self.items != self.first:
                free(self.items)
            self.items = larger
            self.capacity *= 2
            self.head = 0
        slot = &self.items[(self.head + self.count) % self.capacity]
        Py_INCREF(message)
        slot.message = <PyObject *>message
        slot.cost = cost
        self.count += 1
        self.cost += cost
        return 0

    cdef object pop(self):
        cdef Queued *slot = &self.items[self.head]
        message = <object>slot.message
        self.cost -= slot.cost
        Py_XDECREF(slot.message)
        self.count -= 1
        self.head += 1
        if self.head == self.capacity:
            self.head = 0
        if self.count == 0:
            self.head = 0
            if self.capacity > 64:
                self.clear()
        return message

    cdef void clear(self) noexcept:
        while self.count:
            self.count -= 1
            Py_XDECREF(self.items[(self.head + self.count) % self.capacity].message)
        if self.items != self.first:
            free(self.items)
            self.items = self.first
            self.capacity = QUEUE_INLINE
        self.head = 0
        self.cost = 0
