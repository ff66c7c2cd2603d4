"""The pool, driven by real SDK workers over real HTTP."""
