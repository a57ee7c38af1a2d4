import { readFileSync, writeFileSync } from 'node:fs';
import { serviceNames, StackError } from '@countersign/stack';
import { type SeenSignal } from './signal-watch.js';

export interface SignalsOf {
  readonly fault: string;
  readonly signals: readonly SeenSignal[];
}

const [BEGIN, END] = ['<!-- signals -->', '<!-- /signals -->'];

/** The services that showed each signal, and the seconds until the first did. */
function cell(signals: readonly SeenSignal[]): string {
  const byName = Map.groupBy(signals, ({ name }) => name);
  const shown = [...byName].map(([name, seen]) => {
    const services = seen.map(({ service }) => service);
    const where = services.length === serviceNames.length ? 'all' : services.join(', ');
    const seconds = Math.min(...seen.map((one) => one.seconds));
    return `\`${name.replaceAll('|', '\\|')}\` (${where}; ${seconds.toFixed(1)} s)`;
  });
  return shown.length === 0 ? '–' : shown.join('<br>');
}

function rowOf({ fault, signals }: SignalsOf): string {
  const of = (...kinds: readonly SeenSignal['kind'][]): string =>
    cell(signals.filter(({ kind }) => kinds.includes(kind)));
  return `| \`${fault}\` | ${of('silence', 'check')} | ${of('note')} | ${of('metric')} |`;
}

/** Faults and their signals, as a table in Markdown. @param earlier rows of faults that this run did not have, by fault */
export function signalsTable(struck: readonly SignalsOf[], earlier: ReadonlyMap<string, string> = new Map()): string {
  const rows = new Map([...earlier, ...struck.map((one) => [one.fault, rowOf(one)] as const)]);
  return ['| fault | readiness | notes of readiness | metrics |', '| --- | --- | --- | --- |', ...rows.values()].join(
    '\n',
  );
}

/** Puts the table into a page, where rows of other faults stay as they are. @throws {StackError} where the page has no place for it */
export function writeSignalsTable(page: string, struck: readonly SignalsOf[]): void {
  const text = readFileSync(page, 'utf8');
  const [begin, end] = [text.indexOf(BEGIN), text.indexOf(END)];
  if (begin < 0 || end < begin)
    throw new StackError(`${page} has no place for the table: add the lines ${BEGIN} and ${END}.`);
  const earlier = new Map(
    [...text.slice(begin, end).matchAll(/^\| `([^`]+)`.*$/gm)].map(([row, fault = '']) => [fault, row]),
  );
  const table = signalsTable(struck, earlier);
  writeFileSync(page, `${text.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${text.slice(end)}`);
}
