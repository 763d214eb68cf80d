"""Nothing to do with trading."""


class Visitor(object): ...
