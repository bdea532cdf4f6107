"""People: who visits, and what they leave (ratings, reviews, lists). The only part of the site that writes.

No pages and no forms here: those are `serving/pages/opinions.py`, `doors.py`, `me.py` and `welcome.py`.
"""
