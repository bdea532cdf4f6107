"""`python -m assets.commands.health_probe 8000 /health/live` asks a server of this machine whether it answers."""

import argparse
import http.client
import sys
from collections.abc import Sequence

TIMEOUT_SECONDS = 4


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit code 0 if the answer is 200, else 1 with the reason on stderr. No proxy of the environment is used."""
    parser = argparse.ArgumentParser(prog="python -m assets.commands.health_probe", description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("path")
    given = parser.parse_args(arguments)
    connection = http.client.HTTPConnection("127.0.0.1", given.port, timeout=TIMEOUT_SECONDS)
    try:
        connection.request("GET", given.path)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        sys.stderr.write(f"port {given.port} does not answer: {error}\n")
        return 1
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        sys.stderr.write(f"port {given.port} answers {status}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
