// The phases of a resumable stream's life, as its own end sees them. They do not depend on whether a connection is attached.

export type Phase =
  /** A new stream whose peer has not answered yet. What is written goes out all the same. */
  | "greeting"
  /** The same, and nothing more is written. The peer is told once it has answered: whatever it says first comes before the end. */
  | "greeting-finished"
  | "open"
  /** The stream's user has destroyed it. What was written before still goes out; what comes is thrown away. */
  | "lingering"
  /** Nothing is held any more. */
  | "over";

export type PhaseEvent =
  /** A greeting was sent for a new stream. */
  | "greet"
  /** The peer has answered the greeting. */
  | "welcome"
  /** The user writes nothing more. */
  | "finish"
  /** The user has destroyed the stream without an error. */
  | "abandon"
  /** Both ends have finished, or one has given the stream up. */
  | "end";

const NEXT: Readonly<Record<Phase, Readonly<Partial<Record<PhaseEvent, Phase>>>>> = {
  greeting: { welcome: "open", finish: "greeting-finished", abandon: "lingering", end: "over" },
  "greeting-finished": { welcome: "open", abandon: "lingering", end: "over" },
  open: { greet: "greeting", abandon: "lingering", end: "over" },
  lingering: { end: "over" },
  over: {},
};

/** The phase after an event; the same one where the event changes nothing. */
export function nextPhase(phase: Phase, event: PhaseEvent): Phase {
  return NEXT[phase][event] ?? phase;
}
