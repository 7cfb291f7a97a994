// The camera of this device: a stream shown in a <video>, and frames taken of it.

const WANTED = { width: { ideal: 1280 }, height: { ideal: 720 }, frameRate: { ideal: 30 } };
const JPEG = ["image/jpeg", 0.88];
const STARTS_WITHIN_MS = 10_000;
const TROUBLES = {
  NotAllowedError: "denied",
  SecurityError: "denied",
  NotFoundError: "none",
  NotReadableError: "taken",
  AbortError: "taken",
};

// Why there is no camera; `kind` is a key of texts.camera.
export class CameraError extends Error {
  constructor(kind) {
    super(kind);
    this.kind = kind;
  }
}

export class Camera {
  // `lost` is called with the kind of trouble when a camera that was on gives no more pictures.
  constructor(video, lost) {
    this.video = video;
    this.lost = lost;
    this.stream = null;
    this.asked = 0; // how often it was to go on or off
    this.canvas = document.createElement("canvas"); // an OffscreenCanvas is not for every browser
  }

  get on() {
    return this.stream !== null;
  }

  // Which one it is.
  get id() {
    return this.settings.deviceId ?? "";
  }

  // Whether it looks at who sits before the screen, who expects a mirror.
  get mirrored() {
    return this.on && this.settings.facingMode !== "environment";
  }

  get settings() {
    return this.stream?.getVideoTracks()[0]?.getSettings() ?? {};
  }

  // Resolves to whether it is on: whoever left while the browser still asked for leave must not be looked at later.
  async start(id = "") {
    this.asked += 1;
    const { asked } = this;
    if (!window.isSecureContext) throw new CameraError("insecure");
    if (!navigator.mediaDevices?.getUserMedia) throw new CameraError("unsupported");
    const stream = await this.open(id).catch((error) => {
      if (asked === this.asked) throw error;
      return null;
    });
    if (asked !== this.asked) {
      end(stream);
      return false;
    }
    end(this.stream); // another camera was on
    this.stream = stream;
    this.watch(stream);
    this.video.srcObject = stream;
    this.video.muted = true;
    await this.play();
    return this.stream === stream;
  }

  async open(id) {
    const which = id ? { deviceId: { exact: id } } : { facingMode: "user" };
    try {
      return await navigator.mediaDevices.getUserMedia({ video: { ...WANTED, ...which } });
    } catch (error) {
      if (id && error.name === "OverconstrainedError") return this.open(""); // the one of last time is not here
      throw new CameraError(TROUBLES[error.name] ?? "failed");
    }
  }

  watch(stream) {
    const [track] = stream.getVideoTracks();
    const lose = (kind) => {
      if (this.stream !== stream) return;
      this.stop();
      this.lost(kind);
    };
    track.addEventListener("ended", () => lose("unplugged"));
    track.addEventListener("mute", () => {
      setTimeout(() => track.muted && lose("taken"), 2000); // a phone that is turned is mute for a moment
    });
  }

  async play() {
    const { video } = this;
    await video.play().catch(() => {}); // it plays by itself, or says below that it does not
    const deadline = performance.now() + STARTS_WITHIN_MS;
    while (this.on && !video.videoWidth) {
      if (performance.now() > deadline) {
        this.stop();
        throw new CameraError("taken");
      }
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  stop() {
    this.asked += 1;
    end(this.stream);
    this.stream = null;
    this.video.srcObject = null;
  }

  // Resolves to the present frame as a JPEG, whose longer side is `sidePx` at most, and the scale it was made by; null
  // if the camera was turned off meanwhile.
  async frame(sidePx = Number.POSITIVE_INFINITY) {
    const { videoWidth: width, videoHeight: height } = this.video;
    if (!width) return null;
    const scale = Math.min(1, sidePx / Math.max(width, height));
    const { canvas } = this;
    canvas.width = Math.round(width * scale);
    canvas.height = Math.round(height * scale);
    canvas.getContext("2d").drawImage(this.video, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise((resolve) => canvas.toBlob(resolve, ...JPEG));
    return blob && { blob, width: canvas.width, height: canvas.height };
  }
}

function end(stream) {
  for (const track of stream?.getTracks() ?? []) track.stop();
}

// Resolves to the cameras there are, as {id, label}; labels are told only to those who have been let to one of them.
export async function list() {
  const devices = (await navigator.mediaDevices?.enumerateDevices?.()) ?? [];
  const cameras = devices.filter((device) => device.kind === "videoinput" && device.deviceId);
  return cameras.map((device) => ({ id: device.deviceId, label: device.label }));
}
