"""What turns frames into what an API hands out."""
