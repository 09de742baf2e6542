"""An RTSP camera that plays a file in real time; run by the system's Python, which has GStreamer's bindings.

Debian: python3-gi, gir1.2-gst-rtsp-server-1.0, gstreamer1.0-plugins-base, -good and -bad. Prints its port when it
listens, and serves /cam (the file), /sound (no video) and /locked (the file, for the user zaphod with hunter2).
"""

from __future__ import annotations

import sys

import gi

gi.require_version("Gst", "1.0")
gi.require_version("GstRtspServer", "1.0")
from gi.repository import GLib, Gst, GstRtspServer  # noqa: E402


def main(path: str, codec: str, port: str) -> None:
    Gst.init(None)
    server = GstRtspServer.RTSPServer()
    server.set_address("127.0.0.1")
    server.set_service(port)
    video = (
        f"( filesrc location={path} ! qtdemux ! {codec}parse config-interval=-1 ! rtp{codec}pay name=pay0 pt=96 )"
    )
    sound = "( audiotestsrc is-live=true wave=silence ! alawenc ! rtppcmapay name=pay0 pt=8 )"
    for place, launch in (("/cam", video), ("/sound", sound), ("/locked", video)):
        factory = GstRtspServer.RTSPMediaFactory()
        factory.set_launch(launch)
        server.get_mount_points().add_factory(place, factory)
        for role, may_see in (("viewer", True), ("anonymous", place != "/locked")):
            factory.add_role_from_structure(_role(role, may_see=may_see))
    server.set_auth(_auth())
    server.attach(None)
    print(server.get_bound_port(), flush=True)  # noqa: T201
    GLib.MainLoop().run()


def _role(name: str, *, may_see: bool) -> object:
    # Without access the server says that there is no such place; without construct, that somebody must log in.
    construct = str(may_see).lower()
    return Gst.Structure.from_string(f"{name}, media.factory.access=true, media.factory.construct={construct}")[0]


def _auth() -> object:
    auth = GstRtspServer.RTSPAuth()
    viewer, anonymous = (GstRtspServer.RTSPToken() for _ in range(2))
    viewer.set_string("media.factory.role", "viewer")
    anonymous.set_string("media.factory.role", "anonymous")
    auth.set_default_token(anonymous)
    auth.add_basic(GstRtspServer.RTSPAuth.make_basic("zaphod", "hunter2"), viewer)
    return auth


if __name__ == "__main__":
    main(*sys.argv[1:])
