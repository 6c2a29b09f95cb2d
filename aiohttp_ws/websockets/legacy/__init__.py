"""Modules of websockets' first generation, on the classes of the current one."""
