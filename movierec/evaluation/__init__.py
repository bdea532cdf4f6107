"""How good the models are: metrics, intervals, holdout segments, leaderboard, leakage checks, promotion.

Nothing here is served, and nothing is chosen by what it is reported on: choices are made in `movierec.experiments`.
Plots and files of the results belong in `resources` and `assets`.
"""
