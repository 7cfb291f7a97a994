"""GStreamer's RTSP server for the tests, run by the system's own Python: rtsp_server.py PORT BEGAN FPS [USER PASSWORD].

Its pictures are those of ``cameras.numbered``: number ``n`` belongs to the moment ``BEGAN + n / FPS`` of the machine's
monotonic clock. This Python has no numpy.
"""

import sys
import time

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402

_BITS, _BLOCK_PX, _ACROSS = 24, 16, 6
_LAUNCH = (
    "( appsrc name=numbers is-live=true do-timestamp=true format=time max-buffers=2 leaky-type=downstream "
    "caps=video/x-raw,format=GRAY8,width=96,height=128,framerate={fps}/1 ! videoconvert "
    "! video/x-raw,format=I420 ! x264enc tune=zerolatency speed-preset=ultrafast key-int-max={fps} "
    "! rtph264pay name=pay0 pt=96 config-interval=1 )"
)


def numbered(number: int) -> bytes:
    """Return the picture of a number, 128 lines of 96 bytes."""
    bits = [(number >> place) & 1 for place in range(_BITS)]
    cells = bits + [1 - bit for bit in bits]
    rows = [cells[at : at + _ACROSS] for at in range(0, len(cells), _ACROSS)]
    return b"".join(b"".join(bytes([255 * cell]) * _BLOCK_PX for cell in row) * _BLOCK_PX for row in rows)


def main(port: str, began: str, fps: str, *login: str) -> None:
    """Serve numbers at /door until killed."""
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    factory = GstRtspServer.RTSPMediaFactory()
    factory.set_launch(_LAUNCH.format(fps=fps))
    factory.set_shared(True)
    factory.connect("media-configure", lambda _factory, media: feed(media, float(began), int(fps)))
    if login:
        token = GstRtspServer.RTSPToken()
        token.set_string("media.factory.role", "user")
        auth = GstRtspServer.RTSPAuth()
        auth.add_basic(GstRtspServer.RTSPAuth.make_basic(*login), token)
        server.set_auth(auth)
        permissions = GstRtspServer.RTSPPermissions()
        permissions.add_permission_for_role("user", "media.factory.access", True)
        permissions.add_permission_for_role("user", "media.factory.construct", True)
        factory.set_permissions(permissions)
    server.get_mount_points().add_factory("/door", factory)
    server.attach(None)
    print("ready", flush=True)
    GLib.MainLoop().run()


def feed(media: GstRtspServer.RTSPMedia, began: float, fps: int) -> None:
    """Push the picture of the moment into a media as often as it has one, until the media is given up."""
    numbers = media.get_element().get_by_name("numbers")
    over = []
    media.connect("unprepared", lambda _media: over.append(True))

    def push() -> bool:
        if not over:
            number = int((time.monotonic() - began) * fps)
            numbers.emit("push-buffer", Gst.Buffer.new_wrapped(numbered(number)))
        return not over

    GLib.timeout_add(1000 // fps, push)


if __name__ == "__main__":
    main(*sys.argv[1:])
