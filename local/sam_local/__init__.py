"""`make sam-local`: every function in a container, by `sam local`, against the local cloud and its demo."""
