"""The compiled site: what a gateway loads instead of a site file."""

import json

IMAGE_VERSION = 1


def load(path: str) -> dict:
    """Read a compiled site image; ValueError when it is not one this firmware understands."""
    with open(path) as file:
        image = json.load(file)
    if image.get("image") != IMAGE_VERSION:
        raise ValueError("%s: image version %s, expected %d"
                         % (path, image.get("image"), IMAGE_VERSION))
    return image
