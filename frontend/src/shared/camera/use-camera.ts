import { useEffect, useState, useSyncExternalStore } from "react";

import { Camera, type CameraState, type Devices, type PictureWish } from "./camera";

function devicesOfThisBrowser(): Devices {
  // Outside a secure context the browser has no such thing, whatever its types say.
  const media = (navigator as { readonly mediaDevices?: MediaDevices }).mediaDevices;
  return { secure: globalThis.isSecureContext, media: media ?? null };
}

/** A camera that is let go when the page is left, in whichever way. */
export function useCamera(wish: PictureWish): { readonly camera: Camera; readonly state: CameraState } {
  const [camera] = useState(() => new Camera(devicesOfThisBrowser(), wish));
  const state = useSyncExternalStore(camera.subscribe, camera.current);
  useEffect(() => {
    globalThis.addEventListener("pagehide", camera.stop);
    return () => {
      globalThis.removeEventListener("pagehide", camera.stop);
      camera.stop();
    };
  }, [camera]);
  return { camera, state };
}
