"""Every view: shown to everybody, on a phone as on a desk, by day and by night, in four languages."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from browsers import in_each
from looking import check_access, fits, shoot
from page_gateway import MANY, Gateway

import portraits

OpenPage = Callable[..., Any]
HOPPER = "Grace Hopper"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}
ROUNDS = 6
MAY_GROW = {"Nodes": 10 * ROUNDS, "JSEventListeners": ROUNDS, "JSHeapUsedSize": 100_000 * ROUNDS}
"""By what the page may grow in as many rounds through all views: less than a person's pictures are."""
LANGUAGES = {"en-GB": "Hello. Have we met?", "de-AT": "Hallo. Kennen wir uns?", "es-MX": "Hola. ¿Nos conocemos?",
             "fr-CA": "Bonjour. On se connaît ?", "ja": "Hello. Have we met?"}  # fmt: skip


def look_at_all(page: Any, gateway: Gateway, tag: str) -> None:
    """Go to each view, see that it fits and that axe has nothing to say, and show it."""
    person = gateway.names["person"]
    views = {
        "home": ("#home", "#home h1"), "recognise": ("#recognise", "#recognise-said:not(:empty)"),
        "consent": ("#enrol", "#enrol-agree"), "people": ("#people", ".card"),
        "person": (f"#people/{person}", ".samples img"), "operate": ("#operate", "#operate-parts table"),
        "photos": ("#photos", "#photos-shown"),
    }  # fmt: skip
    for name, (address, sign) in views.items():
        page.goto(gateway.address + address)
        page.locator(sign).first.wait_for()
        check_access(page)
        assert fits(page), name
        shoot(page, f"{name}{tag}")
    page.goto(gateway.address + f"#people/{person}")
    page.get_by_role("button", name="Forget").click()
    page.locator("#question[open]").wait_for()
    check_access(page)
    shoot(page, f"forget{tag}")
    page.keyboard.press("Escape")
    page.goto(gateway.address + "#enrol")
    page.click("#enrol-agree")
    check_access(page)
    shoot(page, f"name{tag}")


@in_each()
def test_every_view_by_day_at_a_desk(shared_gateway: Gateway, open_page: OpenPage) -> None:
    look_at_all(open_page(shared_gateway, HOPPER), shared_gateway, "")


@pytest.mark.slow
def test_every_view_by_night_on_a_phone(shared_gateway: Gateway, open_page: OpenPage) -> None:
    look_at_all(open_page(shared_gateway, HOPPER, color_scheme="dark", **PHONE), shared_gateway, "-phone")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["de", "es", "fr"])
@pytest.mark.slow
def test_longer_words_fit_on_a_phone_as_well(
    shared_gateway: Gateway, open_page: OpenPage, locale: str, scheme: str
) -> None:
    page = open_page(shared_gateway, HOPPER, locale=locale, color_scheme=scheme, **PHONE)
    for address in (
        "#home",
        "#recognise",
        "#enrol",
        "#people",
        f"#people/{shared_gateway.names['person']}",
        "#visitors",
        "#photos",
        "#operate",
    ):
        page.goto(shared_gateway.address + address)
        page.wait_for_timeout(400)
        assert fits(page), address
        check_access(page)


@pytest.mark.parametrize("locale", LANGUAGES)
@pytest.mark.slow
def test_the_page_speaks_as_the_browser_does(shared_gateway: Gateway, open_page: OpenPage, locale: str) -> None:
    page = open_page(shared_gateway, camera=False, locale=locale)
    page.get_by_role("heading", name=LANGUAGES[locale], exact=True).wait_for()
    assert page.get_attribute("html", "lang") == (locale[:2] if locale != "ja" else "en")


