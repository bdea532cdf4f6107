"""What visitors leave: accounts, guests, profiles, sessions, ratings, reviews and lists, in the site's database.

No page and no bundle: movies are ids here. What is recommended from all this is decided in `serving.services`.
"""
