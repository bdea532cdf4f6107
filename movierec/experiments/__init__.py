"""Searches and studies on validation splits: hyper-parameters, ablation, features that were rejected.

Nothing that is served stands on this folder. What has earned its place moves to `movierec.features`,
`movierec.candidates` or `movierec.recommender`; Optuna's storage is in `resources.optuna_studies`.
"""
