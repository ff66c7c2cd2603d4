"""The API as data: calls and their paths, answers and the errors that they stand for, events."""
