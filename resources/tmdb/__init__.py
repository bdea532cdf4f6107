"""TMDB over the network: its client, rate limit, answer cache, crawler and posters.

The tables made of its answers are `movierec.tmdb`; the assets that call all this are `assets.tmdb`. Nothing here may
stop what is published.
"""
