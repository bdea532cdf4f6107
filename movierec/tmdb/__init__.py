"""What TMDB says of movies, as tables, and its images as bytes.

No network: TMDB's client and crawler are in `resources.tmdb`. The site's cache of images is `serving.images`.
"""
