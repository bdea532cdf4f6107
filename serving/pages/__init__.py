"""The pages that people see: one module a page, with its router, its records and its template's needs.

Routers import no routers: what two pages share belongs in `serving.web` or `serving.services`. JSON for programs is
`serving.api`.
"""
