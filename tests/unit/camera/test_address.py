"""Addresses: whatever is told of one has no user, password, token or key in it, however it is written."""

import pytest

from familiar_camera.address import masked
from familiar_camera.cli import main

from .conftest import FakeGateway


@pytest.mark.parametrize(
    "address,shown",
    [
        ("rtsp://admin:s3cret@cam/1", "rtsp://***@cam/1"),
        ("rtsp://admin:pass s3cret@cam/1", "rtsp://***@cam/1"),
        ("rtsp://admin:p@ss/s3cret@cam/1", "rtsp://***@cam/1"),
        ("http://s3cret@cam/1", "http://***@cam/1"),
        ("http://cam/snap?user=s3cret&pwd=s3cret&channel=1", "http://cam/snap?user=***&pwd=***&channel=1"),
        ("http://cam/snap?u=s3cret&p=s3cret&w=640", "http://cam/snap?u=***&p=***&w=640"),
        ("http://cam/snap?access_token=s3cret", "http://cam/snap?access_token=***"),
        ("http://cam/snap?http_password=s3cret", "http://cam/snap?http_password=***"),
        ("http://cam/snap?X-Amz-Signature=s3cret", "http://cam/snap?X-Amz-Signature=***"),
        ("http://cam/snap?-usr=s3cret&-pwd=s3cret", "http://cam/snap?-usr=***&-pwd=***"),
        ("http://cam/snap?PASSWORD=s3cret", "http://cam/snap?PASSWORD=***"),
        ("http://cam/snap?pwd=a;s3cret", "http://cam/snap?pwd=***"),
        ("http://cam/snap?pwd=it's s3cret", "http://cam/snap?pwd=***"),
        ("http://cam/snap#token=s3cret", "http://cam/snap#token=***"),
        ("rtsp://cam/user=s3cret&password=s3cret&channel=1", "rtsp://cam/user=***&password=***&channel=1"),
        ("rtsp://cam/channel=1_user=s3cret_password=s3cret.sdp", "rtsp://cam/channel=1_user=***"),
        ("admin:s3cret@cam/1", "***@cam/1"),
        ("rtsp:/admin:s3cret@cam/1", "***@cam/1"),
        ("http://cam:8080/axis-cgi/mjpg/video.cgi?camera=2", "http://cam:8080/axis-cgi/mjpg/video.cgi?camera=2"),
        ("rtsp://cam/cam/realmonitor?channel=1&subtype=0", "rtsp://cam/cam/realmonitor?channel=1&subtype=0"),
        ("/dev/v4l/by-id/usb-cam-video-index0", "/dev/v4l/by-id/usb-cam-video-index0"),
        ("people@home/cat.jpg", "people@home/cat.jpg"),
    ],
)
def test_an_address_is_shown_without_what_is_secret_in_it(address: str, shown: str) -> None:
    assert masked(address) == shown


@pytest.mark.parametrize(
    "arguments",
    [
        ["rtsp://ada:s3cret@cam/1"],
        ["recognize", "0", "rtsp://ada:s3cret@cam/1"],
        ["recognize", "0", "--rotate", "rtsp://ada:s3cret@cam/1"],
        ["recognize", "ada:s3cret@cam/1"],
        ["recognize", "rtsp:/ada:s3cret@cam/1"],
        ["recognize", " rtsp://ada:s3cret@cam/1"],
        ["recognize", "rtsp:/ada:s3cret@cam/" + "1" * 5000],
        ["recognize", "http://ada:s3cret@/1"],
        ["recognize", "rtsp://ada:s3cret/1@cam/1", "--wait", "inf"],
        ["recognize", "rtsps://ada:s3cret?1@cam/1", "--wait", "inf"],
        ["recognize", "http://ada:s3cret#1@cam/1", "--wait", "inf"],
        ["recognize", "http://ada:s3cret@127.0.0.1:1/1", "--wait", "0"],
    ],
)
def test_no_password_is_told_of_what_stands_in_the_wrong_place(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status = main(arguments)
    except SystemExit as exc:
        status = int(str(exc.code))
    said = capsys.readouterr()
    assert status == 2 and said.err and "s3cret" not in said.out + said.err and "Traceback" not in said.err


@pytest.mark.parametrize("address", ["http://ada:s3cret@127.0.0.1:1", "ftp://ada:s3cret@127.0.0.1"])
def test_no_password_of_a_server_is_told(
    gateway: FakeGateway, capsys: pytest.CaptureFixture[str], address: str
) -> None:
    assert main(["recognize", "simulate:nobody.png", "--server", address, "--wait", "0"]) == 2
    assert main(["photos", ".", "--server", address, "--wait", "0"]) in (2, 4)
    assert "s3cret" not in capsys.readouterr().err
