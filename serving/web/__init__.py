"""What every request passes through: middleware, errors, rendering, dependencies, forms, parameters.

No page and no endpoint: those are in `serving.pages` and `serving.api`. What is read from a bundle is in
`serving.services`, what visitors leave in `serving.community`.
"""
