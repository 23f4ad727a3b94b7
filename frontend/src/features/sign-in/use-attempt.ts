import { useEffect, useRef, useState, useSyncExternalStore, type RefObject } from "react";

import { type LiveCamera } from "@/shared/camera/camera";
import { eachFrame } from "@/shared/camera/each-frame";
import { FrameEncoder, type FrameSize } from "@/shared/camera/frame-encoder";
import { useCamera } from "@/shared/camera/use-camera";
import { usePageHidden } from "@/shared/camera/use-page-hidden";
import { session } from "@/shared/session/session";

import { LiveSession, type LiveState } from "./live-session";

const PICTURE = { widthPx: 640, heightPx: 480 };
const FRAME: FrameSize = { mostWidthPx: 640, mostHeightPx: 480, quality: 0.85 };

function connect(path: string): WebSocket {
  const address = new URL(path, globalThis.location.href);
  address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
  return new WebSocket(address);
}

const nothing = (): LiveState | null => null;
const never = () => () => undefined;

/** Camera and live session of one attempt after another; both end when the page is left or hidden. */
export function useAttempt() {
  const { camera, state: picture } = useCamera(PICTURE);
  const [live, setLive] = useState<LiveSession | null>(null);
  // Two presses may come before the page is drawn again.
  const latest = useRef<LiveSession | null>(null);
  const state = useSyncExternalStore(live?.subscribe ?? never, live?.current ?? nothing);
  const goesOn = state?.phase === "connecting" || state?.phase === "watching";

  /** Another camera begins another attempt: within one, the picture must not jump. */
  const begin = (userId: string, deviceId?: string) => {
    if (latest.current?.over === false && deviceId === undefined) return;
    latest.current?.leave();
    const next = new LiveSession({ userId, token: () => session.token(), connect });
    latest.current = next;
    setLive(next);
    void camera.start(deviceId);
    // Where nobody has to be asked, the connection is made while the camera starts.
    void alreadyAllowed().then((allowed) => {
      if (allowed) next.open();
    });
  };
  const end = () => {
    latest.current?.leave();
    camera.stop();
    setLive(null);
  };

  usePageHidden(() => {
    if (goesOn && picture.state === "live") live?.fail({ kind: "hidden", detail: null, retryAfterS: null });
  });
  useEffect(() => {
    const offline = () => live?.fail({ kind: "connection", detail: null, retryAfterS: null });
    // Who comes back to a page that the browser kept is told why it stands still.
    const gone = () => live?.fail({ kind: "hidden", detail: null, retryAfterS: null });
    globalThis.addEventListener("offline", offline);
    globalThis.addEventListener("pagehide", gone);
    return () => {
      globalThis.removeEventListener("offline", offline);
      globalThis.removeEventListener("pagehide", gone);
      live?.leave();
    };
  }, [live]);
  useEffect(() => {
    // The light of the camera goes out as soon as there is an answer. A camera in trouble is off; it says why.
    if (live !== null && !goesOn && picture.state === "live") camera.stop();
  }, [live, goesOn, camera, picture.state]);
  useEffect(() => {
    // Without a picture there is nothing to judge.
    if (!["idle", "asking", "live"].includes(picture.state)) live?.leave();
  }, [picture.state, live]);

  return { picture, live, state, begin, end };
}

/** Sends what the camera sees for as long as the session wants it. */
export function useFrames(video: RefObject<HTMLVideoElement | null>, camera: LiveCamera, live: LiveSession): void {
  const { stream } = camera;
  useEffect(() => {
    const element = video.current;
    if (element === null) return;
    live.open();
    const encoder = new FrameEncoder(FRAME);
    encoder.warm();
    const stop = eachFrame(element, () => {
      if (encoder.busy || !live.wants(performance.now())) return;
      void encoder.encode(element).then((frame) => {
        if (frame !== null) live.send(frame, performance.now());
      });
    });
    return () => {
      stop();
      encoder.close();
    };
  }, [video, stream, live]);
}

async function alreadyAllowed(): Promise<boolean> {
  // Some browsers can't be asked about the camera.
  const asked = navigator.permissions.query({ name: "camera" });
  return asked.then(({ state }) => state === "granted").catch(() => false);
}
