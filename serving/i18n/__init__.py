"""The site's languages: translations, plural forms, dates, numbers, and the extraction of texts.

Texts stand where they are shown, in templates and page modules; the translations are in `serving/locale`.
"""
