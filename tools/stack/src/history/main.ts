// `npm run demo`: fills a running stack with a month of plausible traffic.
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { wordsFor } from '../stack-error.js';
import { whole } from '../whole-number.js';
import { Filling, type Progress } from './fill.js';
import { incidents } from './incidents.js';
import { Outboxes } from './outboxes.js';
import { RunningStack } from './running-stack.js';

interface Options {
  readonly events: number;
  readonly days: number;
  readonly seed: number;
  readonly until: Date;
  readonly directory: string;
  readonly json: boolean;
}

const root = resolve(fileURLToPath(new URL('../../../..', import.meta.url)));

const program = new Command('npm run demo --')
  .description(
    'Fills a running stack (npm start, in another terminal) with a month of plausible traffic: people, applications, API keys and incidents.\n' +
      "Each event takes the real path: a service's outbox, its relay, NATS, audit's intake, the log; only its time is in the past.",
  )
  .option('--events <n>', 'approximate number of events', whole(1, 10_000_000), 20_000)
  .option('--days <n>', 'days of history', whole(1, 366), 30)
  .option('--seed <n>', 'the same seed and end give the same history', whole(0, 2 ** 31), 1)
  .option('--until <time>', 'when the history ends (RFC 3339)', (text) => new Date(text), new Date())
  .option('--directory <path>', 'where the stack keeps its data', join(root, '.countersign'))
  .option('--json', 'print one line of JSON at the end (the rest goes to standard error)', false)
  .addHelpText(
    'after',
    `
Examples:
  npm run demo                            a month, 20,000 events
  npm run demo -- --events 1000000        a million; about 1.5 GB of disk in all
  npm run demo -- --days 7 --seed 3`,
  );

function described({ recorded, waiting, perSecond, reached }: Progress, events: number): string {
  const day = reached?.toISOString().slice(0, 10) ?? '';
  const number = (value: number): string => value.toLocaleString('en');
  return `${day}  ${number(recorded - waiting)} of about ${number(events)} events in the trail, ${number(perSecond)} a second`;
}

async function run({ events, days, seed, until, directory, json }: Options): Promise<void> {
  const out = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const stack = new RunningStack(resolve(directory));
  await stack.check();
  const outboxes = new Outboxes((service) => stack.databaseUrlOf(service));
  try {
    const filling = new Filling(outboxes, (progress) => {
      out(described(progress, events));
    });
    const filled = await filling.run({ events, days, until, seed });
    for (const gap of filled.lost) await stack.acceptGap(gap, 'messages lost on their way; their service has no copy');
    const { perSecond, seconds } = filled;
    out(
      `${filled.events.toLocaleString('en')} events in ${seconds.toFixed(1)} s, ${perSecond.toLocaleString('en')} a second, seed ${String(seed)}. ` +
        `Among them: ${incidents.map(({ name }) => name).join(', ')}.`,
    );
    if (json) process.stdout.write(`${JSON.stringify({ ok: true, seed, until: until.toISOString(), ...filled })}\n`);
  } finally {
    await outboxes.close();
  }
}

const options = program.parse().opts<Options>();
try {
  if (Number.isNaN(options.until.getTime())) program.error('error: --until must be a time as in 2026-11-01T00:00:00Z');
  await run(options);
} catch (error) {
  process.stderr.write(`\n${wordsFor(error)}\n`);
  process.exitCode = 1;
}
