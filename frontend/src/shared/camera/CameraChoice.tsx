import { text } from "@/shared/text/text";
import { Select } from "@/shared/ui/Choice";

import { type LiveCamera } from "./camera";

/** Which of several cameras; with one there is nothing to choose. */
export function CameraChoice({
  camera,
  onChoose,
}: {
  readonly camera: LiveCamera;
  readonly onChoose: (deviceId: string) => void;
}) {
  if (camera.devices.length < 2) return null;
  return (
    <Select
      label={text.camera.choose}
      hideLabel
      options={camera.devices.map(({ id, label }, place) => ({
        value: id,
        label: label === "" ? text.camera.unnamed(place + 1) : label,
      }))}
      value={camera.deviceId}
      onChange={onChoose}
    />
  );
}
