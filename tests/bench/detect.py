"""bench-detect: false alarms a home-day and delays on recorded homes that the rule has not seen (docs/routine.md).

`python tests/bench/detect.py [FILE or FOLDER] [--verbose] [--zone ZONE]`
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cloudfamily import detect
from cloudfamily.embedded.errors import StartError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("homes", nargs="?", type=Path, default=Path("../shared/data"))
    parser.add_argument("--verbose", action="store_true", help="each false alarm with its reason")
    parser.add_argument("--zone", default="Asia/Shanghai", help="the homes' time zone")
    asked = parser.parse_args()
    try:
        detect.report(asked.homes, ZoneInfo(asked.zone), asked.verbose)
    except (StartError, ZoneInfoNotFoundError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
