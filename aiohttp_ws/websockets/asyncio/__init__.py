"""The coroutines of the message height, under the names of websockets' modules."""
