import { type CameraTrouble } from "@/shared/camera/camera";

interface Trouble {
  readonly title: string;
  readonly how: string;
}

export const camera = {
  title: "Camera",
  picture: "Picture of your camera",
  asking: "Allow the camera when your browser asks.",
  choose: "Camera",
  unnamed: (number: number) => `Camera ${number}`,
  retry: "Try the camera again",
  hidden: "You looked at another page, so the camera was stopped.",
  troubles: {
    insecure: {
      title: "The camera needs a secure page",
      how: "Browsers give the camera to pages with https only. Open this page with https.",
    },
    refused: {
      title: "The camera was not allowed",
      how: "Press the camera or lock sign beside the address, allow the camera for this page, and try again.",
    },
    forbidden: {
      title: "The camera is switched off for this page",
      how: "This browser or those who manage this device don't allow it. Use another device, or ask them.",
    },
    missing: {
      title: "No camera was found",
      how: "Connect one, or use a device that has one, and try again.",
    },
    busy: {
      title: "Another app uses the camera",
      how: "Close video calls and other pages that use it, and try again.",
    },
    lost: {
      title: "The camera is gone",
      how: "It was unplugged, switched off, or stopped giving a picture. Connect it and try again.",
    },
    failed: {
      title: "The camera didn't start",
      how: "Try again. If it fails again, restart the browser.",
    },
  } satisfies Record<CameraTrouble, Trouble> as Readonly<Record<CameraTrouble, Trouble>>,
};
