export const problems = {
  unreachable: "FaceKey can't be reached. Check that the service runs and that this device is connected.",
  unknown: "Something went wrong. Try again; if it keeps happening, the service's log has the details.",
  byStatus: {
    413: "What was sent is too large.",
    429: "Too many requests. Wait a moment and try again.",
    500: "FaceKey has a defect here; its log has the details.",
    502: "FaceKey doesn't answer behind its proxy. Try again in a moment.",
    503: "FaceKey is busy or still starting. Try again in a moment.",
    504: "FaceKey took too long to answer. Try again in a moment.",
  } as Readonly<Record<number, string>>,
  tryAgain: "Try again",
  tryAgainIn: (seconds: number) => `Try again in ${seconds} s`,
  notAllowed: "Your role doesn't include this.",
  notAllowedHow: "Ask an administrator of this FaceKey, or sign in with another account.",
};
