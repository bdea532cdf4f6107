"""The catalogue of movies and what stands beside a movie: similar movies and clusters.

Recommendations for users belong in `movierec.recommender`, search by title in `movierec.search`. TMDB's descriptions
are in `movierec.tmdb` and `movierec.bundles.descriptions`.
"""
