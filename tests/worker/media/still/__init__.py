"""From a photo to frames."""
