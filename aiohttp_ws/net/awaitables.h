/* Slots that Cython does not offer. */
#ifndef AIOHTTP_WS_AWAITABLE_H
#define AIOHTTP_WS_AWAITABLE_H

#include <Python.h>

#ifdef _WIN32
static inline double aws_monotonic(void)
{
    return (double)GetTickCount64() / 1000.0;
}
#else
#include <time.h>
static inline double aws_monotonic(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}
#endif

typedef int (*aws_send_function)(PyObject *self, PyObject *value, PyObject **result);

/* Give a type am_send: `await` then takes a result without raising StopIteration. */
static inline void aws_set_am_send(PyObject *type, aws_send_function function)
{
    PyTypeObject *t = (PyTypeObject *)type;
    if (t->tp_as_async != NULL) {
        t->tp_as_async->am_send = (sendfunc)(void *)function;
    }
}

/* Set a flag of a function's code object, which tells callers of inspect what it is. */
static inline void aws_add_code_flag(PyObject *code, int flag)
{
    if (PyCode_Check(code))
        ((PyCodeObject *)code)->co_flags |= flag;
}

/* Give a type a property that costs one C call. Cython makes one of a C field only where the
   field is shown as what it is; an opcode is to be shown as the member of an enumeration. */
static inline int aws_add_property(PyObject *type, const char *name, getter get, const char *doc)
{
    PyTypeObject *t = (PyTypeObject *)type;
    PyGetSetDef *definition = (PyGetSetDef *)PyMem_Calloc(1, sizeof(PyGetSetDef));
    PyObject *descriptor;
    int failed;
    if (definition == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    definition->name = name;
    definition->get = get;
    definition->doc = doc;
    descriptor = PyDescr_NewGetSet(t, definition);
    if (descriptor == NULL)
        return -1;
    failed = PyDict_SetItemString(t->tp_dict, name, descriptor);
    Py_DECREF(descriptor);
    PyType_Modified(t);
    return failed;
}

/* Call a method with two arguments. No bound method is made, as a call through Cython's cpdef
   would: 60 ns a frame. An attribute of the instance is found all the same. */
static inline PyObject *aws_call_method(PyObject *self, PyObject *name, PyObject *a, PyObject *b)
{
    PyObject *arguments[4] = {NULL, self, a, b};
    return PyObject_VectorcallMethod(
        name, arguments + 1, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET, NULL);
}

static inline PyObject *aws_new_reference(PyObject *object)
{
    Py_INCREF(object);
    return object;
}

/* A NamedTuple of three fields, past its Python-level __new__. */
static inline PyObject *aws_new_triple(PyObject *type, PyObject *a, PyObject *b, PyObject *c)
{
    PyObject *made = ((PyTypeObject *)type)->tp_alloc((PyTypeObject *)type, 3);
    if (made == NULL)
        return NULL;
    Py_INCREF(a);
    Py_INCREF(b);
    Py_INCREF(c);
    PyTuple_SET_ITEM(made, 0, a);
    PyTuple_SET_ITEM(made, 1, b);
    PyTuple_SET_ITEM(made, 2, c);
    return made;
}

#endif
