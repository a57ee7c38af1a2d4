import { setTimeout as delay } from 'node:timers/promises';
import { openDatabase } from '@countersign/backing-services';
import { auditStream } from '@countersign/audit-client';
import { type ServiceName, type Stack } from '@countersign/stack';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connectAs } from '../nats-matrix/neighbour.js';
import { curveOf, isSteady, type Curve } from './curve.js';
import { memoryOf, oldGenerationOf } from './memory.js';
import { Source, type SourceName } from './source.js';

export interface SoakOptions {
  readonly events: number;
  readonly streamMib: number;
  /** Whether events have only what every event has, a third of what a payment's have; false by default. */
  readonly bare?: boolean;
}

export interface SoakReport {
  /** Whether nothing is wrong, and nothing rises. */
  readonly ok: boolean;
  readonly events: number;
  readonly seconds: number;
  readonly eventsPerSecond: number;
  readonly streamMib: number;
  readonly curves: Readonly<Record<string, Curve>>;
  /** What was lost, duplicated or stalled, in words. */
  readonly wrong: readonly string[];
  /** Which curves rise; a short run says little about that. */
  readonly rising: readonly string[];
}

const sources = ['payments', 'accounts'] as const satisfies readonly SourceName[];
const measured = ['payments', 'accounts', 'audit'] as const satisfies readonly ServiceName[];

/** Events that may wait in one outbox before its service makes more. */
const WAITING_LIMIT = 4_000;
/** Milliseconds until outboxes are counted again, in which a tenth of such an outbox leaves it. */
const REFILL_MS = 100;
const CHECK_EVERY_MS = 500;
/** Milliseconds without a single event leaving an outbox after which the trail has stalled. */
const STALLED_MS = 120_000;

const mebi = 1024 ** 2;

/** Events through a running stack: made in the outboxes of two services, carried by their relays, committed by audit. */
export class Soak {
  readonly #looked = new Map<string, number[]>();
  readonly #sources: readonly Source[];
  readonly #wrong: string[] = [];

  constructor(
    private readonly stack: Stack,
    private readonly options: SoakOptions,
    private readonly print: (line: string) => void,
  ) {
    const { events, bare = false } = options;
    const half = Math.floor(events / 2);
    this.#sources = sources.map((name, index) => new Source(stack, name, index === 0 ? events - half : half, bare));
  }

  async run(): Promise<SoakReport> {
    const { nats, identities } = this.stack;
    const connection = await connectAs({ url: nats.url, service: 'audit', password: identities.natsPasswords.audit });
    const startedAt = performance.now();
    try {
      await this.#pump(await jetstreamManager(connection));
      const seconds = (performance.now() - startedAt) / 1_000;
      await this.#compare(await jetstreamManager(connection));
      return this.#report(seconds);
    } finally {
      await Promise.all([connection.close(), ...this.#sources.map((source) => source.close())]);
    }
  }

  /** Keeps the outboxes filled until every event is made, and waits until every one has left. */
  async #pump(manager: JetStreamManager): Promise<void> {
    const startedAt = performance.now();
    let [checkedAt, movedAt, gone, reportedAt] = [-Infinity, startedAt, 0, startedAt];
    for (;;) {
      const outboxes = await Promise.all(this.#sources.map((source) => source.outbox()));
      const [made, waiting] = [this.#made(), outboxes.reduce((sum, { rows }) => sum + rows, 0)];
      const now = performance.now();
      if (made - waiting > gone) [gone, movedAt] = [made - waiting, now];
      if (now - movedAt > STALLED_MS) {
        this.#wrong.push(`the trail stalled with ${String(waiting)} events in the outboxes`);
        return;
      }
      if (now - checkedAt >= CHECK_EVERY_MS) {
        checkedAt = now;
        await this.#check(manager, outboxes);
      }
      if (now - reportedAt > 10_000) {
        reportedAt = now;
        this.print(
          `${String(gone)} of ${String(this.options.events)} events, ${((now - startedAt) / 1_000).toFixed(0)} s`,
        );
      }
      if (waiting === 0 && this.#sources.every(({ finished }) => finished)) return;
      const hungry = this.#sources.filter(
        ({ finished }, index) => !finished && (outboxes[index]?.rows ?? 0) < WAITING_LIMIT,
      );
      await Promise.all(hungry.map((source) => source.record()));
      if (hungry.length === 0) await delay(REFILL_MS);
    }
  }

  #made(): number {
    return this.#sources.reduce((sum, { made }) => sum + made, 0);
  }

  async #check(manager: JetStreamManager, outboxes: readonly { rows: number; ageSeconds: number }[]): Promise<void> {
    const { state } = await manager.streams.info(auditStream.name);
    this.#note('stream', state.bytes / mebi);
    this.#note(
      'outbox',
      outboxes.reduce((sum, { rows }) => sum + rows, 0),
    );
    this.#note('latency', Math.max(...outboxes.map(({ ageSeconds }) => ageSeconds)));
    for (const name of measured) {
      const child = this.stack.services.get(name)?.child;
      if (child?.running() !== true) throw new Error(`${name} ended by itself:\n${child?.lastLines() ?? ''}`);
      this.#note(`memory_${name}`, memoryOf(child.pid));
      this.#note(`heap_${name}`, await oldGenerationOf(this.stack.urls[name]));
    }
  }

