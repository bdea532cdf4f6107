"""TMDB's images on the site: the store of fetched files, its cache and the fetcher in the background.

Drawn posters are `serving.posters`; the addresses of images are answered in `serving.pages.images`.
"""
