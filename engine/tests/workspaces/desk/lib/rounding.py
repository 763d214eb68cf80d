def whole(value):
    return int(value)
