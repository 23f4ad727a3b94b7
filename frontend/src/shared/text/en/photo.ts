import { formatBytes } from "@/shared/format/format";

export const photo = {
  drop: "Drop photos here",
  dropOne: "Drop a photo here",
  or: "or",
  choose: "Choose photos",
  chooseOne: "Choose a photo",
  kinds: "JPEG, PNG, WebP or BMP",
  faults: {
    empty: "This file is empty.",
    heic: "This is a HEIC photo, as iPhones take them. Send it as JPEG: on the iPhone, Settings, Camera, Formats, Most Compatible.",
    avif: "This is an AVIF picture. Save it as JPEG or PNG.",
    pdf: "This is a PDF, not a photo. Save its picture as JPEG or PNG.",
    gif: "This is a GIF. Choose a photo as JPEG or PNG.",
    tiff: "This is a TIFF picture. Save it as JPEG or PNG.",
    video: "This is a video. Choose a photo.",
    animated: "This picture moves. Choose a photo that stands still.",
    other: "This is no photo that can be read. Choose a JPEG, PNG, WebP or BMP file.",
  },
  tooLarge: (bytes: number, most: number) =>
    `This file has ${formatBytes(bytes)}; a photo may have ${formatBytes(most)}. Save it smaller.`,
  checking: "Looking at it",
  grades: { good: "Good", fair: "Fair", poor: "Poor" },
  noGrade: "Can't be used",
  notChecked: "Not checked yet",
  remove: (number: number) => `Delete photo ${number}`,
  retake: (number: number) => `Take photo ${number} again`,
  removeIt: "Delete",
  retakeIt: "Retake",
  alt: (number: number) => `Photo ${number}`,
};
