export const voice = {
  record: "Start recording",
  finish: "Done",
  level: "How loud it is",
  left: (seconds: number) => `${seconds} s left`,
  asking: "Allow the microphone when your browser asks.",
  speak: "Read the sentence aloud, as you usually speak.",
  again: "Record again",
  sending: "FaceKey listens",
  troubles: {
    insecure: "Browsers give the microphone to pages with https only. Open this page with https.",
    refused:
      "The microphone was not allowed. Press the microphone or lock sign beside the address, allow it for this page, and try again.",
    missing: "No microphone was found. Connect one, and try again.",
    busy: "Another app uses the microphone. Close calls that use it, and try again.",
    failed: "The microphone didn't start. Try again.",
  } as Readonly<Record<string, string>>,
  digits: ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"],
  sentences: [
    "The old bridge over the river was closed all summer, and we took the ferry.",
    "Before the rain began, she brought the chairs and the table into the house.",
    "My neighbour grows tomatoes, beans and a yellow rose behind the garage.",
    "On Thursday the bakery at the corner sells warm bread from early morning.",
    "He looked for his keys in every pocket and found them in the door.",
    "The train to the coast stops at each village, and the view is worth it.",
    "A grey cat sleeps on the warm stone in front of the library.",
    "We measured the room twice before we cut the wood for the shelves.",
    "In the evening the children fly kites on the hill above the harbour.",
    "The museum shows maps, clocks and a small boat made of paper.",
  ] as readonly string[],

  signIn: {
    title: "Now your voice",
    how: "Your face was recognised. Read this aloud while you look at the camera. Everybody is asked, whether their voice is enrolled or not.",
    picture:
      "One picture is taken while you speak, and goes to this FaceKey with the recording. Both are compared, and then forgotten.",
    matched: "Face and voice were recognised.",
    notEnrolled: "Your face was recognised. There is no voice of yours to compare with.",
    noMatch: "Your voice was not recognised",
    noMatchHow:
      "Your face was, but the voice doesn't match the one enrolled under this id. Speak as usual, alone, in a quiet room.",
    notSure: "That didn't work",
    score: "Likeness of the voice",
    fused: "Face and voice together",
    noCamera: "There is no picture of you. Allow the camera, and try again.",
  },

  enrol: {
    add: "Add a voice, too",
    title: "Add a voice",
    consentTitle: "What you agree to",
    consent:
      "FaceKey makes numbers from three recordings that describe your voice. They are kept encrypted, on this FaceKey only, and used beside your face to tell whether you are who you say. The recordings are forgotten at once. You may take this consent back at any time; then the numbers are erased.",
    agree: "I have read this, and I agree to it. If I enrol somebody else: that person has read it and agrees.",
    mustAgree: "No voice is enrolled without this.",
    weak: "A voice is a weak extra: whoever has a recording of it can play it. It never lets anybody in without the face.",
    number: (number: number, total: number) => `Recording ${number} of ${total}`,
    done: "The voice is enrolled",
    doneHow: (userId: string) => `From now on ${userId} is asked for it after the face.`,
    refused: "The recordings can't be used",
    start: "Go on",
  },
};
