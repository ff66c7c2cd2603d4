"""The subcommands: what each may be told. Bodies import what they need when they run."""
