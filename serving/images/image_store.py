"""Posters and backdrops: the fetched image where there is one, else the drawn one; never a hole, never a wait."""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

from movierec.bundles.descriptions import LiveDescriptions
from movierec.tmdb import images, thumbnails
from movierec.tmdb.images import Kind
from serving.images.cache import ImageCache
from serving.images.fetcher import ImageFetcher


class Found(NamedTuple):
    """An image's content, or whether a later request may find one."""

    name: str
    content: bytes | None
    may_come: bool


@dataclass(frozen=True)
class Pictures:
    """Where images of movies are: `kept` by the graph, in the `cache` of the site, or at their host.

    `logo` is TMDB's, where an operator has put it; we may show it, but not pass it on with the code.
    """

    descriptions: LiveDescriptions
    kept: ImageCache
    cache: ImageCache
    fetcher: ImageFetcher | None  # None: the site fetches nothing
    logo: Path

    @classmethod
    def of(cls, home: Path, sample: str, *, host: str = images.HOST, cache_mb: int = images.CACHE_MB) -> Self:
        cache = ImageCache(home / "posters" / "cache", cache_mb * 2**20)
        return cls(
            LiveDescriptions(home / "metadata" / sample / "descriptions.parquet"),
            ImageCache(home / "posters" / "kept", 0),
            cache,
            ImageFetcher(host, cache) if cache_mb else None,
            home / "site" / "tmdb-logo.svg",
        )

    def find(self, kind: Kind, movie_id: int, *, small: bool = False) -> Found:
        """What is on disk; what is not is fetched, or made `small`, for a later request. Never waits for either."""
        description = self.descriptions().get(movie_id)
        paths: dict[Kind, str | None] = (
            {"poster": description.poster_path, "backdrop": description.backdrop_path} if description else {}
        )
        path = paths.get(kind)
        if path is None:
            return Found("", None, may_come=False)
        name = images.file_name(kind, path)
        if small and (content := self._on_disk(thumbnails.file_name(name))[1]):
            return Found(thumbnails.file_name(name), content, may_come=False)
        folder, content = self._on_disk(name)
        if self.fetcher is None:
            may_come = False
        elif content is None:
            may_come = self.fetcher.want(kind, path)
        else:
            may_come = small and self.fetcher.want_small(folder / name)
        return Found(name, content, may_come)

    def _on_disk(self, name: str) -> tuple[Path, bytes | None]:
        content = self.kept.get(name)
        return (self.cache.folder, self.cache.get(name)) if content is None else (self.kept.folder, content)

    def close(self) -> None:
        if self.fetcher:
            self.fetcher.close()
