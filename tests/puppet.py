"""A puppet: a photo that turns, nods, blinks and smiles on demand.

It stands for a person who obeys a challenge. In truth it is an attack (a rendering that is
injected instead of a camera), so it shows that the flow works, never that anybody is live.
"""

from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from facekey.core.challenge import Action
from facekey.core.types import Frame
from facekey.vision.decode import decode
from facekey.vision.landmarks.facemesh import FaceMeshLandmarker
from facekey.vision.quality.pose import head_pose
from facekey.wiring.vision import open_detector
from facekey.zoo.zoo import Zoo

WIDTH, HEIGHT = 640, 480
FACE_PX = 190.0  # width of the face in its frames
NOISE = 2.0  # grey levels
SHAKE_PX = 1.5  # of the hand that holds the camera

Points = NDArray[np.float64]
Picture = NDArray[np.uint8]

OVAL = (
    *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
    *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
)
EYES = (
    (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
)
"""Round each eye: outer corner, lower lid, inner corner, upper lid."""
LOWER_LID = slice(0, 9)
MOUTH_CORNERS = (61, 291)
MOUTH_MIDDLE = (13, 14)
PERSPECTIVE = 1600.0  # how far away the camera is, in pixels


class Pose(NamedTuple):
    """What the puppet does: degrees to its own left and up, and parts of a whole blink and smile."""

    yaw_deg: float = 0.0
    pitch_deg: float = 0.0
    blink: float = 0.0
    smile: float = 0.0


class Framing(NamedTuple):
    """Where the camera stands: another place makes other pictures of the same face."""

    zoom: float = 1.0
    right_px: float = 0.0
    down_px: float = 0.0


REST = Pose()
DOING = {
    Action.BLINK: Pose(blink=1.0),
    Action.SMILE: Pose(smile=1.0),
    Action.TURN_LEFT: Pose(yaw_deg=30.0),
    Action.TURN_RIGHT: Pose(yaw_deg=-30.0),
    Action.NOD: Pose(pitch_deg=-24.0),
}
"""The height of each action."""


@dataclass(frozen=True)
class Puppet:
    """A photo with strings."""

    picture: Picture  # (480, 640, 3) BGR
    points: Points  # (N, 3): the mesh, a ring of hair around it, and the frame's edge
    triangles: NDArray[np.intp]  # (T, 3)
    looks: Pose  # where the face of the photo looks, which is taken back

    def frame(
        self, pose: Pose = REST, *, seed: int = 0, quality: int = 90, framing: Framing | None = None
    ) -> bytes:
        """One JPEG as a camera would send it: with noise, and a head that never holds quite still."""
        random = np.random.default_rng(seed)
        sway = random.normal(0, (0.5, 0.4))
        posed = pose._replace(
            yaw_deg=pose.yaw_deg - self.looks.yaw_deg + sway[0],
            pitch_deg=pose.pitch_deg - self.looks.pitch_deg + sway[1],
        )
        drawn = self._drawn(posed, framing or Framing(), random.normal(0, SHAKE_PX, 2))
        noisy = drawn + random.normal(0, NOISE, drawn.shape)
        done, data = cv2.imencode(
            ".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality]
        )
        assert done
        return bytes(data.tobytes())

    def _drawn(self, pose: Pose, framing: Framing, shake: NDArray[np.float64]) -> Picture:
        source = self._blinked(pose.blink) if pose.blink > 0 else self.picture
        moved = self._moved(pose)
        middle = np.array((WIDTH / 2, HEIGHT / 2))
        aim = middle + shake + (framing.right_px, framing.down_px)
        moved[:, :2] = (moved[:, :2] - middle) * framing.zoom + aim
        owner = np.full((HEIGHT, WIDTH), -1, np.int32)
        # Far triangles first: near ones hide them.
        depth = moved[self.triangles, 2].mean(axis=1)
        for number in np.argsort(-depth):
            corners = np.round(moved[self.triangles[number], :2] * 16).astype(np.int32)
            cv2.fillConvexPoly(owner, corners, int(number), shift=4)
        rows, columns = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
        affine = _affines(moved[self.triangles, :2], self.points[self.triangles, :2]).astype(np.float32)
        known = np.clip(owner, 0, None)
        x, y = (
            affine[known, axis, 0] * columns + affine[known, axis, 1] * rows + affine[known, axis, 2]
            for axis in (0, 1)
        )
        drawn = cv2.remap(source, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.where(owner[..., None] < 0, source, drawn).astype(np.uint8)

    def _moved(self, pose: Pose) -> Points:
        """Where the points are in this pose."""
        points = self.points.copy()
        face = points[:468]
        width = float(np.ptp(face[:, 0]))
        if pose.smile > 0:
            middle = face[list(MOUTH_MIDDLE)].mean(axis=0)
            for corner in MOUTH_CORNERS:
                pull = (face[corner] - middle) * 0.5 * pose.smile
                pull[1] -= 0.03 * width * pose.smile
                near = np.exp(-(((face[:, :2] - face[corner, :2]) / (0.12 * width)) ** 2).sum(axis=1))
                face += near[:, None] * pull
        movable = slice(0, 468 + len(OVAL))
        center = face.mean(axis=0)
        center[2] += 0.35 * width  # the neck is behind the face
        turned = (points[movable] - center) @ _turn(pose.yaw_deg, pose.pitch_deg).T
        rest = points[movable] - center
        scale = (PERSPECTIVE + rest[:, 2:]) / (PERSPECTIVE + turned[:, 2:])  # nearer is larger
        points[movable] = turned * np.hstack((scale, scale, np.ones_like(scale))) + center
        return points

    def _blinked(self, shut: float) -> Picture:
        """The photo with skin over its eyes, and lashes along the lower lids."""
        picture = self.picture.astype(np.float32)
        for eye in EYES:
            outline = self.points[list(eye), :2]
            middle, width = outline.mean(axis=0), float(np.ptp(outline[:, 0]))
            lower = outline[LOWER_LID]
            skin = self.picture[
                int(middle[1] + 0.6 * width) : int(middle[1] + 0.8 * width),  # of the cheek
                int(middle[0] - 0.2 * width) : int(middle[0] + 0.2 * width),
            ].mean(axis=(0, 1))
            mask = np.zeros((HEIGHT, WIDTH), np.float32)
            grown = (middle + (outline - middle) * (1.12, 1.75)).astype(np.int32)
            cv2.fillPoly(mask, [grown], 1.0)
            mask = cv2.GaussianBlur(mask, (0, 0), 0.05 * width)[..., None] * shut
            picture = picture * (1 - mask) + skin * mask
            line = np.zeros((HEIGHT, WIDTH), np.float32)
            lashes = (lower + np.array((0, 0.06 * width))).astype(np.int32)
            cv2.polylines(line, [lashes], isClosed=False, color=1.0, thickness=1)
            line = cv2.GaussianBlur(line, (0, 0), 0.8)[..., None] * shut
            picture = picture * (1 - 0.75 * line)
        return picture.astype(np.uint8)


def make_puppet(photo: bytes, zoo: Zoo) -> Puppet:
    """String up the one face of a photo."""
    frame = decode(photo)
    face = open_detector(zoo).detect(frame)[0]
    landmarker = FaceMeshLandmarker(zoo.open("facemesh"))
    scale = FACE_PX / face.box.width
    middle = ((face.box.x1 + face.box.x2) / 2, (face.box.y1 + face.box.y2) / 2)
    into = np.array(
        [[scale, 0, WIDTH / 2 - scale * middle[0]], [0, scale, HEIGHT / 2 - scale * middle[1]]], np.float64
    )
    picture = cv2.warpAffine(
        frame.pixels, into, (WIDTH, HEIGHT), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    ).astype(np.uint8)
    seen = Frame(picture)
    face = open_detector(zoo).detect(seen)[0]
    seen_mesh = landmarker.mesh(seen, face)
    pose = head_pose(seen_mesh, face.landmarks)
    mesh = seen_mesh.points.astype(np.float64)
    center = mesh.mean(axis=0)
    ring = center + (mesh[list(OVAL)] - center) * (1.35, 1.35, 1.0)
    angles = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    radius = 2.3 * float(np.ptp(mesh[:, 0])) / 2
    still = np.column_stack(
        (center[0] + radius * np.cos(angles), center[1] + 1.25 * radius * np.sin(angles), np.full(24, 200.0))
    )
    edge = [
        (x, y, 200.0)
        for x in (0, WIDTH / 2, WIDTH - 1)
        for y in (0, HEIGHT / 2, HEIGHT - 1)
        if (x, y) != (WIDTH / 2, HEIGHT / 2)
    ]
    still[:, :2] = np.clip(still[:, :2], (1, 1), (WIDTH - 2, HEIGHT - 2))
    points = np.vstack((mesh, ring, still, edge))
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR).astype(np.uint8)
    return Puppet(bgr, points, _delaunay(points[:, :2]), Pose(pose.yaw_deg, pose.pitch_deg))


def _delaunay(points: NDArray[np.float64]) -> NDArray[np.intp]:
    """Triangles over all points: (N, 2) to (T, 3)."""
    net = cv2.Subdiv2D((-10, -10, WIDTH + 20, HEIGHT + 20))
    for point in points:
        net.insert((float(point[0]), float(point[1])))
    corners = np.array(net.getTriangleList()).reshape(-1, 3, 2)
    inside = (corners > -1).all(axis=(1, 2)) & (corners < (WIDTH + 1, HEIGHT + 1)).all(axis=(1, 2))
    distances = np.linalg.norm(corners[inside][:, :, None] - points[None, None], axis=-1)  # (T, 3, N)
    return np.asarray(distances.argmin(axis=2), dtype=np.intp)


def _affines(source: NDArray[np.float64], target: NDArray[np.float64]) -> NDArray[np.float64]:
    """The map that carries each triangle onto the other: (T, 3, 2) twice to (T, 2, 3)."""
    ones = np.ones((*source.shape[:2], 1))
    square = np.concatenate((source, ones), axis=2) + 1e-9 * np.eye(3)  # a flat triangle covers no pixel
    inverse = np.linalg.pinv(square)
    maps: NDArray[np.float64] = np.swapaxes(inverse @ target, 1, 2)
    return maps


def _turn(yaw_deg: float, pitch_deg: float) -> NDArray[np.float64]:
    """Rotation of the head; positive to its own left, and up."""
    yaw, pitch = np.radians((yaw_deg, pitch_deg))
    left = np.array([[np.cos(yaw), 0, -np.sin(yaw)], [0, 1, 0], [np.sin(yaw), 0, np.cos(yaw)]])
    up = np.array([[1, 0, 0], [0, np.cos(pitch), np.sin(pitch)], [0, -np.sin(pitch), np.cos(pitch)]])
    turn: NDArray[np.float64] = left @ up
    return turn