  #note(curve: string, value: number): void {
    const values = this.#looked.get(curve);
    if (values === undefined) this.#looked.set(curve, [value]);
    else values.push(value);
  }

  /** Every event must be in the log once, and nothing left in the stream. */
  async #compare(manager: JetStreamManager): Promise<void> {
    const { identities, postgres, urls } = this.stack;
    const login = `audit:${identities.databasePasswords.audit}`;
    const client = await openDatabase(`postgres://${login}@127.0.0.1:${String(postgres.port)}/audit`);
    try {
      for (const { name, made } of this.#sources) {
        const { rows } = await client.query<{ events: string; ids: string; letters: string }>(
          `select count(*) as events, count(distinct id) as ids, (select count(*) from dead_letter where source = $1) as letters
           from event where source = $1 and type = $2`,
          [name, `countersign.${name}.soak.read.v1`],
        );
        const { events = '0', ids = '0', letters = '0' } = rows[0] ?? {};
        if (Number(events) !== made || Number(ids) !== made || letters !== '0')
          this.#wrong.push(
            `of ${String(made)} events of ${name}, ${events} are stored (${ids} different), ${letters} dead`,
          );
      }
      const { rows: heads } = await client.query<{ next_index: string }>('select next_index from log_sequence');
      const wanted = Number(heads[0]?.next_index);
      const size = async (): Promise<number> =>
        Number((await (await fetch(`${urls.audit}/log/checkpoint`)).text()).split('\n')[1]);
      for (const deadline = performance.now() + STALLED_MS; (await size()) < wanted; await delay(200))
        if (performance.now() > deadline) {
          this.#wrong.push('the newest events were never covered by a checkpoint');
          break;
        }
    } finally {
      await client.end();
    }
    for (const deadline = performance.now() + 10_000; ; await delay(100)) {
      const { messages } = (await manager.streams.info(auditStream.name)).state;
      if (messages === 0) break;
      if (performance.now() < deadline) continue;
      this.#wrong.push(`${String(messages)} messages stay in the stream`);
      break;
    }
  }

  #report(seconds: number): SoakReport {
    const { events, streamMib } = this.options;
    const curve = (name: string, unit: string): Curve => curveOf(unit, this.#looked.get(name) ?? []);
    const curves: Record<string, Curve> = {
      stream: curve('stream', 'MiB'),
      outbox: curve('outbox', 'events'),
      latency: curve('latency', 's'),
    };
    const slack: Record<string, number> = { stream: streamMib / 4, outbox: 2 * WAITING_LIMIT, latency: 2 };
    for (const name of measured.flatMap((service) => [`memory_${service}`, `heap_${service}`])) {
      curves[name] = curve(name, 'MiB');
      slack[name] = 32;
    }
    const rising = Object.entries(curves)
      .filter(([name, one]) => !isSteady(one, slack[name] ?? 0))
      .map(
        ([name, { unit, middle, last }]) =>
          `${name}: ${String(middle)} ${unit} in the middle, ${String(last)} at the end`,
      );
    if ((curves['stream']?.max ?? 0) > streamMib) this.#wrong.push('the stream was larger than it may be');
    return {
      ok: this.#wrong.length === 0 && rising.length === 0,
      events,
      seconds: Math.round(seconds * 10) / 10,
      eventsPerSecond: Math.round(events / seconds),
      streamMib,
      curves,
      wrong: this.#wrong,
      rising,
    };
  }
}
