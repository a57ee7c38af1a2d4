import { type Overview } from './health-answers.js';

/** Seconds that a checkpoint may be behind while events wait for it. */
export const CHECKPOINT_LATE_SECONDS = 60;
/** Seconds that an event may wait in the outbox. */
export const OUTBOX_LATE_SECONDS = 60;
/** Share of the stream from which it is called full soon. */
export const STREAM_NEARLY_FULL = 0.8;

/** Something that is not as it should be. */
export interface Finding {
  readonly subject: 'sources' | 'dead-letters' | 'log' | 'intake' | 'outbox' | 'feed' | 'replica';
  readonly text: string;
}

const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** How many numbers are missing of a source. */
export function missingOf({ missing }: Overview['sources'][number]): bigint {
  return missing.reduce((sum, { first, last }) => sum + BigInt(last) - BigInt(first) + 1n, 0n);
}

/** Events that wait for a checkpoint. */
export function uncovered({ log }: Overview): bigint {
  return BigInt(log.size) - BigInt(log.covered);
}

/** Seconds since a time, by the server's own clock. */
export function secondsSince(at: string, overview: Overview): number {
  return Math.max(0, (Date.parse(overview.at) - Date.parse(at)) / 1_000);
}

/** What is not as it should be, the worst first; empty when all is well. */
export function findingsOf(overview: Overview): readonly Finding[] {
  const { sources, dead_letters: letters, log, replica } = overview;
  const { intake, audit_relay: relay, revocation_feed: feed } = replica.notes;
  const findings: Finding[] = [];
  const find = (when: boolean, subject: Finding['subject'], text: string): void => {
    if (when) findings.push({ subject, text });
  };
  const failed = Object.entries(replica.checks).filter(([, result]) => result !== 'ok');
  for (const [name, reason] of failed) find(true, 'replica', `audit is not ready: ${name}: ${reason}`);
  for (const source of sources) {
    const gap = `${missingOf(source).toString()} numbers of ${source.source} have been missing from the trail for more than a minute.`;
    find(source.alert, 'sources', gap);
  }
  find(intake?.consuming === false, 'intake', 'audit consumes nothing from the stream; new events wait there.');
  const fill = intake?.stream_fill ?? 0;
  find(
    fill >= STREAM_NEARLY_FULL,
    'intake',
    `The stream is ${String(Math.round(fill * 100))} % full; at 100 % events stay in the outboxes.`,
  );
  const signed = log.signed_at === null ? Infinity : secondsSince(log.signed_at, overview);
  find(
    uncovered(overview) > 0n && signed > CHECKPOINT_LATE_SECONDS,
    'log',
    'Events have been waiting for a checkpoint for more than a minute.',
  );
  find(relay?.connected === false, 'outbox', 'audit’s own outbox has no connection to NATS.');
  find(
    (relay?.oldest_seconds ?? 0) > OUTBOX_LATE_SECONDS,
    'outbox',
    `${counted(relay?.pending ?? 0, 'event waits', 'events wait')} in audit’s own outbox, the oldest for more than a minute.`,
  );
  find(feed !== undefined && feed.state !== 'current', 'feed', 'audit is not receiving revocations at the moment.');
  find(
    letters.waiting > 0,
    'dead-letters',
    `${counted(letters.waiting, 'dead letter waits', 'dead letters wait')} for a decision.`,
  );
  return findings;
}

/** What a screen reader hears when it changes. */
export function announcementOf(findings: readonly Finding[]): string {
  if (findings.length === 0) return 'No problems found.';
  return `${counted(findings.length, 'finding', 'findings')}: ${findings.map(({ text }) => text).join(' ')}`;
}

/** A length of time in words. */
export function spanText(seconds: number): string {
  if (seconds < 90) return `${String(Math.round(seconds))} s`;
  if (seconds < 5_400) return `${String(Math.round(seconds / 60))} min`;
  if (seconds < 129_600) return `${String(Math.round(seconds / 3_600))} h`;
  return `${String(Math.round(seconds / 86_400))} days`;
}
