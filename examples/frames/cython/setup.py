"""Compile the listeners: ``python setup.py build_ext --inplace``, or ``pip install .``."""

from Cython.Build import cythonize
from setuptools import Extension, setup

setup(
    # No include path: the declarations of aiohttp_ws name no header but Python's own.
    ext_modules=cythonize(
        [Extension("echo_listener", ["echo_listener.pyx"])],
        compiler_directives={"language_level": 3},
    )
)
