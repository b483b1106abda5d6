"""Entry point of `python -m ugaar`."""

from ugaar.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
