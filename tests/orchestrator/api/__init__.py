"""The HTTP side over a loopback socket."""
