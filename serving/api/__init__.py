"""The JSON API: one module a topic, with request and response models beside them.

Routers import no routers, and nothing here draws HTML (see `serving.pages`). What the endpoints read is in
`serving.services`.
"""
