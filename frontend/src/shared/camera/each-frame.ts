const POLL_MS = 33;

/** Calls back for every new picture of a video; gives what ends it. A hidden page shows none, so there is none to send. */
export function eachFrame(video: HTMLVideoElement, seen: () => void): () => void {
  if (!("requestVideoFrameCallback" in video)) return eachChange(video, seen);
  let handle = 0;
  const next = () => {
    handle = video.requestVideoFrameCallback(() => {
      next();
      seen();
    });
  };
  next();
  return () => video.cancelVideoFrameCallback(handle);
}

/** For browsers that don't tell: the same picture must not be taken twice, it would look like a recording. */
function eachChange(video: HTMLVideoElement, seen: () => void): () => void {
  let last = -1;
  const timer = setInterval(() => {
    if (document.hidden || video.currentTime === last) return;
    last = video.currentTime;
    seen();
  }, POLL_MS);
  return () => clearInterval(timer);
}
