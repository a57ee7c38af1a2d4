import { setTimeout as delay } from 'node:timers/promises';
import { type Stack } from '@countersign/stack';
import { Aftermath } from './aftermath.js';
import { type Dealt } from './deal.js';
import { type Fault } from './fault.js';
import { Load } from './load.js';
import { isUnderWay, moneyFaults } from './money-check.js';
import { openAccount } from './open-account.js';
import { type Random } from './random.js';
import { SignalWatch, type SeenSignal } from './signal-watch.js';
import { Storefront } from './storefront.js';
import { trailFaults } from './trail-check.js';

export interface RoundOptions {
  /** Clients that pay at the same time. */
  readonly clients: number;
  readonly random: Random;
}

/** The findings after the faults. */
export interface RoundReport {
  readonly payments: number;
  /** Requests that clients had to send again. */
  readonly retries: number;
  /** Clients that went away without an answer. */
  readonly left: number;
  /** Payments of such clients that recovery may not conclude yet: an order of theirs may still be on its way. */
  readonly underWay: number;
  readonly transfers: number;
  /** Events in the trail, all of them verified. */
  readonly events: number;
  /** What the fault itself counted. */
  readonly counts: Readonly<Record<string, number>>;
  /** Signals of the fault within five seconds: checks and notes of readiness, and metrics, by service. */
  readonly signals: readonly SeenSignal[];
  /** What must not be, in words; empty when everything held. */
  readonly wrong: readonly string[];
}

/** Milliseconds for which clients keep paying after the last fault. */
const AFTER_MS = 1_000;

/** Payments made on a stack while faults strike it; then everything is examined. */
export class Round {
  readonly #storefront: Storefront;
  readonly #wrong: string[] = [];
  readonly #kept: string[] = [];
  #dealt: readonly Dealt[] = [];
  #relearned = false;
  #signals: readonly SeenSignal[] = [];
  #counts: Readonly<Record<string, number>> = {};
  #from = '';
  #to = '';

  constructor(
    private readonly stack: Stack,
    private readonly options: RoundOptions,
  ) {
    this.#storefront = new Storefront(stack);
  }

  /** Lets clients pay while the faults strike one after the other; returns when all clients have ended what they began. */
  async strike(faults: readonly Fault[]): Promise<void> {
    const { random, clients } = this.options;
    this.#from = await openAccount(this.stack, this.#storefront, 'allowed');
    this.#to = await openAccount(this.stack, this.#storefront, 'forbidden');
    const load = new Load({
      payments: this.stack.urls.payments,
      storefront: this.#storefront,
      from: this.#from,
      to: this.#to,
      clients,
      tag: this.#to,
      random,
    });
    try {
      const wrong = (what: string): void => void this.#wrong.push(what);
      const keepCheckpoint = (checkpoint: string): void => void this.#kept.push(checkpoint);
      this.#relearned = faults.some(({ relearns }) => relearns === true);
      const watch = await SignalWatch.begin(this.stack);
      const struck = (): void => {
        watch.struck();
      };
      const note = (counts: Readonly<Record<string, number>>): void => void (this.#counts = counts);
      const scene = {
        stack: this.stack,
        random,
        storefront: this.#storefront,
        load,
        keepCheckpoint,
        struck,
        note,
        wrong,
      };
      try {
        for (const fault of faults) await fault.strike(scene);
      } finally {
        this.#signals = await watch.end();
      }
      await delay(AFTER_MS);
    } finally {
      this.#dealt = await load.stop();
    }
    if (faults.every(({ unfelt }) => unfelt === true))
      this.#wrong.push(...this.#dealt.flatMap(({ failures }) => failures));
  }

  /** @param patienceMs how long recovery may take for what clients left behind */
  async check(patienceMs: number): Promise<RoundReport> {
    const aftermath = new Aftermath(this.stack, this.#storefront, this.#from, this.#to);
    aftermath.allLive();
    const payments = await aftermath.settled(patienceMs);
    const entries = await aftermath.entries();
    await aftermath.trailComplete();
    const trail = await aftermath.trail();
    return {
      payments: payments.length,
      retries: this.#dealt.reduce((sum, { retries }) => sum + retries, 0),
      left: this.#dealt.filter(({ answered }) => answered === undefined).length,
      underWay: payments.filter(isUnderWay).length,
      transfers: new Set(entries.map(({ transfer_id }) => transfer_id)).size,
      events: trail.events,
      counts: this.#counts,
      signals: this.#signals,
      wrong: [
        ...this.#wrong,
        ...moneyFaults(this.#dealt, payments, entries),
        ...trailFaults(trail, payments, entries, this.#relearned),
        ...(await aftermath.faults(trail, this.#kept)),
      ],
    };
  }
}
