import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shortTimes, wordsFor } from '@countersign/stack';
import { root, withOwnStack } from '../own-stack.js';
import { faults } from './all-faults.js';
import { earlierVersions, type EarlierVersion } from './earlier-versions.js';
import { type Fault } from './fault.js';
import { seededRandom, type Random } from './random.js';
import { Round, type RoundReport } from './round.js';
import { runOlderVersion, upgrade, upgradeWith } from './upgrade.js';
import { leaveEvents } from './waiting-events.js';

export interface FaultOptions {
  /** Rounds; each contains every fault once. */
  readonly rounds: number;
  readonly seed: number;
  /** Clients that pay at the same time. */
  readonly clients: number;
  /** Names of faults and drills; empty means all except those that must be named. */
  readonly only: readonly string[];
  /** Tags or commits that an upgrade begins with; empty means every released version. */
  readonly from: readonly string[];
}

/** What one fault did, or at the end what was left of all of them. */
export interface Struck extends RoundReport {
  /** From 1; 0 for what was left at the end. */
  readonly round: number;
  readonly fault: string;
  readonly seconds: number;
}

/** What the faults strike one after the other. */
interface Victim {
  readonly faults: readonly Fault[];
  readonly rounds: number;
  /** The version whose data the stack takes over. */
  readonly from?: EarlierVersion;
}

const REST = 'what was left';

/** Milliseconds after which even what was left behind must have ended: the last order's token, a minute, and a sweep. */
const FINAL_PATIENCE_MS = 150_000;

function chosenOf(only: readonly string[]): readonly Fault[] {
  if (only.length === 0) return faults.filter(({ byNameOnly }) => byNameOnly !== true);
  return faults.filter(({ name, drill }) => only.includes(name) || (drill !== undefined && only.includes(drill)));
}

const nothing: RoundReport = {
  payments: 0,
  retries: 0,
  left: 0,
  underWay: 0,
  transfers: 0,
  events: 0,
  counts: {},
  signals: [],
  wrong: [],
};

function secondsSince(startedAt: number): number {
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

/** A run of the fault suite: one stack for all faults, and one for each version that is upgraded. */
export class FaultRun {
  readonly #random: Random;
  readonly #struck: Struck[] = [];

  /** @param print takes a line for each step; @param struck takes what each fault did */
  constructor(
    private readonly options: FaultOptions,
    private readonly print: (line: string) => void,
    private readonly struck: (one: Struck) => void,
  ) {
    this.#random = seededRandom(options.seed);
  }

  /** @throws {StackError} before anything is started, when this clone lacks a version to upgrade from */
  async run(): Promise<readonly Struck[]> {
    const { only, from, rounds } = this.options;
    const chosen = chosenOf(only);
    const usual = chosen.filter((fault) => fault !== upgrade);
    const versions = chosen.includes(upgrade) ? earlierVersions(root, from) : [];
    const victims: readonly Victim[] = [
      ...(usual.length === 0 ? [] : [{ faults: usual, rounds }]),
      ...versions.map((version) => ({ faults: [upgrade], rounds: 1, from: version })),
    ];
    for (const victim of victims) await this.#strike(victim);
    return this.#struck;
  }

  async #strike(victim: Victim): Promise<void> {
    const temporary = mkdtempSync(join(tmpdir(), 'countersign-faults-'));
    try {
      const directory = join(temporary, 'state');
      if (victim.from !== undefined) {
        const { name, commit } = victim.from;
        this.print(`${name} is built, and runs once`);
        await runOlderVersion({ root, commit, sources: join(temporary, 'sources'), directory });
        const waiting = await leaveEvents(directory);
        await this.#strikeIn(directory, { ...victim, faults: [upgradeWith(waiting)] });
      } else await this.#strikeIn(directory, victim);
    } finally {
      rmSync(temporary, { recursive: true, force: true });
    }
  }

  #strikeIn(directory: string, { faults: chosen, rounds, from }: Victim): Promise<void> {
    const demo = chosen.some(({ needsPeople }) => needsPeople === true);
    return withOwnStack({ directory, demo, environment: shortTimes }, async (stack) => {
      const rests: Round[] = [];
      for (let number = 1; number <= rounds; number += 1) {
        for (const fault of chosen) {
          const round = new Round(stack, { clients: this.options.clients, random: this.#random });
          const report = await this.#one(round, fault, { number, ...(from === undefined ? {} : { from }) });
          if (report.underWay > 0) rests.push(round);
        }
      }
      for (const rest of rests) await this.#finish(rest);
    });
  }

  /** One fault and what it did; one whose check fails is wrong, and the next is tried all the same. */
  async #one(
    round: Round,
    fault: Fault,
    { number, from }: { readonly number: number; readonly from?: EarlierVersion },
  ): Promise<RoundReport> {
    const startedAt = performance.now();
    const name = from === undefined ? fault.name : `${fault.name} from ${from.name}`;
    const report = await round
      .strike([fault])
      .then(() => round.check(10_000))
      .catch((error: unknown): RoundReport => ({ ...nothing, wrong: [wordsFor(error)] }));
    this.#note({ round: number, fault: name, ...report, seconds: secondsSince(startedAt) });
    return report;
  }

  /** What clients left behind ends at the latest when no order of theirs can be on its way any more. */
  async #finish(rest: Round): Promise<void> {
    const startedAt = performance.now();
    const report = await rest.check(FINAL_PATIENCE_MS);
    const late = report.underWay === 0 ? [] : [`${String(report.underWay)} payments were never ended`];
    const wrong = [...report.wrong, ...late];
    this.#note({ round: 0, fault: REST, ...report, wrong, seconds: secondsSince(startedAt) });
  }

  #note(one: Struck): void {
    this.#struck.push(one);
    this.struck(one);
  }
}
