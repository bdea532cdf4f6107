"""The site's languages: translations, plural forms, dates, numbers, and the extraction of texts.

Texts stand where they are shown, in templates and page modules, except for the sentences about what a visitor did
wrong (`problem_texts`); the translations are in `serving/locale`.
"""
