// A camera that plays a film, for a browser that has none for tests; see browsers.py.
function playBeforeTheCamera(frames, fps) {
  if (!navigator.mediaDevices) return; // an empty page has none
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  const shown = frames.map((frame) => {
    const bytes = Uint8Array.from(atob(frame), (each) => each.charCodeAt(0));
    return createImageBitmap(new Blob([bytes], { type: "image/jpeg" }));
  });
  addEventListener("securitypolicyviolation", (event) => console.error(`refused: ${event.blockedURI}`));
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const real = await open(wanted);
    const pictures = await Promise.all(shown);
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [pictures[0].width, pictures[0].height];
    const pen = canvas.getContext("2d");
    let number = 0;
    const play = setInterval(() => {
      if (real.getVideoTracks()[0].readyState === "ended") clearInterval(play);
      pen.drawImage(pictures[number % pictures.length], 0, 0);
      number += 1;
    }, 1000 / fps);
    const stream = canvas.captureStream();
    const [track] = stream.getVideoTracks();
    const stop = track.stop.bind(track);
    track.stop = () => {
      stop();
      for (const each of real.getTracks()) each.stop();
    };
    return stream;
  };
}
