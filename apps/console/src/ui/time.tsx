import { useSyncExternalStore } from 'react';
import { agoText, localText } from './time-text.js';

const TICK_MS = 10_000;
let now = Date.now();
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  now = Date.now();
  timer ??= setInterval(() => {
    now = Date.now();
    for (const one of listeners) one();
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  };
}

/** The time of day, to ten seconds: every text on the page that says how long ago something was counts from the same moment. */
export const useNow = (): number => useSyncExternalStore(subscribe, () => now);

/** A time as it was in the reader's own zone, with the exact UTC text beneath. */
export function Time({ at, relative = false }: { readonly at: string; readonly relative?: boolean }) {
  const date = new Date(at);
  const current = useNow();
  const local = localText(date);
  return (
    <time dateTime={at} title={`${local} here, ${at} in UTC`}>
      {relative ? agoText(date.getTime(), current) : local}
    </time>
  );
}
