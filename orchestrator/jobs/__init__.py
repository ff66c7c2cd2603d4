"""The rules of a job: what is accepted, how it is cut into tasks, what an attempt's end means. Pure."""
