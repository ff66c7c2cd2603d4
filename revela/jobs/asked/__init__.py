"""A job as it is asked for at the terminal: words become a request, and a refusal's pointers become words again."""
