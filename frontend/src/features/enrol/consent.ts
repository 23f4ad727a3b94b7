/**
 * What a person agrees to, and which wording they were shown. Whoever changes the words of
 * `text.enrol.consent` gives them a new version: the record must say what was read.
 */
export const CONSENT = { purpose: "face_sign_in", textVersion: "web-en-1" } as const;

/** The same for `text.voice.enrol.consent`; its purpose is the service's own. */
export const VOICE_CONSENT = { textVersion: "web-voice-en-1" } as const;
