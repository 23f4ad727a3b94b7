export const enrol = {
  title: "Enrol",
  intro: "A few photos, and FaceKey knows a face from then on.",
  idHint: "A new id: letters, digits and . _ @ + -",
  consentTitle: "What you agree to",
  consent: [
    [
      "Purpose",
      "FaceKey makes a template from your photos: numbers that describe your face. It is used to tell whether you are who you say, and for nothing else.",
    ],
    [
      "Storage",
      "The template is kept encrypted, on this FaceKey only. The photos are forgotten once they were judged, unless those who run this FaceKey chose to keep them. Each sign-in is noted in a log under a pseudonym.",
    ],
    [
      "Erasure",
      "You may take your consent back at any time, without giving reasons. Then your template is no longer used, and erased together with its key. You get a receipt for an erasure.",
    ],
  ] as readonly (readonly [string, string])[],
  photosKept: "Those who run this FaceKey chose to keep the photos, encrypted, until the person is erased.",
  agree: "I have read this, and I agree to it. If I enrol somebody else: that person has read it and agrees.",
  mustAgree: "Nobody is enrolled without this.",
  how: "How do you want to give the photos?",
  camera: "Use the camera",
  cameraHow:
    "Takes a minute. Your browser asks you to allow the camera; you are told how to look, and good photos are taken by themselves.",
  files: "Choose photos",
  filesHow: "Five to ten photos of one person, each taken at another moment.",

  capture: "Photos with the camera",
  captureFacts:
    "About three pictures a second go to this FaceKey to see how good they are. Only the photos that are taken are kept, on this page, until you register.",
  phases: { camera: "Starting the camera" },
  poses: {
    straight: "Look straight at the camera",
    left: "Turn your head a little to your left",
    right: "Turn your head a little to your right",
    up: "Raise your chin a little",
    down: "Lower your chin a little",
    smile: "Smile",
    closer: "Come a little closer",
  },
  better: "Almost. Find more even light, and hold still",
  taken: (number: number, total: number) => `${number} of ${total} photos`,
  done: "That's enough. Look through the photos, and register.",
  skip: "Skip this",
  another: "Take another way",
  more: "Take more photos",

  photos: "Photos",
  drop: (kinds: string) => `${kinds}. Five to ten, of one person.`,
  tooMany: (most: number) => `A registration takes ${most} photos at most. The others are not sent.`,
  missing: (more: number) => (more === 1 ? "One more photo is needed." : `${more} more photos are needed.`),
  checking: "Photos are looked at.",
  ready: "Enough photos. More than one light and pose makes it better.",
  register: (count: number) => (count === 0 ? "Register" : `Register with ${count} photos`),
  sending: "Sending the photos",
  judging: "FaceKey judges the photos",
  sent: (percent: number) => `${percent} % sent`,

  accepted: "Taken",
  notAccepted: "Left out",
  reasons: {
    duplicate: "The same photo as another.",
    unlike_the_others: "Looks like somebody else.",
    spoof_suspected: "Not taken for a live person. Use a photo taken of the person, not of a picture or a screen.",
  } as Readonly<Record<string, string>>,
  refused: "Not registered",
  refusals: {
    different_people: {
      title: "The photos show more than one person",
      how: "Delete the photos that are marked, and add others of the same person.",
    },
    face_already_enrolled: {
      title: "This face has another id already",
      how: "One person has one id. Sign in with the other id, or ask those who run this FaceKey to erase it first.",
    },
    user_exists: {
      title: "This id is taken",
      how: "Choose another id. The photos stay on this page until you leave it.",
    },
    too_few_usable_images: {
      title: "Too few of the photos can be used",
      how: "Three that can be used are needed. Delete those that were left out, and take others.",
    },
  } as Readonly<Record<string, { readonly title: string; readonly how: string }>>,
  changeId: "Choose another id",
  tryAgain: "Try again",
  maybeArrived: "It isn't known whether the photos arrived. Try again: if the id is taken then, they did.",

  enrolled: (userId: string) => `${userId} is enrolled`,
  enrolledHow: (valid: number, sent: number) =>
    `${valid} of ${sent} photos were taken. From now on this face can sign in under this id.`,
  trySigningIn: "Try signing in",
  enrolAnother: "Enrol somebody else",
  noneYet: "Good photos appear here as they are taken.",
  photo: "Photo",
  verdict: "Verdict",
  quality: "Quality",
  liveness: "Live person",
};
