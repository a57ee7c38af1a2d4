import { rmSync } from 'node:fs';
import { ensureAuditStreams, reportSubject } from '@countersign/audit-client';
import {
  natsServices,
  newNatsPasswords,
  perService,
  startNats,
  testFolder,
  type Nats,
  type NatsPasswords,
  type NatsService,
} from '@countersign/backing-services';
import { jetstream, jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { type NatsConnection } from '@nats-io/transport-node';
import { connectAs, type Neighbour } from './neighbour.js';
import { lootOf, type Target } from './targets.js';
import { walls, type Walls } from './walls.js';

const bucket = 'KV_revocations';
const allOfBucket = '$KV.revocations.>';
const trail = 'AUDIT';
const secret = 'only audit may read this';

interface StreamState {
  readonly created: string;
  readonly firstSequence: number;
  readonly consumers: number;
}

/** A NATS server with the stack's streams, its services as victims, and what they notice. */
export class Lab {
  #victims: Readonly<Record<NatsService, NatsConnection>> | undefined;
  #attacker: Neighbour | undefined;
  #heard: { readonly by: NatsService; readonly subject: string }[] = [];
  #looted = 0;
  #before: Readonly<Record<string, StreamState | undefined>> = {};

  private constructor(
    private readonly nats: Nats,
    private readonly directory: string,
    private readonly passwords: NatsPasswords,
  ) {}

  static async start(wall: Walls): Promise<Lab> {
    const directory = testFolder();
    const passwords = newNatsPasswords();
    return new Lab(await startNats({ directory, passwords, configuration: walls[wall] }), directory, passwords);
  }

  async stop(): Promise<void> {
    await this.#leave();
    await this.nats.stop();
    rmSync(this.directory, { recursive: true, force: true });
  }

  /** A fresh server, with the stack's streams and something in them, and an attacker next to the victims. */
  async reset(attacker: NatsService): Promise<Neighbour> {
    await this.#leave();
    await this.nats.stop();
    this.nats.wipe();
    await this.nats.start();
    const connections = await Promise.all(natsServices.map((service) => this.#connect(service)));
    const victims = perService((service) => {
      const connection = connections[natsServices.indexOf(service)];
      if (connection === undefined) throw new Error(`${service} has no connection`);
      return connection;
    });
    this.#victims = victims;
    this.#attacker = { service: attacker, connection: await this.#connect(attacker) };
    await this.#fill(victims);
    this.#heard = [];
    for (const by of natsServices) this.#observe(by, victims[by]);
    await Promise.all(connections.map((connection) => connection.flush()));
    this.#looted = 0;
    for (const subject of [lootOf(attacker), `${lootOf(attacker)}.>`, 'audit.>'])
      this.#attacker.connection.subscribe(subject, {
        callback: (error, message) => {
          if (error === null && message.string().includes(secret)) this.#looted += 1;
        },
      });
    await this.#attacker.connection.flush();
    this.#before = await this.#states();
    return this.#attacker;
  }

  /** An event of every service, for anyone who has made it flow to where it should not. */
  async speak(): Promise<void> {
    if (this.#victims === undefined) return;
    for (const service of natsServices) {
      const own = service === this.#attacker?.service;
      this.#victims[service].publish(`audit.${service}.spoken`, own ? 'its own' : secret);
      await this.#victims[service].flush();
    }
  }

  /** Whether the attacker reached the target since the lab was reset. */
  async reached({ kind, subject }: Target): Promise<boolean> {
    if (kind === 'loot') return this.#looted > 0;
    if (kind === 'message') {
      const places = [subject, `${subject}.>`, ...(subject.startsWith('$KV.') ? [allOfBucket] : [])];
      const heard = this.#heard.some((one) => one.by !== this.#attacker?.service && places.includes(one.subject));
      return heard || (await this.#stored(subject)) > 0;
    }
    const now = await this.#states();
    const stream = subject.includes(bucket) ? bucket : trail;
    const [was, is] = [this.#before[stream], now[stream]];
    if (was === undefined || is?.created !== was.created) return true;
    if (subject.includes('STREAM.PURGE')) return is.firstSequence > was.firstSequence;
    return subject.includes('CONSUMER.DELETE') && is.consumers < was.consumers;
  }

  #connect(service: NatsService): Promise<NatsConnection> {
    return connectAs({ url: this.nats.url, service, password: this.passwords[service] });
  }

  async #leave(): Promise<void> {
    const victims = this.#victims === undefined ? [] : Object.values(this.#victims);
    const all = [...victims, ...(this.#attacker === undefined ? [] : [this.#attacker.connection])];
    this.#victims = undefined;
    this.#attacker = undefined;
    await Promise.all(all.map((connection) => connection.close()));
  }

  async #fill({ issuer, audit }: Readonly<Record<NatsService, NatsConnection>>): Promise<void> {
    const manager = await jetstreamManager(audit);
    await ensureAuditStreams(manager);
    // Leaves an attacker with audit's credentials room for its own stream.
    await manager.streams.delete('AUDIT_DEAD_LETTERS');
    await manager.consumers.add(trail, { durable_name: 'audit-log', ack_policy: 'explicit' });
    await (
      await this.#bucketManager()
    ).streams.add({
      name: bucket,
      subjects: [allOfBucket],
      allow_direct: true,
      allow_rollup_hdrs: true,
      max_msgs_per_subject: 1,
    });
    await jetstream(issuer).publish('$KV.revocations.token.first', '{"until":1}');
    await this.speak();
  }

  #observe(by: NatsService, connection: NatsConnection): void {
    const subjects = [`receipts.${by}`, 'log.checkpoint', `_INBOX_${by}.forged`, `_INBOX_${by}.forged.>`];
    const reports = by === 'audit' ? natsServices.map(reportSubject) : [];
    for (const subject of [...subjects, ...reports, ...(by === 'issuer' ? [] : [allOfBucket])])
      connection.subscribe(subject, {
        // A message that a consumer delivers still has the subject that it was stored under: what counts is where it was heard.
        callback: (error) => {
          if (error === null) this.#heard.push({ by, subject });
        },
      });
  }

  /** Messages at and below a subject, in whichever stream it belongs to. */
  async #stored(subject: string): Promise<number> {
    const [stream, manager] = subject.startsWith('$KV.')
      ? [bucket, await this.#bucketManager()]
      : [trail, await this.#trailManager()];
    let messages = 0;
    for (const filter of [subject, `${subject}.>`]) {
      const info = await manager.streams.info(stream, { subjects_filter: filter }).catch(() => undefined);
      for (const count of Object.values(info?.state.subjects ?? {})) messages += count;
    }
    return messages;
  }

  async #states(): Promise<Readonly<Record<string, StreamState | undefined>>> {
    const look = async (manager: JetStreamManager, stream: string): Promise<StreamState | undefined> => {
      const info = await manager.streams.info(stream).catch(() => undefined);
      if (info === undefined) return undefined;
      const { created, state } = info;
      return { created: String(created), firstSequence: state.first_seq, consumers: state.consumer_count };
    };
    return {
      [bucket]: await look(await this.#bucketManager(), bucket),
      [trail]: await look(await this.#trailManager(), trail),
    };
  }

  #bucketManager(): Promise<JetStreamManager> {
    return this.#managerOf('issuer');
  }

  #trailManager(): Promise<JetStreamManager> {
    return this.#managerOf('audit');
  }

  #managerOf(service: NatsService): Promise<JetStreamManager> {
    if (this.#victims === undefined) throw new Error('the lab is closed');
    return jetstreamManager(this.#victims[service], { checkAPI: false, timeout: 2_000 });
  }
}
