import { Inject, Injectable, type BeforeApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { type AuditOutbox } from '@countersign/audit-client';
import { uuidv7 } from '@countersign/audit-event';
import {
  AUDIT_OUTBOX,
  Background,
  byItself,
  CLOCK,
  DATABASE,
  LOGGER,
  unattended,
  type BackgroundHandle,
  type Database,
  type Transaction,
} from '@countersign/service-host';
import { type Logger } from 'pino';
import { events } from '../events.js';
import { ISSUER_URL } from '../issuer-url.js';
import { Replica } from '../registry/replica.service.js';
import { nextAttempt, signLogoutToken } from './logout-notice.js';
import { LOGOUT_SENDER, type LogoutSender } from './logout-sender.js';
import { LogoutNoticesStore } from './logout-notices.store.js';
import { type LogoutNoticeRow } from './logout-notices.tables.js';

const CHECK_EVERY_MS = 1_000;
/** Maximum concurrent attempts, in total and to one client, so that one that hangs does not delay the others. */
const AT_ONCE = 20;
const PER_CLIENT = 2;
/** Milliseconds after which another replica takes over the notice of one that died: longer than an attempt may take. */
const LEASE_MS = 30_000;

/** Notifies applications that a person's session ended (OpenID Connect Back-Channel Logout 1.0). */
@Injectable()
export class LogoutNotices implements OnModuleInit, BeforeApplicationShutdown {
  #handle: BackgroundHandle | undefined;
  /** Attempts in progress, with their clients. */
  readonly #running = new Map<Promise<void>, string>();

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(LogoutNoticesStore) private readonly store: LogoutNoticesStore,
    @Inject(LOGOUT_SENDER) private readonly sender: LogoutSender,
    @Inject(Replica) private readonly replica: Replica,
    @Inject(ISSUER_URL) private readonly issuer: string,
    @Inject(AUDIT_OUTBOX) private readonly outbox: AuditOutbox,
    @Inject(Background) private readonly background: Background,
    @Inject(CLOCK) private readonly clock: () => Date,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  onModuleInit(): void {
    this.#handle = this.background.repeat({
      name: 'logout_notices',
      everyMs: CHECK_EVERY_MS,
      run: async () => {
        await this.#begin();
        return undefined;
      },
    });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sender.close();
    await Promise.all(this.#running.keys());
  }

  /** Writes a notice for each client that signed the person in through the session and wants to be notified, in the transaction that ends it. */
  async addIn(
    transaction: Transaction,
    { id: sessionId, personId, txn }: Pick<LogoutNoticeRow, 'personId' | 'txn'> & { readonly id: string },
  ): Promise<void> {
    for (const clientId of await this.store.clientsOf(transaction, sessionId))
      await this.store.add(transaction, { clientId, personId, sessionId, txn }, this.clock());
  }

  /** Sends what was written, once it has committed. */
  wake(): void {
    this.#handle?.wake();
  }

  async #begin(): Promise<void> {
    const inFlight = [...this.#running.values()];
    if (inFlight.length >= AT_ONCE) return;
    // None of a client's while one of them is in progress, so that two rounds together stay within its share.
    const limit = { all: AT_ONCE - inFlight.length, perClient: PER_CLIENT };
    for (const notice of await this.store.take(limit, inFlight, this.clock(), LEASE_MS)) {
      const attempt = this.#attempt(notice)
        .catch((error: unknown) => {
          this.logger.warn(
            { err: error, client_id: notice.clientId },
            'a notice could not be sent; it will be retried',
          );
        })
        .finally(() => {
          this.#running.delete(attempt);
          this.#handle?.wake();
        });
      this.#running.set(attempt, notice.clientId);
    }
  }

  /** A client that this replica does not know may be brand new; its notice would be lost. */
  async #addressOf(clientId: string): Promise<string | undefined> {
    const known = (): string | undefined => this.replica.client(clientId)?.client.backchannel_logout_uri;
    if (known() === undefined) await this.replica.refresh();
    return known();
  }

  async #attempt(notice: LogoutNoticeRow): Promise<void> {
    const url = await this.#addressOf(notice.clientId);
    // The client is gone, or no longer wants to be notified.
    if (url === undefined) return this.database.transaction((transaction) => this.store.remove(transaction, notice.id));
    const now = this.clock();
    const what = { issuer: this.issuer, id: uuidv7(now.getTime()), now: now.getTime(), signer: this.replica.signer };
    const sent = await this.sender.send(url, await signLogoutToken(notice, what));
    const again = sent.ok ? undefined : nextAttempt(notice.attempts, now, Math.random());
    if (again !== undefined) return this.store.postpone(notice.id, again);
    await this.#end(notice, sent.ok ? undefined : sent.reason);
  }

  async #end(
    { id, clientId, personId, sessionId, attempts, txn }: LogoutNoticeRow,
    reason: string | undefined,
  ): Promise<void> {
    if (reason !== undefined)
      this.logger.warn({ client_id: clientId, reason }, 'an application could not be notified that a session ended');
    const changes = { session: sessionId, person: personId, attempts };
    const outcome = reason === undefined ? 'allowed' : 'failed';
    await this.database.transaction(async (transaction) => {
      await this.store.remove(transaction, id);
      await this.outbox.record(
        transaction,
        events.event('logout.sent', byItself(unattended({ txn })), { id: clientId, outcome, reason, changes }),
      );
    });
  }
}
