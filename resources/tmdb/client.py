"""A client of TMDB's API (details, search) with a rate limit and retries. Logs and errors never show the API key."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, Self

import dagster as dg
import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt, wait_random_exponential

from movierec.settings import Settings
from resources.tmdb.rate_limit import TokenBucket

DEFAULT_API_URL = "https://api.themoviedb.org/3"
KEY_VARIABLE = "TMDB_API_KEY"
MAX_IN_FLIGHT = 50
REQUESTS_PER_SECOND, BURST_SIZE = 30, 8  # TMDB lets about 40 a second pass
MAX_ATTEMPTS = 5
TIMEOUT = httpx.Timeout(10, pool=None)  # who waits for a connection waits its turn
MAX_RETRY_AFTER_SECONDS = 60.0  # seconds that a Retry-After is honoured for
STATUS_KEY_REFUSED, STATUS_NOT_FOUND, STATUS_TOO_MANY, STATUS_SERVER_ERROR = 401, 404, 429, 500


class TmdbError(RuntimeError):
    """TMDB's answer cannot be used."""


class KeyRefusedError(TmdbError):
    """TMDB does not accept the key; further requests are pointless."""


class TransientTmdbError(TmdbError):
    """A temporary failure that is worth a retry: rate limit, server error, time-out, incomplete answer.

    `retry_after` is in seconds, None if TMDB did not say.
    """

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class KeyTransport(httpx.AsyncBaseTransport):
    """Adds the API key below the HTTP client, so that URLs in the client's logs and errors do not contain it.

    A v4 token (three parts with dots) is sent as a Bearer header, a v3 key as the parameter `api_key`.
    """

    def __init__(self, key: str, inner: httpx.AsyncBaseTransport) -> None:
        self._key, self._inner = key, inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Sends the request with the key added."""
        url, headers = request.url, request.headers.copy()
        if self._key.count(".") == 2:
            headers["Authorization"] = f"Bearer {self._key}"
        else:
            url = url.copy_merge_params({"api_key": self._key})
        signed = httpx.Request(
            request.method, url, headers=headers, stream=request.stream, extensions=request.extensions
        )
        return await self._inner.handle_async_request(signed)

    async def aclose(self) -> None:
        """Closes the transport below."""
        await self._inner.aclose()


class TmdbClient:
    """Async client of TMDB, used with `async with`.

    At most MAX_IN_FLIGHT requests run at the same time; at most `rate` start per second.
    """

    def __init__(
        self,
        key: str,
        *,
        api: str = DEFAULT_API_URL,
        rate: float = REQUESTS_PER_SECOND,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        limits = httpx.Limits(max_connections=MAX_IN_FLIGHT, max_keepalive_connections=MAX_IN_FLIGHT)
        inner = transport or httpx.AsyncHTTPTransport(limits=limits)
        self._http = httpx.AsyncClient(base_url=api, transport=KeyTransport(key, inner), timeout=TIMEOUT)
        self._bucket = TokenBucket(rate, burst=BURST_SIZE, sleep=sleep)
        self._slots = asyncio.Semaphore(MAX_IN_FLIGHT)
        self._sleep = sleep
        self.requests = 0
        self.retries = 0
        self.in_flight = 0
        self.max_in_flight = 0

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def get_counts(self) -> dict[str, int]:
        """Requests sent, retries, and the highest number of requests at the same time."""
        return {"requests": self.requests, "retries": self.retries, "most_in_flight": self.max_in_flight}

    async def fetch_movie(self, tmdb_id: int) -> Mapping[str, Any] | None:
        """The details of a movie with its credits; None if TMDB has no such movie. Raises TmdbError."""
        body = await self._get_json(f"/movie/{tmdb_id}", {"append_to_response": "credits"})
        if body is not None and not isinstance(body.get("id"), int):
            raise TmdbError(f"/movie/{tmdb_id}: an answer without an id")
        return body

    async def search_movies(self, title: str, year: int | None) -> list[Mapping[str, Any]]:
        """The first page of search results, best first. Raises TmdbError."""
        about = {"query": title, "include_adult": "false"} | ({"year": str(year)} if year else {})
        body = await self._get_json("/search/movie", about)
        results = (body or {}).get("results")
        if not isinstance(results, list):
            raise TmdbError("/search/movie: an answer without results")
        return [result for result in results if isinstance(result, Mapping)]

    async def _get_json(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any] | None:
        """The JSON object at `path`; None for a 404. Raises TmdbError if all attempts fail."""
        attempts = AsyncRetrying(
            stop=stop_after_attempt(MAX_ATTEMPTS),
            wait=_choose_wait,
            retry=retry_if_exception_type(TransientTmdbError),
            before_sleep=self._record_retry,
            sleep=self._sleep,
            reraise=True,
        )
        async for attempt in attempts:
            with attempt:
                return await self._request_once(path, params)
        raise AssertionError("the last attempt raises")

    async def _request_once(self, path: str, params: Mapping[str, str]) -> Mapping[str, Any] | None:
        async with self._slots:
            await self._bucket.take_token()
            self.requests += 1
            self.in_flight += 1
            self.max_in_flight = max(self.max_in_flight, self.in_flight)
            try:
                response = await self._http.get(path, params=dict(params))
            except httpx.RequestError as error:  # DecodingError is one too: an answer damaged on its way
                raise TransientTmdbError(f"{path}: {type(error).__name__}") from error
            finally:
                self.in_flight -= 1
        if response.status_code == STATUS_NOT_FOUND:
            return None
        _raise_for_status(response, path)
        try:
            body = response.json()
        except ValueError as error:
            raise TransientTmdbError(f"{path}: the answer is no JSON") from error
        if not isinstance(body, Mapping):
            raise TransientTmdbError(f"{path}: the answer is no JSON object")
        return body

    def _record_retry(self, state: RetryCallState) -> None:
        self.retries += 1
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, TransientTmdbError) and error.retry_after:
            self._bucket.pause_for(error.retry_after)


def _raise_for_status(response: httpx.Response, path: str) -> None:
    """Raises the matching TmdbError with the status and TMDB's own code; the message has nothing of the request."""
    status = response.status_code
    if status == httpx.codes.OK:
        return
    if status == STATUS_KEY_REFUSED:
        raise KeyRefusedError(f"TMDB does not accept {KEY_VARIABLE} (status 401{_format_tmdb_code(response)})")
    message = f"{path}: status {status}{_format_tmdb_code(response)}"
    if status == STATUS_TOO_MANY or status >= STATUS_SERVER_ERROR:
        raise TransientTmdbError(message, _parse_retry_after(response))
    raise TmdbError(message)


