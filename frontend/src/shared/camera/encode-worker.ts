/** One picture to encode. */
export interface EncodeJob {
  readonly picture: ImageBitmap;
  readonly width: number;
  readonly height: number;
  readonly quality: number;
}

export interface Encoded {
  readonly jpeg: Blob | null;
}

let canvas: OffscreenCanvas | null = null;

async function encoded({ picture, width, height, quality }: EncodeJob): Promise<Blob | null> {
  canvas ??= new OffscreenCanvas(width, height);
  if (canvas.width !== width || canvas.height !== height) {
    canvas.width = width;
    canvas.height = height;
  }
  // Its pixels are read each time: a canvas of the graphics card would be slower.
  canvas.getContext("2d", { willReadFrequently: true })?.drawImage(picture, 0, 0, width, height);
  picture.close();
  return canvas.convertToBlob({ type: "image/jpeg", quality });
}

globalThis.onmessage = ({ data }: MessageEvent<EncodeJob>) => {
  void encoded(data)
    .catch(() => null)
    .then((jpeg) => globalThis.postMessage({ jpeg } satisfies Encoded));
};
