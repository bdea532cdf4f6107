"""Search over the catalogue: titles with typing errors, words, filters and their language.

No request and no page: the site's search page is `serving.pages.search`. The catalogue itself is `movierec.catalog`.
"""
