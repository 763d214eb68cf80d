def shares(money, price):
    from .rounding import whole

    return whole(money / price)
