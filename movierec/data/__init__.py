"""The ratings as tables and as sparse matrices: schemas, cleaning, sampling, splitting, and the top of a score matrix.

Nothing here is learnt from the ratings: what is computed per user or movie belongs in `movierec.features`, what is
fitted in `movierec.candidates`. Files of other formats are read in `resources.sources`.
"""
