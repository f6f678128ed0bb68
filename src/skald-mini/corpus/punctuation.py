"""Chinese punctuation comes in two widths; people type either."""

HALF_WIDTH = str.maketrans({"\uff1f": "?", "\uff0c": ",", "\uff1a": ":", "\uff01": "!"})
FULL_WIDTH = str.maketrans({"?": "\uff1f", ",": "\uff0c", ":": "\uff1a", "!": "\uff01"})
ENDINGS = "?\uff1f.\u3002!\uff01"


def either_width(rng, text):
    """The text with its marks as they are, or all of half width."""
    return text.translate(HALF_WIDTH) if rng.random() < 0.45 else text


def without_ending(text):
    """The text without the mark that ends it."""
    return text.rstrip(ENDINGS)
