import { setTimeout as delay } from 'node:timers/promises';
import { natsServices, type NatsService } from '@countersign/backing-services';
import { type Lab } from './lab.js';
import { targetsFor, type Target } from './targets.js';
import { ways, type Way } from './ways.js';

export interface Cell {
  readonly attacker: NatsService;
  readonly subject: string;
  readonly way: string;
  readonly reached: boolean;
}

/** Milliseconds for what the server does after it has answered. */
const SETTLE_MS = 100;

/** @returns which of the targets were reached, on a fresh server */
async function play(
  lab: Lab,
  attacker: NatsService,
  way: Way,
  targets: readonly Target[],
): Promise<readonly boolean[]> {
  const neighbour = await lab.reset(attacker);
  await way.hit(
    neighbour,
    targets.map(({ subject }) => subject),
  );
  await lab.speak();
  await neighbour.connection.flush();
  await delay(SETTLE_MS);
  const reached: boolean[] = [];
  for (const target of targets) reached.push(await lab.reached(target));
  return reached;
}

/** Tries credentials against every subject of the others, in every way. */
export async function playMatrix(lab: Lab, attackers: readonly NatsService[] = natsServices): Promise<readonly Cell[]> {
  const cells: Cell[] = [];
  for (const attacker of attackers)
    for (const way of ways) {
      const targets = targetsFor(attacker);
      const together = await play(lab, attacker, way, targets);
      for (const [index, target] of targets.entries()) {
        // Where anything was reached, what that did may hide or feign the next: then each by itself.
        const [reached = true] = together.includes(true)
          ? await play(lab, attacker, way, [target])
          : together.slice(index, index + 1);
        cells.push({ attacker, subject: target.subject, way: way.name, reached });
      }
    }
  return cells;
}

/** A table for people: a line for each subject, a column for each way. */
export function tableOf(cells: readonly Cell[]): string {
  const names = ways.map(({ name }) => name);
  const lines: string[] = [];
  for (const attacker of natsServices) {
    const own = cells.filter((cell) => cell.attacker === attacker);
    if (own.length === 0) continue;
    const subjects = [...new Set(own.map(({ subject }) => subject))];
    const width = Math.max(...subjects.map(({ length }) => length), attacker.length + 22);
    lines.push('', `${`with the credentials of ${attacker}`.padEnd(width)}  ${names.join('  ')}`);
    for (const subject of subjects) {
      const marks = names.map((name) => {
        const cell = own.find((one) => one.subject === subject && one.way === name);
        return (cell === undefined ? '' : cell.reached ? 'REACHED' : 'held').padEnd(name.length);
      });
      lines.push(`${subject.padEnd(width)}  ${marks.join('  ')}`.trimEnd());
    }
  }
  return lines.join('\n').trimStart();
}
