from momentum import Momentum


class Faster(Momentum):
    """Derived from a class of the file beside it, and nothing in the text says so."""
