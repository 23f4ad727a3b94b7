import { useEffect, useState, type CSSProperties, type ReactNode, type RefObject } from "react";

import { text } from "@/shared/text/text";

import { type LiveCamera } from "./camera";

import styles from "./CameraView.module.css";

/** Left, upper, right and lower edge of a face, in shares of the picture. */
export type FaceBox = readonly [number, number, number, number];

export type OvalTone = "waiting" | "good";

interface Props {
  readonly camera: LiveCamera;
  readonly videoRef: RefObject<HTMLVideoElement | null>;
  readonly face: FaceBox | null;
  readonly tone?: OvalTone;
  /** How far it is, drawn around the oval; null draws none. */
  readonly progress?: number | null;
  /** Shown above the picture. */
  readonly children?: ReactNode;
}

const USUAL_SHAPE = 4 / 3;

/** What the camera sees, with an oval for the face and a frame around the one that was found. */
export function CameraView({ camera, videoRef, face, tone = "waiting", progress = null, children }: Props) {
  const [shape, setShape] = useState(USUAL_SHAPE);
  const { stream, mirrored } = camera;
  useEffect(() => {
    const video = videoRef.current;
    if (video === null) return;
    video.srcObject = stream;
    // A page may not start what is muted only in rare settings; then the first picture stands still.
    void video.play().catch(() => null);
    return () => {
      video.srcObject = null;
    };
  }, [stream, videoRef]);

  return (
    <div className={styles["stage"]} style={{ "--shape": shape } as CSSProperties}>
      <video
        ref={videoRef}
        className={styles["video"]}
        data-mirrored={mirrored}
        aria-label={text.camera.picture}
        muted
        playsInline
        disablePictureInPicture
        onResize={({ currentTarget }) => setShape(shapeOf(currentTarget))}
        onLoadedMetadata={({ currentTarget }) => setShape(shapeOf(currentTarget))}
      />
      <Oval shape={shape} tone={tone} progress={progress} />
      <Found face={face} mirrored={mirrored} />
      {children !== undefined && <div className={styles["above"]}>{children}</div>}
    </div>
  );
}

function shapeOf({ videoWidth, videoHeight }: HTMLVideoElement): number {
  return videoHeight === 0 ? USUAL_SHAPE : videoWidth / videoHeight;
}

const HEIGHT = 100;

function Oval({
  shape,
  tone,
  progress,
}: {
  readonly shape: number;
  readonly tone: OvalTone;
  readonly progress: number | null;
}) {
  const width = HEIGHT * shape;
  const across = Math.min(30, width * 0.42);
  const edge = ellipseFromTop(width / 2, HEIGHT / 2, across, Math.min(43, across * 1.36));
  return (
    <svg
      className={styles["oval"]}
      viewBox={`0 0 ${width} ${HEIGHT}`}
      preserveAspectRatio="xMidYMid slice"
      data-tone={tone}
      aria-hidden="true"
    >
      <path className={styles["veil"]} fillRule="evenodd" d={`M0 0H${width}V${HEIGHT}H0Z ${edge}`} />
      <path className={styles["halo"]} d={edge} />
      <path className={styles["edge"]} d={edge} />
      {progress !== null && progress > 0 && (
        <path className={styles["progress"]} d={edge} pathLength={1} strokeDasharray={`${Math.min(1, progress)} 2`} />
      )}
    </svg>
  );
}

/** Begins at the top and goes round clockwise, as progress does. */
function ellipseFromTop(x: number, y: number, across: number, down: number): string {
  const arc = `A${across} ${down} 0 0 1`;
  return `M${x} ${y - down}${arc} ${x} ${y + down}${arc} ${x} ${y - down}Z`;
}

function Found({ face, mirrored }: { readonly face: FaceBox | null; readonly mirrored: boolean }) {
  if (face === null) return null;
  const [left, upper, right, lower] = face;
  const start = mirrored ? 1 - right : left;
  const place = {
    insetInlineStart: `${start * 100}%`,
    insetBlockStart: `${upper * 100}%`,
    inlineSize: `${(right - left) * 100}%`,
    blockSize: `${(lower - upper) * 100}%`,
  };
  return <div className={styles["found"]} style={place} aria-hidden="true" />;
}
