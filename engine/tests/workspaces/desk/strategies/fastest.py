from faster import Faster


class Fastest(Faster): ...
