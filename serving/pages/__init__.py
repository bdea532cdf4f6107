"""The pages that people see: one module a page, with its router, its records and its template's needs.

Routers import no routers: what two pages share belongs in a module here without a router (cards, grid, movie_view),
in `serving.web` or in `serving.services`. JSON for programs is
`serving.api`.
"""
