"""Clients and servers for programs of threads: blocking sockets, under the names of websockets."""
