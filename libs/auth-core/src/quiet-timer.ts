/** A timer as the runtime made it: an object of Node's, Bun's and Deno's, a number of a Worker's. */
export type Timer = ReturnType<typeof setTimeout>;

/** Lets a process end while the timer runs, where the runtime knows that. */
export function quiet(timer: Timer): Timer {
  const made: unknown = timer;
  if (typeof made === 'object' && made !== null && 'unref' in made) timer.unref();
  return timer;
}
