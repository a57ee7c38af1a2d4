import { type Overview } from './health-answers.js';
import { secondsSince, sourcesOf, type Report, type SourceHealth } from './source-health.js';

/** Seconds by which a checkpoint may lag while events wait for it. */
const CHECKPOINT_LATE_SECONDS = 60;
/** Seconds that an event may wait in the outbox. */
const OUTBOX_LATE_SECONDS = 60;
/** Fraction of the stream from which it is reported as nearly full. */
const STREAM_NEARLY_FULL = 0.8;

/** Something wrong. */
export interface Finding {
  readonly subject: 'sources' | 'silence' | 'dead-letters' | 'log' | 'intake' | 'outbox' | 'feed' | 'replica';
  readonly text: string;
}

const counted = (count: number, one: string, many: string): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;

/** Ranges of a source's missing numbers reported by the server; there may be more. */
const RANGES_SAID = 100;

/** How many of a source's numbers are missing, as far as the server reports it: `5`, `at least 100`. */
export function missingText({ missing }: Overview['sources'][number]): string {
  const said = missing.reduce((sum, { first, last }) => sum + BigInt(last) - BigInt(first) + 1n, 0n);
  return `${missing.length < RANGES_SAID ? '' : 'at least '}${said.toString()}`;
}

/** The number up to which the server counts waiting dead letters. */
const LETTERS_COUNTED = 10_000;

/** How many dead letters wait, as far as the server counts them: `1 dead letter waits`, `At least 10,000 dead letters wait`. */
export function lettersText({ waiting }: Overview['dead_letters']): string {
  const text = counted(waiting, 'dead letter waits', 'dead letters wait');
  return waiting < LETTERS_COUNTED ? text : `At least ${text}`;
}

/** Events that wait for a checkpoint. */
export function uncovered({ log }: Overview): bigint {
  return BigInt(log.size) - BigInt(log.covered);
}

/** What one replica of a source reports as wrong. @param name shown to the reader */
function findingsOfReport(name: string, { failing, revocation_feed: feed }: Report): readonly Finding[] {
  return [
    ...failing.map(({ check, reason }): Finding => ({
      subject: 'replica',
      text: `${name} is not ready: ${check}: ${reason}`,
    })),
    ...(feed === null || feed.state === 'current'
      ? []
      : [{ subject: 'feed', text: `${name} is not receiving revocations at the moment.` } as const]),
  ];
}

/** What a source reports as wrong, or that it stopped reporting: then its last report no longer counts. */
function findingsOfSource({ source, reports, silent }: SourceHealth, overview: Overview): readonly Finding[] {
  const [newest] = reports;
  if (newest === undefined) return [];
  if (silent) {
    const since = spanText(secondsSince(newest.heard_at, overview));
    const text = `${source} has not reported for ${since}: it has stopped, or it has no connection to NATS.`;
    return [{ subject: 'silence', text }];
  }
  const { pending, oldest_seconds: oldest, last_error: error } = newest.outbox;
  const why = error === null ? '' : ` (${error})`;
  const waits = `${counted(pending, 'event waits', 'events wait')} in the outbox of ${source}, the oldest for ${spanText(oldest)}${why}.`;
  return [
    ...(oldest > OUTBOX_LATE_SECONDS ? [{ subject: 'outbox', text: waits } as const] : []),
    ...reports.flatMap((report) =>
      findingsOfReport(reports.length === 1 ? source : `${source} (${report.replica})`, report),
    ),
  ];
}

/** What is wrong, worst first; empty when all is well. */
export function findingsOf(overview: Overview): readonly Finding[] {
  const { sources, reports, dead_letters: letters, log, replica } = overview;
  const { intake } = replica.notes;
  const { last_error: error } = reports.own.outbox;
  const findings: Finding[] = [];
  const find = (when: boolean, subject: Finding['subject'], text: string): void => {
    if (when) findings.push({ subject, text });
  };
  for (const source of sources) {
    const gap = `Numbers of ${source.source} have been missing from the trail for more than a minute: ${missingText(source)}.`;
    find(source.alert, 'sources', gap);
  }
  find(intake?.consuming === false, 'intake', 'audit is not consuming the stream; new events wait there.');
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
  find(error !== null, 'outbox', `audit cannot publish its own events: ${error ?? ''}.`);
  for (const source of sourcesOf(overview)) findings.push(...findingsOfSource(source, overview));
  find(letters.waiting > 0, 'dead-letters', `${lettersText(letters)} for a decision.`);
  return findings;
}

/** What a screen reader announces when it changes. */
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
