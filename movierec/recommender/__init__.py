"""The two-stage recommender: retrieval by several candidate models, a ranker over the candidates, explanations.

The object that is measured is the object that is served. Single candidate models belong in `movierec.candidates`; how
good any of them is, is answered in `movierec.evaluation`.
"""
