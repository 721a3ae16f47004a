"""One use case a file. What a use case needs from outside comes as parameters."""
