import { answerOf, api, form, type Schemas } from "@/shared/api/client";

export type Assessed = Schemas["Assessed"];

/** How one photo would do in an enrolment. Nothing is compared or kept. Throws ApiProblem. */
export function assess(photo: Blob, signal: AbortSignal): Promise<Assessed> {
  return answerOf(api.POST("/api/v1/assess", { ...form({ image: photo }), signal }));
}

export type Grade = "good" | "fair" | "poor";

const GOOD = 0.65;
const FAIR = 0.45;

/** A quality score as a word. */
export function gradeOf(score: number): Grade {
  return score >= GOOD ? "good" : score >= FAIR ? "fair" : "poor";
}
