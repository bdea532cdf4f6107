"""Posters and backdrops on disk. What is missing is fetched in the background; a request never waits."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from movierec.bundles.descriptions import LiveDescriptions
from movierec.settings import Settings
from movierec.tmdb import images, thumbnails
from movierec.tmdb.images import ImageKind
from serving.images.cache import ImageCache
from serving.images.fetcher import ImageFetcher


class StoredImage(NamedTuple):
    """`content` is None if the image is not on disk; `is_expected`: a later request may find it, or its thumbnail."""

    name: str
    content: bytes | None
    is_expected: bool


@dataclass(frozen=True)
class ImageStore:
    """Finds images of movies: `prefetched` by the pipeline, in the site's `cache`, or at the image host.

    `logo` is TMDB's, if an operator has placed it; its terms allow showing it, but not shipping it with the code.
    """

    descriptions: LiveDescriptions
    prefetched: ImageCache
    cache: ImageCache
    fetcher: ImageFetcher | None  # None: the site fetches nothing
    logo: Path

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """The image folders under MOVIEREC_HOME; with a `poster_cache_mb` of 0 nothing is fetched."""
        layout = settings.layout
        cache = ImageCache(layout.cached_images, settings.poster_cache_mb * 2**20)
        return cls(
            LiveDescriptions(layout.locate_descriptions(settings.sample)),
            ImageCache(layout.fetched_posters, 0),
            cache,
            ImageFetcher(settings.tmdb_images, cache) if settings.poster_cache_mb else None,
            layout.tmdb_logo,
        )

    def find_image(self, kind: ImageKind, movie_id: int, *, as_thumbnail: bool = False) -> StoredImage:
        """The image on disk. A missing image or thumbnail is queued for a later request; this call never waits."""
        description = self.descriptions().find_description(movie_id)
        paths: dict[ImageKind, str | None] = (
            {"poster": description.poster_path, "backdrop": description.backdrop_path} if description else {}
        )
        path = paths.get(kind)
        if path is None:
            return StoredImage("", None, is_expected=False)
        name = images.build_image_file_name(kind, path)
        if as_thumbnail and (content := self._read_from_disk(thumbnails.build_thumbnail_file_name(name))[1]):
            return StoredImage(thumbnails.build_thumbnail_file_name(name), content, is_expected=False)
        folder, content = self._read_from_disk(name)
        if self.fetcher is None:
            may_come = False
        elif content is None:
            may_come = self.fetcher.request_image(kind, path)
        else:
            may_come = as_thumbnail and self.fetcher.request_thumbnail(folder / name)
        return StoredImage(name, content, may_come)

    def _read_from_disk(self, name: str) -> tuple[Path, bytes | None]:
        content = self.prefetched.read_image(name)
        return (
            (self.cache.folder, self.cache.read_image(name)) if content is None else (self.prefetched.folder, content)
        )

    def close(self) -> None:
        """Stops fetching."""
        if self.fetcher:
            self.fetcher.close()
