"""Posters that the site draws itself, as SVG, for movies without a picture.

Pictures of TMDB are `serving.images`. Nothing here reads a request or a bundle.
"""
