"""Features of users, movies and pairs: their names, formulas and the matrix that the ranker reads.

No model is fitted here (see `movierec.candidates` and `movierec.recommender`), and no feature knows a rating from after
its cut. What a candidate model says of a movie is a signal of `movierec.recommender.retrieval`, not a feature.
To add a feature, add an entry in `movierec.features.definitions`.
"""
