"""The language host: what a trading tool can say about a strategy's text while it is written.

One child process serves all windows, one session each. It reads text and syntax trees, never runs a strategy, and loads
neither NautilusTrader nor any numeric library.
"""
