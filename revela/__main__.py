"""`python -m revela` is the `revela` command."""

from revela.cli import main

if __name__ == "__main__":
    main()
