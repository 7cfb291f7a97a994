"""The page is served from the package and loads nothing from elsewhere."""

import pytest


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/app.js", "/docs/look.css"])
def test_the_page_and_its_parts_are_served_from_the_package(world, path):
    answer = world.client.get(path, follow_redirects=True)
    assert answer.status_code == 200
    assert "http://" not in answer.text.replace("http://www.w3.org/", "") and "https://" not in answer.text


def test_the_way_to_the_page_is_relative(world):
    """So that it leads there under any path behind a proxy."""
    answer = world.client.get("/")
    assert answer.status_code == 302 and answer.headers["Location"] == "docs"


def test_the_page_may_load_nothing_from_elsewhere(world):
    policy = world.client.get("/docs").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy
