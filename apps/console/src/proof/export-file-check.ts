import { ExportCheck, importVerifierKey, openCheckpointAsync, type Checkpoint } from '@countersign/merkle-log';
import { unreadablePlace } from './changed-byte.js';
import { hasGrown } from './checkpoint-check.js';
import { parseExportLine } from './export-line.js';
import { linesOf, placeOf, type FaultPlace, type LineOf } from './fault-place.js';
import { type LogSource } from './log-source.js';
import { open, right, wrong, type Step } from './step.js';

export interface FileReport {
  readonly steps: readonly Step[];
  readonly places: readonly FaultPlace[];
  readonly events: number;
}

const number = (value: number): string => value.toLocaleString('en');
/** Faults of each kind that are shown. */
const SHOWN = 10;
/** Lines that are read before the page may repaint. */
const BREATH = 500;
/** Maximum bytes of a file: its lines are kept while it is checked. */
export const FILE_LIMIT = 512 * 1024 ** 2;

const breathe = (): Promise<void> => new Promise((done) => setTimeout(done));

/** Entries that the log itself declares lost when its database was restored from a backup. */
function lostEntries(indices: readonly number[]): readonly Step[] {
  if (indices.length === 0) return [];
  const names = `${indices.slice(0, SHOWN).map(number).join(', ')}${indices.length > SHOWN ? ', …' : ''}`;
  return [
    open(
      'Lost entries',
      `The log declares that a restore from a backup lost the events at these log indices: ${names}.`,
    ),
  ];
}

/**
 * Checks an export file (NDJSON) against its checkpoint, and that against one that this browser trusts.
 * @param trusted verified in this browser
 * @param keys verifier keys of the log, pinned
 */
export async function checkExport(
  log: LogSource,
  trusted: Checkpoint,
  keys: readonly string[],
  text: string,
  progress: (events: number) => void = () => undefined,
): Promise<FileReport> {
  const check = new ExportCheck({ checkpoints: [] });
  const lines = new Map<number, LineOf>();
  const unreadable: FaultPlace[] = [];
  let under: Checkpoint | undefined;
  let note = '';
  let events = 0;
  const misfit = ({ number: line }: LineOf, fault: string): void => {
    if (unreadable.length < SHOWN) unreadable.push({ fault, line });
  };
  for (const line of linesOf(text)) {
    if (line.text.trim() === '') continue;
    const parsed = parseExportLine(line.text);
    if (parsed === undefined) {
      if (unreadable.length < SHOWN)
        unreadable.push({
          fault: 'this is not a line of an export',
          line: line.number,
          unreadable: unreadablePlace(line.text, line.offset),
        });
    } else if (parsed.kind === 'start') {
      const { first, filtered, passing, before, size } = parsed;
      note = parsed.checkpoint;
      const verifiers = await Promise.all(keys.map(importVerifierKey));
      const checkpoint = await openCheckpointAsync(parsed.checkpoint, verifiers).catch((error: unknown) =>
        String(error),
      );
      if (typeof checkpoint === 'string') {
        const step = wrong(
          'The signature',
          `The export names a checkpoint that the log's pinned key did not sign (${checkpoint}).`,
        );
        return {
          steps: [step],
          places: [{ fault: 'its first line has a checkpoint without a valid signature', line: line.number }],
          events: 0,
        };
      }
      if (checkpoint.size !== size || under !== undefined) misfit(line, 'the first line contradicts its checkpoint');
      under = checkpoint;
      check.begin({ first, filtered, passing, before: before.hashes, checkpoint });
    } else if (parsed.kind === 'event') {
      if (under === undefined) break;
      if (parsed.size !== under.size) misfit(line, 'this line names a different checkpoint than the first line');
      check.add(parsed.entry);
      lines.set(parsed.entry.logIndex, line);
      events += 1;
      if (events % BREATH === 0) {
        progress(events);
        await breathe();
      }
    } else {
      const { cursor, complete } = parsed;
      const goesOn = cursor === null ? complete : !complete && cursor === [...lines.keys()].at(-1);
      if (parsed.checkpoint !== note || parsed.events !== events || !goesOn)
        misfit(line, 'the last line does not match the lines before it');
      check.end(parsed.rest);
    }
  }
  if (under === undefined) {
    const step = wrong(
      'The file',
      'It does not start with the first line of an export. Choose an NDJSON file that this trail exported.',
    );
    return { steps: [step], places: unreadable, events: 0 };
  }
  const report = check.finish();
  const places = [...unreadable];
  for (const fault of report.faults.slice(0, SHOWN)) places.push(await placeOf(log, trusted, fault, lines));
  const [older, newer] = under.size <= trusted.size ? [under, trusted] : [trusted, under];
  const grown = await hasGrown(log, older, newer);
  const checked = right(
    'The signature',
    `The export was made under checkpoint ${number(under.size)}, which has a valid signature by the log's key.`,
  );
  const same = grown
    ? right(
        'The same log',
        `That checkpoint and the one that this browser verified, ${number(trusted.size)}, belong to the same log, which only grew.`,
      )
    : wrong(
        'The same log',
        `That checkpoint contradicts the one that this browser verified, ${number(trusted.size)}: the log has shown two different histories.`,
      );
  const what = `${number(report.entries)} events, log indices ${number(report.first)} to ${number(Math.max(report.first, report.end - 1))}`;
  const content =
    places.length > 0
      ? wrong('The events', `The file differs from the log; the places are listed below. Checked: ${what}.`)
      : report.complete
        ? right('The events', `${what}: nothing between them was altered, removed, added or moved.`)
        : right(
            'The events',
            `${what}: each is in the log exactly as it is here. The export is filtered, so it does not show that none was left out.`,
          );
  const numbers = report.sources.map(({ source, through }) => `${source} through ${through}`).join(', ');
  const complete = numbers === '' ? [] : [open('The services’ numbers', `Without a gap: ${numbers}.`)];
  const lost = lostEntries(report.lost);
  return { steps: [checked, same, content, ...lost, ...(places.length > 0 ? [] : complete)], places, events };
}
