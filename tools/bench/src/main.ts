import { readdirSync } from 'node:fs';
import { Command, InvalidArgumentError } from 'commander';
import { isBenchmark, type Benchmark, type Measured } from './benchmark.js';
import { jsonReport, readableReport } from './report.js';

const suffix = '.bench.js';

function benchmarkNames(): readonly string[] {
  return readdirSync(new URL('.', import.meta.url))
    .filter((file) => file.endsWith(suffix))
    .map((file) => file.slice(0, -suffix.length))
    .sort();
}

async function load(name: string): Promise<Benchmark> {
  const module: unknown = await import(new URL(`${name}${suffix}`, import.meta.url).href);
  const found = typeof module === 'object' && module !== null && 'default' in module ? module.default : undefined;
  if (!isBenchmark(found)) throw new Error(`${name}.bench.ts has no benchmark as its default export`);
  return found;
}

function parseRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > 101) throw new InvalidArgumentError('1 to 101.');
  return rounds;
}

interface Options {
  readonly rounds: number;
  readonly json: boolean;
  readonly only?: readonly string[];
}

async function runOne(name: string, { rounds, json, only }: Options): Promise<void> {
  const benchmark = await load(name);
  const { parts = [] } = benchmark;
  const unknown = only?.filter((part) => !parts.includes(part)) ?? [];
  if (unknown.length > 0)
    throw new InvalidArgumentError(`${name} has no part ${unknown.join(', ')}; it has ${parts.join(', ') || 'none'}`);
  const measured: Measured[] = [];
  process.stderr.write(`${name}: ${benchmark.description}\n`);
  const metrics = await benchmark.run({
    rounds,
    progress: (message) => process.stderr.write(`  ${message}\n`),
    wants: (part) => only?.includes(part) ?? true,
    measured: (label, value, unit) => measured.push({ name: label, value, unit }),
  });
  (json ? process.stderr : process.stdout).write(`${readableReport(name, metrics, measured)}\n`);
  if (json) process.stdout.write(`${jsonReport(name, metrics)}\n`);
}

const names = benchmarkNames();

await new Command('npm run bench --')
  .description(
    'Measures against a named peer or floor in the same run; ratios carry over to other machines, times do not.',
  )
  .argument('<names...>', `one or more of: ${names.join(', ')}`)
  .option('--rounds <count>', 'number of interleaved rounds, odd', parseRounds, 11)
  .option('--only <parts...>', 'only these parts of a benchmark that has parts (mint)')
  .option('--json', 'print one JSON object per benchmark, as the last line', false)
  .addHelpText('after', '\nExit code 0 when all ran, whether or not each goal was met; 1 when one could not run.')
  .action(async (wanted: string[], options: Options) => {
    const unknown = wanted.filter((name) => !names.includes(name));
    if (unknown.length > 0)
      throw new InvalidArgumentError(`no benchmark ${unknown.join(', ')}; there are ${names.join(', ')}`);
    for (const name of wanted) await runOne(name, options);
  })
  .parseAsync()
  .then(
    () => process.exit(0),
    (error: unknown) => {
      process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      process.exit(1);
    },
  );
