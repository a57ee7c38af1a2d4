import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { serviceNames, type ServiceName } from '../services.js';
import { type Stack } from '../stack.js';

/** Milliseconds between two checks, and for which signals are looked at once a fault begins. */
const EVERY_MS = 500;
const WATCHED_MS = 5_000;

const readinessSchema = z.looseObject({
  checks: z.record(z.string(), z.string()).default({}),
  notes: z.record(z.string(), z.record(z.string(), z.unknown()).catch({})).default({}),
});

/** What of a note says that something is wrong. */
const badNotes: Readonly<Record<string, (value: unknown) => boolean>> = {
  connected: (value) => value === false,
  state: (value) => value !== 'current',
  alert: (value) => value === true,
  restored: (value) => value === true,
  lastError: (value) => typeof value === 'string',
  last_error: (value) => typeof value === 'string',
};

/** The metrics that docs/operations.md lets an operator watch, and from which value on they tell of something. */
const badMetrics: Readonly<Record<string, (value: number) => boolean>> = {
  audit_source_gap: (value) => value > 0,
  audit_intake_waiting: (value) => value > 1_000,
  audit_dead_letters_total: (value) => value > 0,
  audit_outbox_oldest_seconds: (value) => value >= 2,
  audit_relay_connected: (value) => value === 0,
  payments_reconciliation_differences: (value) => value > 0,
};

const SAMPLE = /^([a-z_]+)(?:\{[^}]*\})? ([\d.e+-]+)$/gm;

async function signalsOf({ urls }: Stack, name: ServiceName): Promise<readonly string[]> {
  const signal = AbortSignal.timeout(2_000);
  try {
    const [ready, metrics] = await Promise.all(
      ['health/ready', 'metrics'].map((path) => fetch(`${urls[name]}/${path}`, { signal })),
    );
    if (ready === undefined || metrics === undefined) return [];
    const { checks, notes } = readinessSchema.parse(await ready.json());
    return [
      ...Object.entries(checks).flatMap(([check, says]) => (says === 'ok' ? [] : [`check ${check}`])),
      ...Object.entries(notes).flatMap(([note, members]) =>
        Object.entries(members).flatMap(([member, value]) =>
          badNotes[member]?.(value) === true ? [`note ${note}.${member}`] : [],
        ),
      ),
      ...[...(await metrics.text()).matchAll(SAMPLE)].flatMap(([, metric = '', value]) =>
        badMetrics[metric]?.(Number(value)) === true ? [`metric ${metric}`] : [],
      ),
    ].map((what) => `${name}: ${what}`);
  } catch {
    return [`${name}: no answer`];
  }
}

/**
 * Looks at what every service tells of itself from now on, for five seconds or until it is stopped.
 * @returns stops it, and tells what was new, with the seconds after which it was first seen
 */
export async function watchSignals(stack: Stack): Promise<() => Promise<readonly string[]>> {
  const look = async (): Promise<readonly string[]> =>
    (await Promise.all(serviceNames.map((name) => signalsOf(stack, name)))).flat();
  const before = new Set(await look());
  const seen = new Map<string, number>();
  const begun = Date.now();
  const stopped = new AbortController();
  const watching = (async () => {
    while (!stopped.signal.aborted && Date.now() - begun < WATCHED_MS) {
      for (const one of await look()) if (!before.has(one) && !seen.has(one)) seen.set(one, Date.now() - begun);
      await delay(EVERY_MS);
    }
  })();
  return async () => {
    stopped.abort();
    await watching;
    return [...seen].map(([what, ms]) => `${what} (${(ms / 1_000).toFixed(1)} s)`);
  };
}
