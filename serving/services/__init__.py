"""Bundle in, records out: recommendations, search, taste and profiles, for pages and JSON alike.

No request, no session and no template: those are `serving.web`. What visitors leave is read by `serving.community`
and passed in.
"""
