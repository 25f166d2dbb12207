"""The few options of curl that the documents use: -s, -X, -H and -d. Fails where curl would not.

Exit code 22 for an answer of 400 and above, so that a document with a wrong example is noticed.
"""

import argparse
import sys
import urllib.error
import urllib.request


def main() -> int:
    """Send one request and print the body of its answer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", action="store_true")
    parser.add_argument("-X", dest="method")
    parser.add_argument("-H", dest="headers", action="append", default=[])
    parser.add_argument("-d", dest="data")
    parser.add_argument("url")
    options = parser.parse_args()
    body = None if options.data is None else options.data.encode()
    request = urllib.request.Request(f"http://{options.url}", data=body, method=options.method)
    for header in options.headers:
        name, _, value = header.partition(":")
        request.add_header(name.strip(), value.strip())
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310 - ours
            sys.stdout.write(answer.read().decode())
    except urllib.error.HTTPError as refusal:
        sys.stdout.write(refusal.read().decode())
        sys.stderr.write(f"{options.url}: {refusal.code}\n")
        return 22
    return 0


if __name__ == "__main__":
    sys.exit(main())
