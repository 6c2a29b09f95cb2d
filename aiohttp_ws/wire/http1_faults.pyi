# Nothing here is visible from Python: the parsers cimport it.
