"""From a photo to the frames of a video."""