def _format_tmdb_code(response: httpx.Response) -> str:
    try:
        return f", code {int(response.json()['status_code'])}"
    except (ValueError, KeyError, TypeError):
        return ""


def _parse_retry_after(response: httpx.Response) -> float | None:
    """The Retry-After header in seconds, whether it is a number or a date; at most MAX_RETRY_AFTER_SECONDS."""
    told = response.headers.get("retry-after", "")
    try:
        seconds = float(told) if told.isdecimal() else parsedate_to_datetime(told).timestamp() - time.time()
    except ValueError:
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_SECONDS)


_backoff = wait_random_exponential(multiplier=1, max=30)


def _choose_wait(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    told = error.retry_after if isinstance(error, TransientTmdbError) else None
    return told + 0.1 if told is not None else _backoff(state)


class TmdbResource(dg.ConfigurableResource):  # type: ignore[type-arg]
    """Access to TMDB at the URL `api`.

    The key is read from the environment only when it is needed, because Dagster stores and shows configuration.
    """

    api: str = DEFAULT_API_URL
    answers: str  # the file that keeps what was fetched
    images: str  # the folder that posters are fetched into
    image_host: str

    def read_key(self) -> str | None:
        """The API key in the environment variable TMDB_API_KEY; None if it is unset or empty."""
        return Settings.from_environment().tmdb_api_key.get_secret_value() or None

    def open_client(self, key: str) -> TmdbClient:
        """A client for this API; use it with `async with`."""
        return TmdbClient(key, api=self.api)
