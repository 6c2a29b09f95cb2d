/* Whether a class is what it was: a number that changes with it and its bases. */
#ifndef AIOHTTP_WS_TYPE_TAG_H
#define AIOHTTP_WS_TYPE_TAG_H

#include <Python.h>

/* 0 where there is none: nothing is known then. */
static inline unsigned int aws_type_tag(PyObject *type)
{
#ifdef PYPY_VERSION
    (void)type;
    return 0;
#elif PY_VERSION_HEX >= 0x030C0000
    return ((PyTypeObject *)type)->tp_version_tag;
#else
    PyTypeObject *t = (PyTypeObject *)type;
    return PyType_HasFeature(t, Py_TPFLAGS_VALID_VERSION_TAG) ? t->tp_version_tag : 0;
#endif
}

#endif
