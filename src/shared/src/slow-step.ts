/** Told what is being waited for, in words that a person reads, such as `Installing PACKAGE`. */
export type OnSlowStep = (what: string) => void;

const SLOW_MS = 1_000;

/** Passes a step on, and tells of it when it takes more than a second: whoever waits then sees for what. */
export async function watchStep<T>(what: string, step: Promise<T>, onSlowStep: OnSlowStep): Promise<T> {
  const timer = setTimeout(() => onSlowStep(what), SLOW_MS);
  try {
    return await step;
  } finally {
    clearTimeout(timer);
  }
}
