"""What the tests of a report can ask for besides: a browser, the same for all tests of a file."""

import browsing
import pytest


@pytest.fixture(scope="module")
def browser():
    with browsing.start() as driver:
        yield driver
