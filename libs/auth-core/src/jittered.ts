/** About so many milliseconds, a quarter more or less: what waits so long between two rounds does not move in step with its replicas. */
export const jittered = (ms: number): number => ms * (0.75 + Math.random() / 2);
