"""The JSON API: one module a topic, with request and response models beside them.

Routers import no routers: what they share is in `request_models`. Nothing here draws HTML (see `serving.pages`). What
the endpoints read is in `serving.services`.
"""
