// `npm run faults`: payments under load on a stack of real processes, while these are killed, stopped and robbed of their data.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command, Option } from 'commander';
import { freePortBase } from '../free-ports.js';
import { startStack } from '../stack.js';
import { wordsFor } from '../stack-error.js';
import { faults } from './all-faults.js';
import { type Fault } from './fault.js';
import { seededRandom } from './random.js';
import { Round, type RoundReport } from './round.js';
import { shortTimes } from './short-times.js';
import { hasVersion, runOlderVersion, upgrade } from './upgrade.js';
import { whole } from '../whole-number.js';

interface Options {
  readonly rounds: number;
  readonly seed: number;
  readonly clients: number;
  readonly only: readonly string[];
  readonly from: string;
  readonly json: boolean;
}

const root = resolve(fileURLToPath(new URL('../../../..', import.meta.url)));

/** Milliseconds after which even what was left behind must have ended: the last order's token, a minute, and a sweep. */
const FINAL_PATIENCE_MS = 150_000;

/** What is wrong is shown so often for a fault; --json has all of it. */
const SHOWN_LIMIT = 10;

const program = new Command('npm run faults --')
  .description(
    'Kills, stops, wipes and floods parts of a running stack under load, rotates its keys, and checks after each that nothing was lost or doubled.',
  )
  .option('--rounds <n>', 'rounds; each has every fault once', whole(1, 1_000), 1)
  .option('--seed <n>', 'of the moments and the payments; printed, so that a run can be made again', whole(0, 2 ** 31))
  .option('--clients <n>', 'clients that pay at the same time', whole(1, 200), 8)
  .addOption(
    new Option('--only <faults...>', 'only these faults, or those of a drill')
      .choices([...new Set(faults.flatMap(({ name, drill }) => (drill === undefined ? [name] : [drill, name])))])
      .default([]),
  )
  .option('--from <ref>', 'the version that `--only upgrade` begins with', 'v0.1.0')
  .option('--json', 'print one line of JSON at the end (the rest goes to standard error)', false);

interface Struck extends RoundReport {
  readonly round: number;
  readonly fault: string;
  readonly seconds: number;
}

/** Without a choice: all but those that have to be named. */
function chosenOf(only: readonly string[]): readonly Fault[] {
  if (only.length === 0) return faults.filter(({ byNameOnly }) => byNameOnly !== true);
  return faults.filter(({ name, drill }) => only.includes(name) || (drill !== undefined && only.includes(drill)));
}

async function run({ rounds, seed, clients, only, from, json }: Options): Promise<boolean> {
  const out = (line: string): void => void (json ? process.stderr : process.stdout).write(`${line}\n`);
  const wished = chosenOf(only);
  const skipped =
    wished.includes(upgrade) && !hasVersion(root, from)
      ? [`upgrade: this clone has no ${from}; name another version with --from`]
      : [];
  const chosen = wished.filter((fault) => fault !== upgrade || skipped.length === 0);
  for (const line of skipped) out(`skipped ${line}`);
  if (chosen.length === 0) {
    if (json) process.stdout.write(`${JSON.stringify({ ok: true, seed, struck: [], skipped })}\n`);
    return true;
  }
  const temporary = mkdtempSync(join(tmpdir(), 'countersign-faults-'));
  const directory = join(temporary, 'state');
  const random = seededRandom(seed);
  out(`seed ${String(seed)}, ${String(clients)} clients`);
  if (chosen.includes(upgrade)) {
    out(`${from} is built, and runs once`);
    await runOlderVersion({ root, ref: from, sources: join(temporary, 'sources'), directory }).catch(
      (error: unknown) => {
        rmSync(temporary, { recursive: true, force: true });
        throw error;
      },
    );
  }
  const stack = await startStack({
    root,
    directory,
    portBase: await freePortBase(),
    without: [],
    onStep: () => undefined,
    onLine: () => undefined,
    environment: shortTimes,
  });
  process.once('SIGINT', () => void stack.stop().finally(() => process.exit(130)));
  const struck: Struck[] = [];
  try {
    const rests: Round[] = [];
    for (let number = 1; number <= rounds; number += 1) {
      for (const fault of chosen) {
        const begun = performance.now();
        const round = new Round(stack, { clients, random });
        await round.strike([fault]);
        const report = await round.check(10_000);
        if (report.underWay > 0) rests.push(round);
        const line = { round: number, fault: fault.name, ...report, seconds: secondsSince(begun) };
        struck.push(line);
        out(described(line));
      }
    }
    struck.push(...(await finish(rests, out)));
  } finally {
    await stack.stop();
    for (const folder of [temporary, stack.postgres.directory]) rmSync(folder, { recursive: true, force: true });
  }
  const wrong = struck.flatMap((one) => one.wrong);
  const ok = wrong.length === 0;
  out('What told of it within five seconds:');
  for (const { fault, signals } of struck.filter(({ round }) => round > 0))
    out(`${fault.padEnd(24)} ${signals.join(`\n${' '.repeat(25)}`) || 'nothing'}`);
  if (json) process.stdout.write(`${JSON.stringify({ ok, seed, struck, skipped })}\n`);
  else out(ok ? 'Nothing was lost or doubled.' : `${String(wrong.length)} faults.`);
  return ok;
}

/** What clients left behind ends at the latest when no order of theirs can be on its way any more. */
async function finish(rests: readonly Round[], out: (line: string) => void): Promise<readonly Struck[]> {
  const ended: Struck[] = [];
  for (const rest of rests) {
    const begun = performance.now();
    const report = await rest.check(FINAL_PATIENCE_MS);
    const late = report.underWay === 0 ? [] : [`${String(report.underWay)} payments were never ended`];
    const line = {
      round: 0,
      fault: 'what was left',
      ...report,
      wrong: [...report.wrong, ...late],
      seconds: secondsSince(begun),
    };
    ended.push(line);
    out(described(line));
  }
  return ended;
}

function secondsSince(begun: number): number {
  return Math.round((performance.now() - begun) / 100) / 10;
}

function described({ fault, payments, retries, left, underWay, transfers, events, wrong, seconds }: Struck): string {
  const counts = [
    `${String(payments)} payments`,
    `${String(retries)} retries`,
    `${String(left)} clients gone, ${String(underWay)} of their payments in progress`,
    `${String(transfers)} transfers`,
    `${String(events)} events verified`,
  ];
  const more = wrong.length > SHOWN_LIMIT ? [`and ${String(wrong.length - SHOWN_LIMIT)} more`] : [];
  const verdict = wrong.length === 0 ? 'held' : ['BROKEN', ...wrong.slice(0, SHOWN_LIMIT), ...more].join('\n  ');
  return `${fault.padEnd(20)} ${counts.join(', ')}, ${seconds.toFixed(1)} s: ${verdict}`;
}

const { seed = Date.now() % 2 ** 31, ...given } = program.parse().opts<Omit<Options, 'seed'> & { seed?: number }>();
try {
  process.exitCode = (await run({ ...given, seed })) ? 0 : 1;
} catch (error) {
  process.stderr.write(`\n${wordsFor(error)}\n`);
  if (given.json) process.stdout.write(`${JSON.stringify({ ok: false, seed, error: wordsFor(error) })}\n`);
  process.exitCode = 1;
}
