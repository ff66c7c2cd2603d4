"""Jobs over HTTP: handing them in, looking at them, acting on them."""
