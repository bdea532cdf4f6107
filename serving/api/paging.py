"""The page of a list that a request asks for."""

from serving.observability.request_record import note_model
from serving.services.recommendations import MovieList


def take_page(chosen: MovieList, offset: int) -> MovieList:
    """The list without its first `offset` movies. Notes its model for the log and the metrics."""
    note_model(chosen.model)
    return chosen.skip(offset)
