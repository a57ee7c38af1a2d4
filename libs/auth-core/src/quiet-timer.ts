/** A timer of any runtime: an object in Node, Bun and Deno, a number in a Worker. */
export type Timer = ReturnType<typeof setTimeout>;

/** Lets a process end while the timer runs, if the runtime supports it. */
export function quiet(timer: Timer): Timer {
  const made: unknown = timer;
  if (typeof made === 'object' && made !== null && 'unref' in made) timer.unref();
  return timer;
}
