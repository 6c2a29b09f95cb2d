"""The frame height: connect and serve with callbacks on frames."""
