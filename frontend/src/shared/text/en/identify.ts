import { formatCount } from "@/shared/format/format";

const people = (count: number) => (count === 1 ? "1 enrolled person" : `${formatCount(count)} enrolled people`);

export const identify = {
  title: "Identify",
  intro: "Who of the enrolled is this? A photo or the camera, and an honest answer.",
  file: "A photo",
  camera: "The camera",
  cameraHow:
    "Your browser asks you to allow it. One picture goes to this FaceKey when you take it, and is forgotten once it was compared.",
  cameraGuided:
    "Your browser asks you to allow it. About three pictures a second go to this FaceKey to see how good they are; the one you take is compared. None is kept.",
  useCamera: "Use the camera",
  take: "Take the photo",
  starting: "Starting the camera",
  look: "Look straight at the camera, and take the photo",
  good: "Good. Take the photo",
  searching: "Comparing with everybody who is enrolled",
  yourPhoto: "The photo",
  another: "Another photo",
  cameraAgain: "Take another with the camera",

  found: (userId: string) => `This is ${userId}`,
  foundSeveral: "More than one match",
  foundHow: (count: number) => `Compared with ${people(count)}.`,
  severalHow: (count: number) =>
    `Compared with ${people(count)}. These are all alike enough; relatives, or one person with two ids?`,
  matches: "Matches",
  confidence: "Confidence",
  needed: (threshold: string) => `${threshold} is needed`,
  neededHow: "What is needed rises with the number of people, so that a stranger is hardly ever taken for somebody.",
  open: (userId: string) => `Open ${userId}`,

  unknown: "Unknown",
  unknownHow: (count: number) =>
    `Compared with ${people(count)}, and nobody is alike enough. Either this person isn't enrolled, or the photo shows them too differently.`,
  nobody: "Nobody is enrolled yet",
  nobodyHow: "There is nobody to compare with.",
  enrol: "Enrol somebody",
  spoof: "Not taken for a live person",
  spoofHow: "A photo of a photo, of a screen or of a mask is not compared. Take the picture of the person's own face.",
  notJudged: "This photo can't be judged",
  failed: "Nothing was compared",
};