@pytest.mark.slow
def test_another_language_can_be_chosen_and_stays(shared_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(shared_gateway, camera=False)
    page.select_option("#language", "fr")
    page.locator("h1", has_text="Bonjour").wait_for()
    page.reload()
    page.get_by_role("heading", name=LANGUAGES["fr-CA"], exact=True).wait_for()


@in_each(slow=False)
def test_the_first_view_is_small_and_soon_there(shared_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(shared_gateway, camera=False, locale="fr")
    ready_ms = page.evaluate("performance.now()")
    sizes = page.evaluate(
        "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
        ".filter(each => /docs/.test(each.name)).map(each => each.encodedBodySize)"
    )
    print(f"first view: {sum(sizes)} bytes in {len(sizes)} requests, {ready_ms:.0f} ms")
    assert 40_000 < sum(sizes) < 120_000


def test_people_are_searched_and_leafed_through_in_a_request_a_page(
    shared_gateway: Gateway, open_page: OpenPage
) -> None:
    page = open_page(shared_gateway, camera=False)
    page.seen.requests.clear()
    page.goto(shared_gateway.address + "#people")
    page.locator("#people-shown", has_text="1 to 24 of 31").wait_for()
    asked = [url for url in page.seen.requests if "/v1/people" in url and "/samples/" not in url]
    assert len(asked) == 1 and page.locator(".card").count() == 24
    page.click("#people-next")
    page.locator("#people-shown", has_text="25 to 31 of 31").wait_for()
    assert page.locator("#people-next").is_disabled()
    names = page.locator(".card strong").all_inner_texts()
    page.click("#people-previous")
    page.locator("#people-shown", has_text="1 to 24").wait_for()
    assert sorted(names + page.locator(".card strong").all_inner_texts()) == sorted([*MANY, HOPPER])
    page.fill("#people-search", "emile")
    page.locator("#people-shown", has_text="1 to 6 of 6").wait_for()
    page.fill("#people-search", "nobody here")
    page.locator("#people-shown", has_text="Nobody's name has").wait_for()
    assert page.locator(".card").count() == 0


@pytest.mark.slow
def test_somebody_is_renamed_and_forgotten(gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(gateway, HOPPER, at="#recognise")
    page.locator("#recognise-said", has_text="Hello, Grace Hopper.").wait_for()
    page.goto(gateway.address + f"#people/{gateway.names['person']}")
    page.get_by_role("button", name="Rename").click()
    page.fill("#question-input", "Amazing Grace")
    page.keyboard.press("Enter")
    page.locator("#people-one h1", has_text="Amazing Grace").wait_for()
    page.get_by_role("button", name="Rename").click()
    page.fill("#question-input", MANY[0])
    page.get_by_role("button", name="Save").click()
    page.locator(f"#people-one h1:text-is('{MANY[0]}')").wait_for()  # whoever has no pictures does not hold a name
    page.get_by_role("button", name="Forget").click()
    page.get_by_role("button", name="for good").click()
    page.locator("#notice", has_text="is forgotten").wait_for()
    page.goto(gateway.address + "#recognise")
    page.locator("#recognise-said", has_text="We have not met yet.").wait_for()
    assert gateway.ask("v1/people?search=grace+hopper")["total"] == 0


@pytest.mark.slow
def test_one_picture_is_looked_at_by_file_and_by_drop(shared_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(shared_gateway, camera=False, at="#recognise")
    page.set_input_files("#recognise-file", portraits.path(HOPPER))
    page.locator("#recognise-said", has_text="Hello, Grace Hopper.").wait_for()
    shoot(page, "picture")
    page.set_input_files("#recognise-file", portraits.path("Eileen Collins"))
    page.locator("#recognise-said", has_text="We have not met yet.").wait_for()
    data = list(portraits.jpeg(HOPPER))
    for event, target in (("drop", "#recognise-stage"), ("paste", "body")):
        page.set_input_files("#recognise-file", portraits.path("Eileen Collins"))
        page.locator("#recognise-said", has_text="We have not met yet.").wait_for()
        page.evaluate(
            """([event, target, data]) => {
                const held = new DataTransfer();
                held.items.add(new File([new Uint8Array(data)], "a.jpg", { type: "image/jpeg" }));
                const init = { bubbles: true, cancelable: true, dataTransfer: held, clipboardData: held };
                const made = event === "drop" ? new DragEvent(event, init) : new ClipboardEvent(event, init);
                document.querySelector(target).dispatchEvent(made);
            }""",
            [event, target, data],
        )
        page.locator("#recognise-said", has_text="Hello, Grace Hopper.").wait_for()
    file = {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"}
    page.set_input_files("#recognise-file", [file])
    page.locator("#notice", has_text="not a picture").wait_for()


@pytest.mark.slow
def test_the_camera_that_is_missing_taken_or_pulled_out_is_told_and_the_button_tells_the_truth(
    shared_gateway: Gateway, open_page: OpenPage
) -> None:
    page = open_page(shared_gateway, camera=False, at="#recognise")
    page.locator("#recognise-trouble", has_text="No camera was found").wait_for()
    assert page.inner_text("#recognise-camera") == "Turn the camera on"
    page = open_page(shared_gateway, HOPPER, at="#recognise")
    page.locator("#recognise-said", has_text="Hello").wait_for()
    assert page.inner_text("#recognise-camera") == "Turn the camera off"
    page.evaluate(
        "document.querySelector('#recognise-video').srcObject.getTracks()[0].dispatchEvent(new Event('ended'))"
    )
    page.locator("#recognise-trouble", has_text="The camera is gone").wait_for()
    assert page.inner_text("#recognise-camera") == "Turn the camera on"
    for name, text in {
        "NotReadableError": "another program",
        "NotAllowedError": "not allowed",
        "Odd": "Try another",
    }.items():
        page.evaluate(
            "name => { navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('', name)); }", name
        )
        page.click("#recognise-camera")
        page.locator("#recognise-trouble", has_text=text).wait_for()
        assert page.inner_text("#recognise-camera") == "Turn the camera on"


@pytest.mark.slow
def test_a_page_that_came_by_http_says_why_there_is_no_camera(shared_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(shared_gateway, HOPPER)
    page.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false });")
    page.goto(shared_gateway.address + "?http#recognise")
    page.locator("#recognise-trouble", has_text="this one came by http").wait_for()
    shoot(page, "no-https")


@pytest.mark.slow
def test_names_are_shown_a_dozen_times_a_second(shared_gateway: Gateway, open_page: OpenPage) -> None:
    """Measured and printed; that there are some is tested."""
    page = open_page(shared_gateway, HOPPER, at="#recognise")
    page.locator("#recognise-said", has_text="Hello").wait_for()
    answered: list[float] = []
    page.on(
        "requestfinished", lambda request: answered.append(time.monotonic()) if "recognize" in request.url else None
    )
    page.wait_for_timeout(3000)
    print(f"{len(answered) / 3:.1f} recognitions a second")
    assert len(answered) > 3


@pytest.mark.slow
def test_the_page_recovers_when_the_gateway_does(shared_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(shared_gateway, HOPPER, at="#recognise")
    page.locator("#recognise-said", has_text="Hello, Grace Hopper.").wait_for()
    page.route("**/v1/**", lambda route: route.abort())
    page.route("**/readyz", lambda route: route.abort())
    page.locator("#recognise-trouble", has_text="does not answer").wait_for()
    page.locator("#readiness.missing").wait_for()
    page.unroute("**/v1/**")
    page.unroute("**/readyz")
    page.locator("#recognise-trouble").wait_for(state="hidden")
    page.locator("#recognise-said", has_text="Hello, Grace Hopper.").wait_for()
    page.locator("#readiness.ok").wait_for()
    page.seen.errors.clear()  # the browser notes each request that failed


def test_a_page_of_another_site_changes_nothing(shared_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(shared_gateway, camera=False)
    person, heads = shared_gateway.names["person"], shared_gateway.ask("v1/jobs")["jobs"]
    root = shared_gateway.root
    page.goto(root.replace("127.0.0.1", "localhost") + "openapi.json")  # another site, as the browser sees it
    asked = page.evaluate(
        """([root, person]) => Promise.all([
            fetch(`${root}v1/people/${person}`, { method: "DELETE" }),
            fetch(`${root}v1/people/${person}/samples`),
            fetch(`${root}v1/models/1/rollback`, { method: "POST", mode: "no-cors" }),
        ].map(each => each.then(answer => answer.type, error => error.name)))""",
        [root, person],
    )
    assert asked == ["TypeError"] * 3  # not sent, not read, and refused where a browser sends it unasked
    assert shared_gateway.ask(f"v1/people/{person}")["name"] == HOPPER
    assert shared_gateway.ask("v1/jobs")["jobs"] == heads
    page.seen.errors.clear()
    page.seen.requests.clear()


@pytest.mark.slow
def test_views_leave_nothing_behind(shared_gateway: Gateway, open_page: OpenPage) -> None:
    """An hour of going about is some rounds more than these.

    What the driver waits for by a locator it holds for good, with all that was in the view; so nothing is located here.
    """
    page = open_page(shared_gateway, HOPPER)
    inspector = page.context.new_cdp_session(page)
    inspector.send("Performance.enable")
    views = {
        "recognise": "#recognise-said:not(:empty)", "enrol": "#enrol-agree", "people": ".card",
        f"people/{shared_gateway.names['person']}": ".samples img", "operate": "#operate-parts table",
        "home": "#home h1",
    }  # fmt: skip

    def is_shown(sign: str) -> bool:
        return bool(page.evaluate("sign => document.querySelector(sign)?.offsetParent != null", sign))

    def go_round(times: int) -> None:
        for view, sign in times * list(views.items()):
            page.evaluate("view => { location.hash = view; }", view)
            poll(page, lambda sign=sign: is_shown(sign))

    def held() -> dict[str, float]:
        inspector.send("HeapProfiler.collectGarbage")
        measured = inspector.send("Performance.getMetrics")["metrics"]
        return {each["name"]: each["value"] for each in measured}

    def has_let_go() -> bool:
        now = held()
        return all(now[name] - before[name] < most for name, most in MAY_GROW.items())

    go_round(2)
    before = held()
    go_round(ROUNDS)
    poll(page, has_let_go)  # what a camera gave is let go of with its process' next collection


def poll(page: Any, true: Callable[[], bool]) -> None:
    """Wait until something holds, while the page goes on."""
    deadline = time.monotonic() + 30
    while not true():
        assert time.monotonic() < deadline
        page.wait_for_timeout(50)
