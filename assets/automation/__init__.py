"""What runs by itself: jobs, schedules, sensors, freshness policies and conditions. It decides when, never what.

No asset is defined here (see the modules above this folder). Everything is off until MOVIEREC_AUTOMATION or a person in
the Dagster UI switches it on.
"""
