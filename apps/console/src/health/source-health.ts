import { type Overview } from './health-answers.js';

export type Report = Overview['reports']['received'][number];

/** Seconds without a report after which a source counts as silent: it reports every five. */
const SILENT_SECONDS = 30;

/** One source: what arrived in the trail, and what its replicas report. */
export interface SourceHealth {
  readonly source: string;
  /** Undefined before its first event. */
  readonly arrived: Overview['sources'][number] | undefined;
  /** The reports of replicas that still report, or the last one received; newest first. Empty if there are none. */
  readonly reports: readonly Report[];
  /** Whether it used to report and stopped. */
  readonly silent: boolean;
}

/** Seconds since a time, by the server's own clock. */
export function secondsSince(at: string, overview: Overview): number {
  return Math.max(0, (Date.parse(overview.at) - Date.parse(at)) / 1_000);
}

/** Every source that sent an event or a report, by name. */
export function sourcesOf(overview: Overview): readonly SourceHealth[] {
  const reports = Map.groupBy([overview.reports.own, ...overview.reports.received], ({ source }) => source);
  const names = new Set([...overview.sources.map(({ source }) => source), ...reports.keys()]);
  return [...names].sort().map((source): SourceHealth => {
    const all = (reports.get(source) ?? []).toSorted((a, b) => Date.parse(b.heard_at) - Date.parse(a.heard_at));
    const heard = all.filter(({ heard_at: at }) => secondsSince(at, overview) <= SILENT_SECONDS);
    return {
      source,
      arrived: overview.sources.find((one) => one.source === source),
      reports: heard.length > 0 ? heard : all.slice(0, 1),
      silent: all.length > 0 && heard.length === 0,
    };
  });
}
