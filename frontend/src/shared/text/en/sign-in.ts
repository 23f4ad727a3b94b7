export const signIn = {
  title: "Sign in",
  intro: "Show that it is you, with your face.",
  idHint: "The id you were enrolled under. It isn't kept on this device.",
  start: "Start the camera",
  before: "Before you start",
  facts: {
    camera: ["The camera is used now only.", "It is switched off as soon as there is an answer."],
    pictures: [
      "Pictures go to this FaceKey and to nobody else.",
      "They are compared, and then forgotten. Of a suspected attack its operators keep a drawing of the depth of the face.",
    ],
    picturesKept: [
      "Pictures go to this FaceKey and to nobody else.",
      "They are compared, and then forgotten. Of a suspected attack its operators keep one photo, and a drawing of its depth.",
    ],
    nothing: ["Nothing is sent before you press start.", "Your browser asks you to allow the camera first."],
  } as const,
  stage: "Signing in",
  cancel: "Stop",
  phases: {
    camera: "Starting the camera",
    connecting: "Connecting to FaceKey",
    looking: "Look straight at the camera, and hold still",
    holding: "Good. Hold still",
    between: "Good. Look at the camera again",
    deciding: "Deciding",
  },
  progress: "Progress",
  timeLeft: (seconds: number) => `${seconds} s left`,
  seconds: (seconds: number) => `${seconds}`,
  step: (number: number, total: number) => `Step ${number} of ${total}`,
  actions: {
    blink: "Close your eyes for a moment, then open them",
    smile: "Smile broadly",
    turn_left: "Turn your head to your left",
    turn_right: "Turn your head to your right",
    nod: "Nod: lower your chin, then look up again",
  } as Readonly<Record<string, string>>,

  welcome: (userId: string) => `Welcome, ${userId}`,
  welcomeHow: "You were recognised as a live person, and as the one who is enrolled under this id.",
  another: "Sign in as somebody else",
  again: "Try again",
  againIn: (wait: string) => `Try again in ${wait}`,
  change: "Change the user id",
  reasons: {
    no_match: {
      title: "Not recognised",
      how: "Your face doesn't match the one enrolled under this id. Check the id, take off what covers your face, and look for even light.",
    },
    spoof_suspected: {
      title: "Not taken for a live person",
      how: "Show your own face to the camera, with no photo, screen or mask between. Look for even light, and hold the camera still.",
    },
    challenge_failed: {
      title: "Something else was asked",
      how: "Do each movement once, and only after it is asked for. In between, look at the camera with a relaxed face.",
    },
    challenge_expired: {
      title: "The time was over",
      how: "Do each movement as soon as it is asked for. Sit so that your whole face stays in the oval.",
    },
    face_lost: {
      title: "Your face was lost",
      how: "Stay in the picture until the end, alone, and move without haste.",
    },
  } as Readonly<Record<string, { readonly title: string; readonly how: string }>>,
  notSure: "Not signed in",
  notSureHow: "Look for even light, hold the camera still, and try again.",

  troubles: {
    locked: {
      title: "Too many attempts",
      how: "Too many attempts for this id or from this place failed. For its protection nobody can try for a while.",
    },
    slow_down: { title: "FaceKey is busy", how: "Too many people sign in at this moment. Nothing was decided." },
    unavailable: { title: "FaceKey can't decide now", how: "A part of it can't be reached. Nothing was decided." },
    restarting: { title: "FaceKey restarts", how: "Nothing was decided. It is back in a moment." },
    connection: {
      title: "The connection was lost",
      how: "Nothing was decided. Check your network; the next attempt begins anew.",
    },
    unreachable: {
      title: "No live connection",
      how: "FaceKey could not be reached, or something in between doesn't let live connections through.",
    },
    signed_out: {
      title: "Your operator sign-in has ended",
      how: "Nothing was decided. Log in again, then start anew.",
    },
    not_allowed: { title: "Not allowed here", how: "This account may not start sign-ins. Ask an administrator." },
    operator: {
      title: "FaceKey needs its operator",
      how: "Nothing can be decided until somebody has looked at it. Tell those who run it.",
    },
    protocol: {
      title: "This page and FaceKey don't fit together",
      how: "One of them was updated. Load the page again.",
    },
    hidden: {
      title: "Stopped, because you looked elsewhere",
      how: "The camera was switched off and nothing more was sent. Start again when you are ready.",
    },
  },
  logIn: "Log in",
  reload: "Load again",

  fallback: "It doesn't work?",
  fallbackHow: "Use your password in the application that sent you here.",
  fallbackOperator: "Use your operator password",
  details: "Details",
  scores: {
    confidence: "Match",
    threshold: "Match needed",
    liveness_score: "Live person",
    quality_score: "Picture quality",
    probability: "All together",
  },
  scoresHow: "Each between 0 and 1. A match of 0.65 is what one stranger in 10,000 reaches.",
  hiddenScore: "not told",
};
